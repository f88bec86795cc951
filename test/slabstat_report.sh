#!/bin/bash
# slabstat_report.sh - every number that is printed of known figures: tables, full, diff, formats
#
# The snapshots are written here, and what is to be printed of them was reckoned by hand.
set -u
cd "$(dirname "$0")/.." || exit 1
. test/fixture/slabstat.bash
cd "$work" || exit 1

# cache NAME ID OBJECT STRIDE ALIGN SLAB PER-SLAB SLABS FULL EMPTY LIVE CACHED PEAK ALLOCS FAILURES
#       RETURNED-SLABS CONSISTENT: a line of a snapshot
cache() {
	local capacity=$(($7 * $8))

	printf '{"name": "%s", "id": %d, "flags": 0, "mode": 0, "object_bytes": %d, ' "${@:1:3}"
	printf '"stride_bytes": %d, "align_bytes": %d, "slab_bytes": %d, ' "${@:4:3}"
	printf '"objects_per_slab": %d, "slabs": %d, "slabs_full": %d, ' "${@:7:3}"
	printf '"slabs_partial": %d, "slabs_empty": %d, ' $(($8 - $9 - ${10})) "${10}"
	printf '"objects_live": %d, "objects_cached": %d, ' "${11}" "${12}"
	printf '"objects_free": %d, ' $((capacity - ${11} - ${12}))
	printf '"objects_capacity": %d, ' $capacity
	printf '"objects_peak": %d, "allocs": %d, "frees": %d, ' "${13}" "${14}" $((${14} - ${11}))
	printf '"alloc_failures": %d, "mapped_bytes": %d, ' "${15}" $(($8 * $6))
	printf '"returned_bytes": %d, "consistent": %s}' $((${16} * $6)) "${17}"
}

# snapshot CACHE...: the words of each, for cache
snapshot() {
	local comma=''

	printf '{"schema": 1, "tool": "slabstat", "pid": 77, "consistent": true, "totals": {'
	printf '"mapped_bytes": 8388608, "reserve_bytes": 65536, "holes": 3, "lost_holes": 1, '
	printf '"metadata_bytes": 40960, "unmap_failures": 2, "caches": 5, "threads": 6}, '
	printf '"caches": ['
	for words; do
		printf '%s' "$comma"
		# shellcheck disable=SC2086
		cache $words
		comma=', '
	done
	echo ']}'
}

# prints WORDS ARG...: slabstat ARG... prints what is on standard input, and nothing else
prints() {
	local words=$1
	shift
	"$slabstat" "$@" >printed 2>&1
	diff - printed >diff.out && ok ||
		{ bad "$words, wanted (<) and printed (>):"; cat diff.out; }
}

empty='empty 4 64 64 8 4096 62 0 0 0 0 0 0 0 0 0 true'
snapshot 'alpha 1 100 104 8 4096 38 10 4 2 240 30 300 1000 1 2 true' \
	'beta 2 2000 2048 64 16384 7 3 1 0 15 2 20 50 0 0 true' \
	'beta 3 2000 2048 64 16384 7 1 0 0 3 1 5 4 2 1 false' "$empty" >a.json
# alpha: 10 more live; beta, of two: a slab more; empty: refused once; new comes
snapshot 'alpha 1 100 104 8 4096 38 10 4 2 250 20 300 1100 1 2 true' \
	'beta 2 2000 2048 64 16384 7 5 1 0 18 2 20 60 2 0 true' \
	'empty 4 64 64 8 4096 62 0 0 0 0 0 0 0 1 0 true' \
	'new 5 512 512 8 8192 15 2 0 0 9 1 10 9 0 0 true' >b.json
snapshot 'huge 5 1048576 1048576 4096 2097152 1 1000 1000 0 1000 0 1000 5000 0 3 true' >huge.json
snapshot 'few 1 8 8 8 1024 1 999 999 0 999 0 999 999 0 0 true' \
	'more 2 8 8 8 1024 1 1000 1000 0 1000 0 1000 1000 0 0 true' >units.json

# ---- table
prints table a.json <<'EOT'
 Active / Total Objects (% used)    : 258 / 408 (63.2%)
 Active / Total Slabs (% used)      : 12 / 14 (85.7%)
 Active / Total Caches (% used)     : 3 / 4 (75.0%)
 Active / Total Size (% used)       : 60.38K / 104.00K (58.1%)
 Minimum / Average / Maximum Object : 0.06K / 0.23K / 1.95K
 Waste / Stranded                   : 12.20K / 17.45K
 Mapped / Reserve / Metadata        : 8.00M / 64.00K / 40.00K
 Holes / Lost / Refused             : 3 / 1 / 2

