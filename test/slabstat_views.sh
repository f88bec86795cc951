#!/bin/bash
# slabstat_views.sh - full, diff, --fail-if and several targets
set -u
cd "$(dirname "$0")/.." || exit 1
. test/fixture/slabstat.bash

# jq -e FILTER FILE, where there is a jq
holds() {
	command -v jq >/dev/null || return 0
	jq -e "$1" "$2" >/dev/null && ok || bad "jq '$1' does not hold: $(head -c 300 "$2")"
}

cd "$work" || exit 1
"$cc" "${flags[@]}" -o target "$source/test/fixture/target.c" "$build/libslab.a" || exit 1
target
"$slabstat" snapshot "$pid" >a.json || bad "no snapshot"

# ---- full
says 0 '^Slab cache: cache-7 ' full "$pid" cache-7
says 0 'SlabObj : +400  Full ' full "$pid" --cache=cache-7
says 0 '^  thread [0-9]+ +[0-9]+ +[0-9]+$' full "$pid" cache-7
says 0 '[0-9] slabs? by [0-9]+ live object' full "$pid" cache-7
says 0 'no such cache' full "$pid" nothing
says 0 'keeps figures and no memory' full a.json cache-7
says 2 'needs a target' full
says 2 'is too much' full "$pid" a b
says 2 "full has 'cache-7' and --cache to choose by" full "$pid" cache-7 --cache=cache-9
"$slabstat" full "$pid" --json >full.json
holds '.schema == 1 and (.caches | length == 24)' full.json
holds '[.caches[] | select(([.parked[].objects] | add // 0) != .objects_cached)] == []' full.json
holds '[.caches[] | select(.slabs_by_live + .slabs_by_many + .slabs_by_nobody +
	([.parked[].slabs] | add // 0) != .slabs)] == []' full.json
holds '[.caches[] | select((.slabs_by_tenths | add) != .slabs)] == []' full.json
holds '[.caches[] | select(.waste_bytes != .mapped_bytes - .objects_capacity * .object_bytes or
	.stranded_bytes != (.objects_free - .slabs_empty * .objects_per_slab) * .stride_bytes)]
	== []' a.json
holds '(.totals.waste_bytes == ([.caches[].waste_bytes] | add)) and
	(.totals.stranded_bytes == ([.caches[].stranded_bytes] | add))' a.json
if command -v gcore >/dev/null; then
	gcore -o core "$pid" >/dev/null 2>&1
	cp "core.$pid" copy
	says 2 'is the file that is read' map copy -o "$work/copy"
	cmp -s copy "core.$pid" && ok || bad "map overwrites the core that it reads"
	"$slabstat" full "core.$pid" --json | sed 's/"source": "core"/"source": "live"/' |
		cmp -s - full.json && ok || bad "full of a core differs from the process"
fi

# ---- diff
sed '/"name": "cache-[39]"/s/"objects_live": [0-9]*/"objects_live": 0/
	/"name": "cache-5"/d' a.json >less.json
says 0 '^ *[0-9]+ +\+[0-9]+ .* cache-9$' diff less.json a.json
# one of a kind, or several: two threads may each want the first at the same time
says 0 'cache-0: (1 slab|[2-9] slabs) of 500 objects' map "$pid"
says 0 'cache-7: [0-9]+ slabs of 10 objects' map "$pid"
says 0 ' cache-5 \(new\)$' diff less.json "$pid"
says 0 ' cache-5 \(gone\)$' diff a.json less.json
says 0 'caches without a change hidden' diff a.json "$pid"
says 0 ' 0 cache-2$' diff a.json "$pid" -a
says 2 'needs two targets' diff a.json
says 2 'too much' diff a.json a.json a.json
says 2 'has no format' diff a.json a.json --format=umastat
says 3 'no process or file' diff a.json nowhere.json
"$slabstat" diff less.json a.json --json >diff.json
holds '.diff[0].objects_live.change > 0 and (.diff | length == 24)' diff.json
[ "$("$slabstat" diff --format=csv less.json a.json | awk -F, '{ print NF }' | sort -u |
	wc -l)" -eq 1 ] && ok || bad "lines of csv differ in length"
first=$("$slabstat" diff less.json a.json -s n | sed -n '/NAME/{n;p;}')
[[ $first == *" cache-5 (new)" ]] && ok || bad "diff -s n begins with: $first"
# one grows in what is stranded, another in what is wasted, a third in bytes of live objects
sed '/"name": "cache-9"/s/"objects_free": [0-9]*/"objects_free": 999999/
	/"name": "cache-8"/s/"mapped_bytes": [0-9]*/"mapped_bytes": 99999999/
	/"name": "cache-6"/s/"objects_live": [0-9]*/"objects_live": 9999/' a.json >grown.json
