#!/bin/bash
# slabstat_core.sh - a process, its snapshot and its cores give the same figures; bad ones say so
set -u
cd "$(dirname "$0")/.." || exit 1
. test/fixture/slabstat.bash

# dumping FILTER [MODE]: the target (at rest) with that coredump_filter, its figures in live.json
dumping() {
	echo "$1" >/proc/self/coredump_filter
	TARGET_JSON=self.json target "${2:-rest}"
	"$slabstat" --json "$pid" >live.json || bad "the live process cannot be read"
}

# same NAME TARGET: its JSON is that of live.json but for the source
same() {
	"$slabstat" --json "$2" >other.json 2>err || bad "$1: $(cat err)"
	diff <(sed 's/"source": "[a-z]*"//' live.json) <(sed 's/"source": "[a-z]*"//' other.json) \
		>diff.out && [ -s other.json ] && ok || { bad "$1 differs:"; head -n 4 diff.out; }
}

cd "$work" || exit 1
"$cc" "${flags[@]}" -o target "$source/test/fixture/target.c" "$build/libslab.a" || exit 1
dumping 0x33
"$slabstat" snapshot "$pid" >snapshot.json || bad "no snapshot"
same snapshot snapshot.json
"$slabstat" --json - <snapshot.json | sed 's/"source": "[a-z]*"//' |
	cmp -s - <(sed 's/"source": "[a-z]*"//' live.json) && ok || bad "- differs"

same "slab_stats_json" self.json
sed 's/"source": "self"//' self.json | cmp -s - <(sed 's/"source": "live"//' live.json) && ok ||
	bad "slab_stats_json writes another text than slabstat --json"

# ---- forms for other programs
"$slabstat" --format=prometheus --per-cache "$pid" >metrics
if command -v promtool >/dev/null; then
	promtool check metrics <metrics >out 2>&1 && [ ! -s out ] && ok ||
		bad "promtool: $(cat out)"
else
	left_out "promtool (of Debian's prometheus) is not installed"
fi
grep -q '^slab_objects_live{pid="[0-9]*"} [0-9]*$' metrics && ok || bad "no total in prometheus"
[ "$("$slabstat" --format=csv "$pid" | awk -F, '{ print NF }' | sort -u | wc -l)" -eq 1 ] &&
	ok || bad "lines of csv differ in length"
says 0 '^slabinfo - version: 2.1$' --format=slabinfo "$pid"
says 0 '^Total \[slab\]' --format=umastat "$pid"

# ---- slabs from outside
says 0 '^No fault found' verify "$pid"
says 0 'cache-7: 1?[0-9] slabs? of' map "$pid" --cache=cache-7
at=$("$slabstat" map "$pid" --cache=cache-7 | awk '/ 0x/ { print $1; exit }')
says 0 "cache cache-7, slab $at" whatis "$pid" "$at"
says 1 'in no slab' whatis "$pid" 0x1000
says 2 'no address' whatis "$pid" xyz
says 2 'needs a target and an address' whatis "$pid"
says 2 'keeps figures' map snapshot.json

# objects of a large power of two begin at another line in every eighth slab
cat >shifted.c <<'EOF'
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>
#include "slab.h"
int main(void)
{
	struct slab_cache *c = slab_cache_create("kib", 1024, NULL);
	char *last = NULL;
	for (int i = 0; i < 1000; i++)
		last = slab_cache_alloc(c);
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
	printf("%p %p\nready\n", (void *)last, (void *)(last + 1023));
	fflush(stdout);
	pause();
}
EOF
"$cc" -std=gnu11 "-I$source/include" -pthread -o shifted shifted.c "$build/libslab.a" || exit 1
start ./shifted
read -r first last <own
[ $((first % 1024)) -ne 0 ] && ok || bad "no slab begins with what is left over: $first"
says 0 'cache kib, .* slot [0-9]+ of 15, byte 0 of 1024, live' whatis "$pid" "$first"
says 0 'cache kib, .* slot [0-9]+ of 15, byte 1023 of 1024, live' whatis "$pid" "$last"
says 0 '^No fault found' verify "$pid"

# slabs whose constructors or destructors run are neither damaged nor counted wrongly
cat >slow.c <<'EOF'
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>
#include "slab.h"
static void stand(void)
{
	printf("ready\n");
	fflush(stdout);
	pause();
}
static int made(void *obj, void *ctx)
{
	if (ctx)
		stand();
	return *(char *)obj = 0;
}
static void unmade(void *obj, void *ctx)
{
	(void)obj, (void)ctx;
	stand();
}
int main(int argc, char **argv)
{
	struct slab_cache_args args = { .ctor = made, .dtor = unmade,
					.ctx = argc > 1 ? NULL : argv };
	struct slab_cache *c = slab_cache_create("slow", 64, &args);
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
	slab_cache_free(c, slab_cache_alloc(c));
	slab_thread_flush();
	slab_cache_shrink(c);
	slab_reap();
}
EOF
"$cc" -std=gnu11 "-I$source/include" -pthread -o slow slow.c "$build/libslab.a" || exit 1
for when in '' destructed; do
	start ./slow $when || bad "slow $when did not come up: $(cat start.err)"
	says 0 '^No fault found' verify "$pid"
	says 0 ' empty cache hidden' "$pid"
	says 0 'it keeps none|free' full "$pid" slow
	! grep -q 'damaged' out && ok || bad "a slab on its way is damaged: $(cat out)"
	if command -v gcore >/dev/null; then
		gcore -o slow-core "$pid" >/dev/null 2>&1
		says 0 '^No fault found' verify "slow-core.$pid"
	fi