OBJS ACTIVE USE OBJ SIZE SLABS OBJ/SLAB CACHE SIZE CACHED PEAK STRANDED NAME
  21     15 71%    1.95K     3        7     48.00K      2   20    8.00K beta
 380    240 63%    0.10K    10       38     40.00K     30  300    3.45K alpha
   7      3 42%    1.95K     1        7     16.00K      1    5    6.00K beta ~
~ changed while it was read, or is damaged: the figures do not add up.
1 empty cache hidden: -a shows it.
EOT
# a cache that is not shown is no fault of the lists
sed 's/"consistent": true, "totals"/"consistent": false, "totals"/' a.json >marked.json
sed 's/"consistent": false}/"consistent": true}/' marked.json >lists.json
says 0 'The list of caches or threads changed' lists.json
for glob in alpha empty; do
	says 0 "NAME$" marked.json --cache=$glob
	! grep -q 'The list' out && ok || bad "--cache=$glob: $(tail -n 1 out)"
done
prints "table of gigabytes" huge.json <<'EOT'
 Active / Total Objects (% used)    : 1000 / 1000 (100.0%)
 Active / Total Slabs (% used)      : 1000 / 1000 (100.0%)
 Active / Total Caches (% used)     : 1 / 1 (100.0%)
 Active / Total Size (% used)       : 0.98G / 1.95G (50.0%)
 Minimum / Average / Maximum Object : 1024.00K / 1024.00K / 1024.00K
 Waste / Stranded                   : 0.98G / 0.00K
 Mapped / Reserve / Metadata        : 8.00M / 64.00K / 40.00K
 Holes / Lost / Refused             : 3 / 1 / 2

OBJS ACTIVE  USE OBJ SIZE SLABS OBJ/SLAB CACHE SIZE CACHED PEAK STRANDED NAME
1000   1000 100% 1024.00K  1000        1      1.95G      0 1000    0.00K huge
EOT
"$slabstat" units.json >out
grep -qE ' 999\.00K .* few$' out && grep -qE ' 0\.98M .* more$' out && ok ||
	bad "999 KiB and 1000 KiB are: $(cat out)"
# the first and the last of each order
for order in a:alpha:empty b:empty:beta c:beta:empty k:alpha:empty l:alpha:empty m:alpha:empty \
	n:alpha:empty o:alpha:empty s:beta:empty t:beta:empty u:beta:empty w:beta:empty; do
	IFS=: read -r letter first last <<<"$order"
	got=$("$slabstat" a.json -a -s "$letter" | sed '1,/NAME$/d; /^~/d; s/ ~$//; s/.* //' |
		tr '\n' ' ')
	got=${got% }
	[ "${got%% *}:${got##* }" = "$first:$last" ] && ok || bad "-s $letter orders: $got"
done
# CACHED, PEAK and STRANDED disagree here on which is the larger
snapshot 'p 1 8 8 8 4096 100 9 0 0 9 800 801 809 0 0 true' \
	'q 2 8 8 8 4096 100 9 0 0 90 70 900 100 0 0 true' >orders.json
for order in a:q k:p m:q t:q n:p; do
	got=$("$slabstat" orders.json -s "${order%:*}" | sed -n '/NAME$/{n;s/.* //;p}')
	[ "$got" = "${order#*:}" ] && ok || bad "-s ${order%:*} begins with $got"
done

# ---- full
prints full full a.json beta <<'EOT'
Slab cache: beta                     Id: 2  Mode: 0  Flags: 0

Sizes (bytes)       Slabs               Objects              Memory (bytes)
-------------------------------------------------------------------------------
Object  :     2000  Total   :        3  Live    :        15  Total   :     49152
SlabObj :     2048  Full    :        1  Cached  :         2  Used    :     30000
SlabSiz :    16384  Partial :        2  Free    :         4  Stranded:      8192
Loss    :     2384  Empty   :        0  Capacity:        21  Waste   :      7152
Align   :       64  Objects :        7  Peak    :        20  Returned:         0

Calls    : 50 allocs, 35 frees, 0 failures

A snapshot keeps figures and no memory: who has parked what, and why memory is kept,
is told of a process or a core file alone.
The process may keep 64.00K of empty slabs in reserve for all its caches.

Slab cache: beta                     Id: 3  Mode: 0  Flags: 0

Sizes (bytes)       Slabs               Objects              Memory (bytes)
-------------------------------------------------------------------------------
Object  :     2000  Total   :        1  Live    :         3  Total   :     16384
SlabObj :     2048  Full    :        0  Cached  :         1  Used    :      6000
SlabSiz :    16384  Partial :        1  Free    :         3  Stranded:      6144
Loss    :     2384  Empty   :        0  Capacity:         7  Waste   :      2384
Align   :       64  Objects :        7  Peak    :         5  Returned:     16384

Calls    : 4 allocs, 1 free, 2 failures