for order in t:cache-9 w:cache-8 c:cache-8 a:cache-6; do
	first=$("$slabstat" diff a.json grown.json -a -s "${order%:*}" | sed -n '/NAME/{n;p;}')
	[ "${first##* }" = "${order#*:}" ] && ok || bad "diff -s ${order%:*} begins with: $first"
done

# ---- gates
says 0 cache-7 "$pid" --fail-if='live>1000000'
says 1 "^slabstat: process $pid: all caches: live is [0-9]+, and --fail-if 'live>1' holds" \
	"$pid" --fail-if 'live>1'
# one slab at least; how many more is the scheduler's luck
says 1 'cache cache-7: size is [0-9]+, ' "$pid" --fail-if 'size >= 4K cache=cache-7,none'
says 0 cache-7 "$pid" --fail-if 'size>1024K cache=cache-7'
says 0 cache-7 "$pid" --fail-if='live>1 live<1 cache=cache-7'
says 1 holds "$pid" --fail-if='objects_live>0 mapped_bytes!=0 cache=cache-*' --json
says 1 holds "$pid" --fail-if='live>1000000' --fail-if='failures=0'
says 1 'live has changed by [0-9]+' diff less.json a.json --fail-if='live>0'
says 1 'cache cache-9: live has changed by -' diff a.json less.json \
	--fail-if='live<-1 cache=cache-9'
says 0 'no cache matches' "$pid" --fail-if='live>0 cache=typo'
says 1 holds full "$pid" --fail-if='slabs>0' cache-7
says 1 holds snapshot a.json --fail-if='slabs>0'
"$slabstat" "$pid" --fail-if='live>1' 2>out >/dev/full
[ $? -eq 7 ] && grep -q holds out && grep -q 'could not be written (No space' out && ok ||
	bad "a gate that holds, and output that is lost: $(cat out)"
says 2 'compares nothing' "$pid" --fail-if=''
says 2 'compares nothing' "$pid" --fail-if='cache=x'
says 2 "knows no figure 'lives'" "$pid" --fail-if='lives>1'
says 2 "knows no figure '>1'" "$pid" --fail-if='>1'
says 2 'no comparison behind live' "$pid" --fail-if='live'
says 2 'no comparison behind live' "$pid" --fail-if='live 5'
says 2 'needs a whole number behind live' "$pid" --fail-if='live>'
says 2 'needs a whole number' "$pid" --fail-if='live>x'
says 2 'too large' "$pid" --fail-if='live>99999999999999999999999'
says 2 'only K, M, G or T' "$pid" --fail-if='live>5q'
says 2 'only K, M, G or T' "$pid" --fail-if='live>5.5'
says 2 'needs a name or glob' "$pid" --fail-if='live>5 cache='
says 2 'cache with = alone' "$pid" --fail-if='live>5 cache>x'
says 2 'cache twice' "$pid" --fail-if='live>5 cache=a cache=b'
says 2 'more than 8 comparisons' "$pid" --fail-if="$(printf 'live>%d ' 1 2 3 4 5 6 7 8 9)"
many=()
for i in $(seq 17); do
	many+=("--fail-if=live>999$i")
done
says 2 'is there more than 16 times' "$pid" "${many[@]}"
says 0 cache-7 "$pid" "${many[@]:1}"
says 2 'does not go with map' map "$pid" --fail-if='live>5'
says 2 'fail-if needs a target' --fail-if='live>0'
says 2 'csv needs a target' --format=csv
says 2 'prometheus needs a target' table --format=prometheus
says 0 '"processes"' --json
says 2 'does not go with table' "$pid" -o file
says 2 'does not go with table' "$pid" -i 1
says 2 'no interval' top "$pid" -i 0
says 2 'no interval' top "$pid" -i nan
says 2 'no interval' top "$pid" -i 86401
says 2 'no interval' top "$pid" -i 1x
says 2 "no sort key 'ab'" "$pid" -s ab
says 2 "no sort key ''" "$pid" --sort=
says 2 'no address' whatis "$pid" 0x10000000000000000
says 2 'no address' whatis "$pid" 0x10z
says 2 'has no format svg' "$pid" --format=svg
for verb in snapshot full map verify leaks users record; do # what would do nothing is told
	says 2 "--sort does not go with $verb" "$verb" "$pid" -s a
done
says 2 '--cache does not go with plot' plot a.json --cache=cache-7
says 2 '--cache needs a target' --cache=cache-7
says 2 '--sort needs a target' -s a
says 2 '--per-cache goes with --format=prometheus alone' "$pid" --per-cache

# ---- several targets
says 0 '^==> a.json <==$' "$pid" a.json
says 2 'one target at a time' --format=prometheus "$pid" a.json
says 3 'no process or file .nowhere.json' "$pid" nowhere.json a.json
grep -q '==> a.json' out && ok || bad "a missing target hides the one behind it"
"$slabstat" --json "$pid" a.json >lines
[ "$(wc -l <lines)" -eq 2 ] && ok || bad "several targets are not a line each"
holds '.caches | length == 24' lines
"$slabstat" --format=csv "$pid" a.json >lines
[ "$(grep -c '^pid,' lines)" -eq 1 ] && [ "$(wc -l <lines)" -eq 49 ] && ok ||
	bad "csv of two targets: $(wc -l <lines) lines"
