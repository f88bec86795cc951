#!/bin/bash
# slabstat_record.sh - record writes whole lines, plot makes an SVG of them; bad files say so
set -u
cd "$(dirname "$0")/.." || exit 1
. test/fixture/slabstat.bash

# valid FILE: every line is a snapshot of its own
valid() {
	local n=0 line
	while IFS= read -r line; do
		"$slabstat" --json - <<<"$line" >/dev/null 2>&1 || return 1
		n=$((n + 1))
	done <"$1"
	[ "$n" -ge 2 ] && [ "$(tail -c 1 "$1" | od -An -c | tr -d ' ')" = '\n' ]
}

is_svg() { # FILE
	grep -q '</svg>' "$1" && is_xml "$1"
}

cd "$work" || exit 1
"$cc" "${flags[@]}" -o target "$source/test/fixture/target.c" "$build/libslab.a" || exit 1

# ---- record: ends with the target, by ^C, and with a finding
target busy
"$slabstat" record -i 0.1 -o ends.jsonl "$pid" &
recorder=$!
sleep 1
end
wait "$recorder"
rc=$?
[ "$rc" -eq 0 ] && valid ends.jsonl && ok || bad "record to the end of the target: status $rc"
target
"$slabstat" record -i 0.1 "$pid" >stopped.jsonl &
recorder=$!
sleep 0.6
kill -TERM "$recorder"
wait "$recorder"
rc=$?
[ "$rc" -eq 0 ] && valid stopped.jsonl && ok || bad "record that is stopped: status $rc"
"$slabstat" record -i 0.1 --fail-if='live>1' --cache='cache-1?' -o found.jsonl "$pid" 2>err &
recorder=$!
sleep 0.5
kill -INT "$recorder" 2>/dev/null || true
kill -TERM "$recorder"
wait "$recorder"
rc=$?
[ "$rc" -eq 1 ] && grep -q 'live>1' err && valid found.jsonl && ok ||
	bad "record --fail-if: status $rc, $(cat err)"
timeout -s INT 1 "$slabstat" record -i 0.1 --fail-if='live>1 cache=typo' -o typo.jsonl "$pid" 2>err
[ "$(wc -l <typo.jsonl)" -ge 3 ] && [ "$(grep -c "no cache matches 'typo'" err)" -eq 1 ] && ok ||
	bad "record warns $(grep -c 'no cache matches' err) times of globs without a match"
grep -q cache-7 found.jsonl && bad "--cache keeps others" || ok
# lines FILE N: wait until it has as many
lines() {
	for _ in $(seq 100); do
		[ "$(wc -l <"$1")" -lt "$2" ] || return 0
		sleep 0.05
	done
	return 1
}
target blink
: >blink.jsonl
"$slabstat" record -i 0.1 -o blink.jsonl "$pid" 2>err &
recorder=$!
lines blink.jsonl 2
kill -USR1 "$pid" # no reading succeeds for 0.3 s
sleep 0.4
lines blink.jsonl $(($(wc -l <blink.jsonl) + 2)) || bad "record gives up: $(cat err)"
kill -TERM "$recorder"
wait "$recorder"
rc=$?
[ "$rc" -eq 0 ] && valid blink.jsonl && ok || bad "record over bad luck: $rc $(cat err)"
says 6 'holds several snapshots, as slabstat record writes them: plot' table blink.jsonl
says 7 'could not be written' record -i 0.1 -o /dev/full "$pid"
target lists
says 7 'is damaged' record -i 0.1 "$pid"
says 3 'no process' record 999999999
says 3 'cannot be written' record -o nowhere/file "$pid"
says 2 'needs a target' record
says 2 'has no format csv' record --format=csv "$pid"

# ---- a process that runs another program, loads a library, loses the thread that was read
cat >changes.c <<'EOF'
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>
#include "slab.h"
int begin(void);
int begin(void)
{
	return slab_cache_alloc(slab_cache_create("in-plugin", 48, NULL)) == NULL;
}
static void *wait_ms(void *ms)
{
	usleep((useconds_t)(intptr_t)ms * 1000);
	return NULL;
}
int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";
	pthread_t id;
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
	slab_cache_alloc(slab_cache_create(argc > 1 ? "before" : "after", 64, NULL));
	printf("ready\n");
	fflush(stdout);
	if (strcmp(how, "exec") == 0) {
		usleep(700000);
		execl("/proc/self/exe", argv[0], (char *)NULL);
	} else if (strcmp(how, "load") == 0) {
		usleep(700000);
		((int (*)(void))(intptr_t)dlsym(dlopen("./plugin.so", RTLD_NOW), "begin"))();
	} else if (strcmp(how, "thread") == 0) {
		pthread_create(&id, NULL, wait_ms, (void *)700);
		pthread_create(&id, NULL, wait_ms, (void *)3000);
		pthread_exit(NULL);
	}
	sleep(3);
	return 0;
}
EOF
"$cc" -std=gnu11 "-I$source/include" -pthread -o changes changes.c "$build/libslab.a" -ldl ||
	exit 1
"$cc" -std=gnu11 "-I$source/include" -pthread -shared -fPIC -Wl,--exclude-libs=ALL -o plugin.so \
	changes.c "$build/libslab.a" -ldl || exit 1
for how in exec:after load:in-plugin thread:before; do
	start ./changes "${how%:*}"
	sleep 0.3 # until the first thread has ended
	timeout 20 "$slabstat" record -i 0.2 -o changed.jsonl "$pid" 2>err
	rc=$?
	[ "$rc" -eq 0 ] && [ "$(wc -l <changed.jsonl)" -ge 9 ] &&
		tail -n 1 changed.jsonl | grep -q "\"${how#*:}\"" && ok ||
		bad "record over $how: $rc, $(wc -l <changed.jsonl) lines, $(cat err)"