A snapshot keeps figures and no memory: who has parked what, and why memory is kept,
is told of a process or a core file alone.
The process may keep 64.00K of empty slabs in reserve for all its caches.
The cache changed while it was read, or is damaged: the figures do not add up.

EOT

# ---- diff: equal names are summed; by live bytes the growth is 4608, 1000, 0, 0
prints diff diff a.json b.json <<'EOT'
 Live objects before / after : 258 / 277 (+19)
 Size before / after         : 104.00K / 136.00K

LIVE CHANGE   SIZE  CHANGE SLABS CACHED ALLOCS FAILURES NAME
   9     +9 16.00K +16.00K    +2     +1     +9        0 new (new)
 250    +10 40.00K   0.00K     0    -10   +100        0 alpha
  18      0 80.00K +16.00K    +1     -1     +6        0 beta ~
   0      0  0.00K   0.00K     0      0      0       +1 empty
~ changed while it was read, or is damaged: the figures do not add up.
EOT
prints "diff backwards" diff b.json a.json --cache='alpha,new' <<'EOT'
 Live objects before / after : 259 / 240 (-19)
 Size before / after         : 56.00K / 40.00K

LIVE CHANGE   SIZE  CHANGE SLABS CACHED ALLOCS FAILURES NAME
 240    -10 40.00K   0.00K     0    +10   -100        0 alpha
   0     -9  0.00K -16.00K    -2     -1     -9        0 new (gone)
EOT
# by_head CSV NAME HEAD...: these columns of the lines of that name
by_head() {
	awk -F, -v name="$2" -v heads="${*:3}" '
		NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; n = split(heads, head, " "); next }
		$at["name"] == name {
			for (i = 1; i <= n; i++)
				printf "%s%s", $at[head[i]], i < n ? " " : "\n"
		}' "$1"
}
"$slabstat" diff a.json b.json --format=csv >diff.csv
got=$(by_head diff.csv beta objects_live_before objects_live_after slabs_change \
	mapped_bytes_before mapped_bytes_after objects_cached_change frees_change consistent)
[ "$got" = "18 18 1 65536 81920 -1 6 0" ] && ok || bad "diff in csv: $got"

# ---- for other programs
"$slabstat" a.json --format=csv >csv
got=$(by_head csv alpha pid root id object_bytes stride_bytes align_bytes slab_bytes \
	objects_per_slab slabs slabs_full slabs_partial slabs_empty)
[ "$got" = "77 0 1 100 104 8 4096 38 10 4 4 2" ] && ok || bad "csv: $got"
got=$(by_head csv alpha objects_live objects_cached objects_free objects_capacity objects_peak \
	allocs frees alloc_failures mapped_bytes returned_bytes waste_bytes stranded_bytes)
[ "$got" = "240 30 110 380 300 1000 760 1 40960 8192 2960 3536" ] && ok || bad "csv: $got"
[ "$(by_head csv beta consistent | tr '\n' ' ')" = "1 0 " ] && ok || bad "csv: consistent"

"$slabstat" a.json --format=slabinfo | tail -n +3 | tr -s ' ' >lines
printf '%s\n' 'alpha 240 380 104 38 1 : tunables 0 0 0 : slabdata 8 10 0' \
	'beta 15 21 2048 7 4 : tunables 0 0 0 : slabdata 3 3 0' \
	'beta 3 7 2048 7 4 : tunables 0 0 0 : slabdata 1 1 0' \
	'empty 0 0 64 62 1 : tunables 0 0 0 : slabdata 0 0 0' | diff - lines >diff.out && ok ||
	bad "slabinfo: $(cat diff.out)"
"$slabstat" a.json --format=umastat | tail -n +4 | tr -s ' ' >lines
printf '%s\n' 'alpha 100 240 380 40960 1000 1' 'beta 2000 15 21 49152 50 0' \
	'beta 2000 3 7 16384 4 2' 'empty 64 0 0 0 0 0' 'Total [slab] 106496 1054 3' |
	diff - lines >diff.out && ok || bad "umastat: $(cat diff.out)"

"$slabstat" a.json --format=prometheus --per-cache | grep -v '^#' >series
grep -v cache series | diff <(printf '%s\n' span_bytes:8388608 reserve_bytes:65536 \
	metadata_bytes:40960 holes:3 lost_holes:1 unmap_failures_total:2 threads:6 \
	consistent:1 slabs:14 objects_live:258 objects_free:117 objects_capacity:408 \
	mapped_bytes:106496 allocs_total:1054 frees_total:796 alloc_failures_total:3 \
	returned_bytes_total:24576 | sed 's/\(.*\):/slab_\1{pid="77"} /') - >diff.out && ok ||
	bad "prometheus: $(cat diff.out)"
grep -q '^slab_caches{pid="77"} 5$' series &&
	grep -q '^slab_objects_cached{pid="77"} 33$' series && ok || bad "prometheus lacks totals"