done

# ---- bad snapshots
head -c 2000 snapshot.json >cut.json
says 6 'no whole snapshot' cut.json
sed 's/"schema": 1/"schema": 9/' snapshot.json >newer.json
says 6 'has schema 9' newer.json
echo '{"schema": 1}' >foreign.json
says 6 'no whole snapshot' foreign.json
# made to do harm: more copies than can be, a number of 65 bits, a PID of 33, nests, a name
edited() { # SED-COMMAND: the snapshot on one line, with it applied
	tr -d '\n' <snapshot.json | sed "$1" >edited.json
}
edited 's/"id": 7,/"id": 7, "root": 15,/'
says 0 '16 copies of the library' edited.json
edited 's/"id": 7,/"id": 7, "root": 16,/'
says 6 'no whole snapshot' edited.json
edited 's/"id": 7,/"id": 18446744073709551615,/'
says 0 ' cache-6' edited.json
edited 's/"id": 7,/"id": 18446744073709551616,/'
says 6 'no whole snapshot' edited.json
edited 's/"pid": [0-9]*/"pid": 2147483648/'
says 6 'no whole snapshot' edited.json
nest=$(printf '%14s' | tr ' ' '[')
edited "s/^{/{\"new\": $nest${nest//\[/]}, /"
says 0 cache-7 edited.json
nest=$(printf '%17s' | tr ' ' '[')
edited "s/^{/{\"new\": $nest${nest//\[/]}, /"
says 6 'no whole snapshot' edited.json
{ printf '{"new": '; head -c 2000000 /dev/zero | tr '\0' '['; } >edited.json
says 6 'no whole snapshot' edited.json
edited 's/cache-7/\x1b[31m"<\&>/; s/"<&>/\\"<\&>/'
says 0 ' __31m__&?_' edited.json
! grep -q "$(printf '\033')" out && ok || bad "a name is shown as it is: $(cat -v out)"
says 2 'is no plain file' "$work"
mkfifo pipe
says 2 'is no plain file' pipe
: >empty
says 6 'empty is empty: what should have written it has failed' empty
says 6 '^slabstat: standard input is empty: ' verify - # that of says is /dev/null
echo hello >hello
says 2 'neither a core file nor a snapshot' hello

# ---- damage is seen
dumping 0x33 slab
says 1 'cache-7: slabs that contradict themselves: 1, should be 0' verify "$pid"
says 0 ' damaged' map "$pid" --cache=cache-7
dumping 0x33 cookie
says 1 'cache-7: slabs counted: [0-9]+, should be [0-9]+' verify "$pid"
# what moves is no damage
target busy
for _ in $(seq 50); do
	says 0 '^No fault found' verify "$pid"
done
target blink
for verb in verify map 'whatis 0x1000'; do
	kill -USR1 "$pid" # its list of caches cannot be followed for 0.3 s
	sleep 0.2
	want=$([ "${verb%% *}" = whatis ] && echo 1 || echo 0)
	says "$want" '' "${verb%% *}" "$pid" ${verb#"${verb%% *}"}
	sleep 0.2
done
dumping 0x33

# ---- cores
if command -v gcore >/dev/null; then
	gcore -o by-gdb "$pid" >/dev/null 2>&1
	same "gcore" "by-gdb.$pid"
fi
if can_dump; then
	for filter in 0x33 0x31 0x01; do
		dumping "$filter"
		abort_into "kernel-$filter"
		same "core with filter $filter" "kernel-$filter"
		says 0 '^No fault found' verify "kernel-$filter"
	done
	bytes=$(stat -c %s kernel-0x33)
	for part in 90 50 10; do
		head -c $((bytes * part / 100)) kernel-0x33 >cut
		timeout 60 "$slabstat" --json cut >out 2>&1
		case $? in 5 | 6 | 7) ok ;; *) bad "a core cut to $part % is no fault: $?" ;; esac
		timeout 60 "$slabstat" map cut >out 2>&1
		case $? in 5 | 6 | 7) ok ;; *) bad "map of a core cut to $part %: $?" ;; esac
	done
	head -c 8192 kernel-0x33 >cut # headers alone
	for verb in table verify map leaks users; do
		says 7 'is truncated, [0-9]+ bytes are missing, and slab is not in what' "$verb" cut
	done
	head -c -4096 kernel-0x33 >cut # all of the library is there
	for verb in table leaks full; do
		says 7 'is truncated, 4096 bytes are missing' "$verb" cut
	done
	# a list of mapped files that claims more than there is of it
	at=$(LC_ALL=C grep -obUa ELIFCORE kernel-0x33 | sed -n '1s/:.*//p')
	cp kernel-0x33 claims
	printf '\x40\x42\x0f' | dd of=claims bs=1 seek=$((at + 12)) conv=notrunc status=none
	says 0 ' cache-7$' claims
	# as long as the lists of caches are not in it, or parts of them
	for part in 1 2 4; do
		head -c $((65536 * part)) kernel-0x33 >cut
		says 7 'part of its memory is not in the file|is truncated' verify cut
		! grep -q 'Bad address' out && ok || bad "an error without its cause: $(cat out)"
	done
	head -c 100 kernel-0x33 >cut
	says 6 'headers are damaged' cut
fi
finish