done

# ---- plot
for file in ends stopped found; do
	"$slabstat" plot "$file.jsonl" -o "$file.svg" && is_svg "$file.svg" &&
		grep -q "Slab caches of process" "$file.svg" && ok || bad "plot of $file.jsonl"
done
"$slabstat" plot - <ends.jsonl | cmp -s - ends.svg && ok || bad "plot of a pipe differs"
grep -q '>others (1[0-9])<' ends.svg && grep -q 'seconds since the start' ends.svg &&
	grep -q 'Live objects' ends.svg && ok || bad "the plot lacks legend or axes"
{ echo; cat ends.jsonl; } >blank.jsonl
"$slabstat" plot blank.jsonl | cmp -s - ends.svg && ok || bad "a blank line moves the plot"
cut -c -$(($(head -n 1 ends.jsonl | wc -c) - 20)) <<<"$(tail -n 1 ends.jsonl)" >tail
{ cat ends.jsonl; printf %s "$(cat tail)"; } >cut.jsonl
says 7 'last line of cut.jsonl is cut' plot cut.jsonl -o cut.svg
is_svg cut.svg && ok || bad "the whole lines of a cut record are not plotted"
# more than fits into memory at once, as hours give
awk 'NR == 1 { for (ms = 1700000000000; bytes < 64 * 1048576; ms += 1000) {
	sub(/"time_ms": [0-9]*/, sprintf("\"time_ms\": %.0f", ms)); print
	bytes += length + 1; n++
} print n >"readings" }' ends.jsonl >long.jsonl
(ulimit -v 60000; timeout 120 "$slabstat" plot long.jsonl -o long.svg) 2>err
rc=$?
[ "$rc" -eq 0 ] && is_svg long.svg && grep -q ", $(cat readings) readings<" long.svg && ok ||
	bad "plot of a long record: $rc $(cat err)"
rm long.jsonl
{ head -n 1 ends.jsonl; echo nonsense; tail -n 1 ends.jsonl; } >nonsense.jsonl
says 6 'line 2 of nonsense.jsonl is no reading' plot nonsense.jsonl
{ tail -n 1 ends.jsonl; head -n 1 ends.jsonl; } >order.jsonl
says 6 'line 2 of order.jsonl is older' plot order.jsonl
sed 's/"time_ms": [0-9]*, //' ends.jsonl >timeless.jsonl
says 6 'line 1 of timeless.jsonl tells no time' plot timeless.jsonl
sed 's/"time_ms": [0-9]*/"time_ms": 18446744073709551615/' ends.jsonl >far.jsonl
says 6 'is of no time' plot far.jsonl
head -n 1 ends.jsonl >one.jsonl
says 2 'fewer than two readings' plot one.jsonl
: >empty.jsonl
says 2 'fewer than two readings' plot empty.jsonl
says 6 'line 1 of .* is no reading' plot "$source/README.md"
says 3 'cannot be read' plot nowhere
says 2 'needs a file' plot
says 2 'has no format png' plot ends.jsonl --format=png
# what is read stays, whatever it is called
cp ends.jsonl own.jsonl
ln -s own.jsonl link.jsonl
ln own.jsonl hard.jsonl
for name in own link hard; do
	says 2 'is the file that is read: name another one by -o' plot own.jsonl -o "$name.jsonl"
done
"$slabstat" plot - -o own.jsonl <own.jsonl 2>err
[ $? -eq 2 ] && cmp -s ends.jsonl own.jsonl && ok || bad "plot overwrites what it reads: $(cat err)"
cp one.jsonl one.json
says 2 'is the file that is read' record one.json -o one.json
cmp -s one.jsonl one.json && ok || bad "record overwrites what it reads"
sed 's/"\(mapped_bytes\|objects_live\|object_bytes\)": [0-9]*/"\1": 18446744073709551615/g' \
	ends.jsonl >large.jsonl
"$slabstat" plot large.jsonl >large.svg && is_svg large.svg &&
	! grep -qiE 'nan|inf[^o]' large.svg && ok || bad "plot of the largest numbers"
sed 's/"\(mapped_bytes\|objects_live\)": [0-9]*/"\1": 0/g; s/"time_ms": [0-9]*/"time_ms": 7/' \
	ends.jsonl >zero.jsonl
"$slabstat" plot zero.jsonl >zero.svg && is_svg zero.svg && ! grep -qiE 'nan|inf[^o]' zero.svg &&
	ok || bad "plot of nothing, in no time"

# ---- a clock that is set back by an hour meanwhile: time goes on
cat >back.c <<'EOF'
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t id, struct timespec *now);
int clock_gettime(clockid_t id, struct timespec *now)
{
	static int asked;
	int error = (int)syscall(SYS_clock_gettime, id, now);

	if (id == CLOCK_REALTIME && ++asked > 2)
		now->tv_sec -= 3600;
	return error;
}
EOF
"$cc" -std=c11 -shared -fPIC -o back.so back.c || exit 1
if ldd "$slabstat" | grep -q 'libasan'; then
	left_out "a clock that is set back: under a sanitizer nothing can be preloaded before it"
else
	target
	LD_PRELOAD=$work/back.so timeout -s INT 1 "$slabstat" record -i 0.1 "$pid" -o back.jsonl
	says 0 '</svg>' plot back.jsonl
fi

finish