grep 'cache="beta"' series | sed 's/slab_cache_//; s/{.*} /:/' | tr '\n' ' ' >lines
[ "$(cat lines)" = "slabs:4 objects_live:18 objects_cached:3 objects_free:7 \
objects_capacity:28 mapped_bytes:65536 allocs_total:54 frees_total:36 \
alloc_failures_total:2 returned_bytes_total:16384 " ] && ok || bad "equal names: $(cat lines)"

# ---- plot: of two caches of one name 2 MiB on alpha's 4, 8 and 4; live objects are of 1 KiB
reading() { # SECONDS SLABS LIVE
	snapshot "alpha 1 1024 1024 8 1048576 1000 $2 $2 0 $3 0 $3 $3 0 0 true" \
		'beta 2 1024 1024 8 1048576 1000 1 1 0 0 0 1 1 0 0 true' \
		'beta 3 1024 1024 8 1048576 1000 1 1 0 0 0 1 1 0 0 true' |
		sed "s/\"consistent\": true, /\"time_ms\": $((1000000 + 1000 * $1)), &/"
}
{ reading 0 4 2000; reading 1 8 4000; reading 2 4 1000; } >run.jsonl
"$slabstat" plot run.jsonl >run.svg 2>err || bad "plot: $(cat err)"
drawn() { # WHAT TEXT
	grep -qF -- "$2" run.svg && ok || bad "the plot has no $1: $2"
}
# 10 MiB are 270 points from 334 up; 652 points from 78 on are 2 seconds
drawn unit '>Memory of slabs (MiB)<'
drawn step '>10</text>'
drawn "area of alpha" 'd="M78.0 226.0L404.0 118.0L730.0 226.0L730.0 334.0L404.0 334.0L78.0 334.0Z"'
drawn "area of beta" 'd="M78.0 172.0L404.0 64.0L730.0 172.0L730.0 226.0L404.0 118.0L78.0 226.0Z"'
drawn "line of what is used" 'd="M78.0 281.3L404.0 228.5L730.0 307.6"'
drawn "line of live objects" 'd="M78.0 474.0L404.0 384.0L730.0 519.0"'
drawn end 'at the end 4.00M, 1000 live<'
drawn "sum of equal names" 'at the end 2.00M, 0 live<'
drawn head '>from 1970-'
drawn length ', 2 s, 3 readings<'
# of more readings than fit no peak is lost, and the largest caches are those that were so once
reading 0 4 2000 >base
awk '{ for (i = 0; i < 3000; i++) {
	text = $0
	if (i == 1501)
		gsub(/"mapped_bytes": 4194304/, "\"mapped_bytes\": 8388608", text)
	sub(/"time_ms": [0-9]*/, "\"time_ms\": " 1000000 + 1000 * i, text); print text
} }' base >long.jsonl
"$slabstat" plot long.jsonl >run.svg 2>err || bad "plot: $(cat err)"
drawn "peak" ' 118.0L'
# nine names for eight colours: twin is among the seven largest as a sum alone
many=()
for i in 1 2 3 4 5 6 7 8; do
	many+=("one-$i $i 8 8 8 4096 500 $((i + 2)) 0 0 9 0 9 9 0 0 true")
done
for i in 9 10; do
	many+=("twin $i 8 8 8 4096 500 3 0 0 9 0 9 9 0 0 true")
done
for ms in 1000 2000; do
	snapshot "${many[@]}" | sed "s/\"consistent\": true, /\"time_ms\": $ms, &/"
done >run.jsonl
"$slabstat" plot run.jsonl >run.svg 2>err || bad "plot: $(cat err)"
drawn "cache that is large twice" '>twin<'
drawn "number of the others" '>others (2)<'

# ---- gates at their edges
gate() { # STATUS EXPRESSION
	"$slabstat" a.json --fail-if="$2" >out 2>&1
	[ $? -eq "$1" ] && ok || bad "--fail-if='$2' is not $1: $(tail -n 1 out)"
}
for holds in 'live>=240' 'live<=240' 'live=240' 'live==240' 'live>239' 'live<241' 'live!=241' \
	'waste=2960' 'stranded=3536' 'size=40K' 'returned=8K' 'peak=300' 'allocs=1000' \
	'frees=760' 'failures=1' 'slabs=10' 'empty=2' 'capacity=380' 'cached=30' 'free=110' \
	'live>-240' 'live<1G live<1T size<1M'; do
	gate 1 "$holds cache=alpha"
done
for fails in 'live>240' 'live<240' 'live>=241' 'live<=239' 'live!=240' 'live=239' 'live<-1' \
	'waste=3536' 'size>40K'; do
	gate 0 "$fails cache=alpha"
done
gate 1 'live=258 size=104K waste=12496 stranded=17872' # all caches
finish