"$slabstat" --format=csv nowhere.json a.json 2>/dev/null >lines
head -n 1 lines | grep -q '^pid,root,name,' && [ "$(wc -l <lines)" -eq 25 ] && ok ||
	bad "csv begins with: $(head -n 1 lines)"

# ---- map as a picture
# is_png FILE: signature, chunks with their checksums, as many bytes of pixels as it says
is_png() {
	command -v python3 >/dev/null || return 0
	python3 - "$1" <<-'EOT'
		import struct, sys, zlib
		d = open(sys.argv[1], "rb").read()
		assert d[:8] == b"\x89PNG\r\n\x1a\n"
		at, data, names = 8, b"", []
		while at < len(d):
		    n, name = struct.unpack(">I4s", d[at:at + 8])
		    body = d[at + 8:at + 8 + n]
		    crc = struct.unpack(">I", d[at + 8 + n:at + 12 + n])[0]
		    assert crc == zlib.crc32(name + body)
		    names.append(name)
		    if name == b"IHDR":
		        w, h, depth, kind = struct.unpack(">IIBB", body[:10])
		    if name == b"IDAT":
		        data += body
		    at += 12 + n
		assert names[0] == b"IHDR" and names[-1] == b"IEND" and (depth, kind) == (4, 3)
		assert len(zlib.decompress(data)) == h * (1 + (w + 1) // 2)
	EOT
}
"$slabstat" map "$pid" --format=svg -o map.svg || bad "map to svg: $?"
is_xml map.svg && grep -q 'cache-7: [0-9]* slabs of 4096 bytes' map.svg && ok ||
	bad "map.svg is bad"
"$slabstat" map "$pid" --format=svg --cache=cache-7 | grep -c 'fill="#1d6fb8" d="M' >count
[ "$(cat count)" -eq 1 ] && ok || bad "no path of live cells: $(cat count)"
"$slabstat" map "$pid" --format=png -o map.png || bad "map to png: $?"
is_png map.png && ok || bad "map.png is bad"
"$slabstat" map "$pid" -o map.txt || bad "map -o: $?"
grep -q '^cache-7: [0-9]* slabs' map.txt && ok || bad "map -o writes no text"
says 2 'has no format csv' map "$pid" --format=csv
says 2 'keeps figures and no memory' map a.json --format=svg
says 3 'cannot be written' map "$pid" --format=svg -o nowhere/map.svg
target slab
"$slabstat" map "$pid" --format=svg --cache=cache-7 >damaged.svg
is_xml damaged.svg && grep -q '<path fill="#d61f3a"' damaged.svg && ok ||
	bad "the picture does not show damage"

# ---- no cache: none that matches, or none at all
for verb in table full map verify; do
	says 0 '^There is no such cache' "$verb" "$pid" --cache=typo
	! grep -q '^No fault' out && ok || bad "verify finds no fault in no cache"
done
cat >without.c <<'EOF'
#include "slab.h"
#include <stdio.h>
#include <unistd.h>
int main(void)
{
	struct slab_totals all;

	slab_totals(&all, sizeof all);
	puts("ready");
	fflush(stdout);
	return pause();
}
EOF
"$cc" -pthread "-I$source/include" -o without without.c "$build/libslab.a" || exit 1
start ./without || bad "without did not come up: $(cat start.err)"
for verb in table full map verify; do
	says 0 '^There is no cache' "$verb" "$pid"
done

# ---- objects that are blocks of malloc, as under valgrind: no slabs, and no damage
SLAB_DEBUG=M target
for verb in map verify leaks; do
	says 0 '^Not looked at: 24 caches whose objects are blocks of malloc' "$verb" "$pid"
done
says 1 '^Not looked at: 24 caches' whatis "$pid" 0x1000
says 0 '^Each object is a block of malloc' full "$pid" cache-7
says 0 '"slabs_by_live": 0, ' full "$pid" --json
SLAB_DEBUG=M,cache-7 target
says 0 '^Not looked at: 1 cache whose' verify "$pid"

# ---- figures that do not fit
sed 's/"objects_live": [0-9]*/"objects_live": 18446744073709551615/
	s/"stride_bytes": [0-9]*/"stride_bytes": 18446744073709551615/' a.json >large.json
says 0 '^ *[0-9]+ 18446744073709551615 999% .* cache-7$' large.json
says 0 cache-7 large.json -s u
says 0 cache-7 full large.json
says 0 cache-7 diff a.json large.json
says 1 holds diff a.json large.json --fail-if='live>8T'

finish
