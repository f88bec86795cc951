#!/bin/bash
# slabstat_leaks.sh - leaks finds what a program says it leaks, no more and no less
set -u
cd "$(dirname "$0")/.." || exit 1
. test/fixture/slabstat.bash
export SLAB_DEBUG=- TMPDIR=$work

# leaky MODE...: the program of test/fixture/leaky.c, until it has said what it leaks
leaky() {
	start ./leaky "$@" || bad "leaky $* did not come up: $(cat start.err)"
}

# finds WORDS ARG...: slabstat leaks ARG... says what the program said of itself
finds() {
	local words=$1 want=1 rc
	shift
	grep -v '^ready$' own | sort >said
	[ -s said ] || want=0
	timeout 120 "$slabstat" leaks "$@" >out 2>err
	rc=$?
	awk '/^ *DIRECT/ { on = 1; next } NF == 0 { on = 0 } on { print $5, $1, $2, $3 }' out |
		sort >found
	[ "$rc" -eq "$want" ] && diff said found >diff.out && ok && return
	bad "$words: status $rc (want $want); said (<) and found (>):"
	cat diff.out err
}

cd "$work" || exit 1
flags+=("$source/test/fixture/leaky.c")
"$cc" "${flags[@]}" -o pie -pie -fPIE "$build/libslab.a" || exit 1
"$cc" "${flags[@]}" -o static -static "$build/libslab.a" || exit 1
"$cc" "${flags[@]}" -o shared -L"$build" -lslab -Wl,-rpath,"$build" || exit 1

for form in pie static shared; do
	ln -sf "$form" leaky
	leaky rest
	finds "$form, running" "$pid"
	finds "$form, held" "$pid" --stop
	leaky clean
	finds "$form without leaks, running" "$pid"
	finds "$form without leaks, held" "$pid" --stop
done
leaky churn
for i in 1 2 3; do
	finds "objects on the move, look $i" "$pid"
	finds "objects on the move, held, $i" "$pid" --stop
done
kill -STOP "$pid" # one that stands is held as well, and stands afterwards
finds "a stopped process" "$pid" --stop
grep -q '^State:.*stopped' "/proc/$pid/status" && ok || bad "a stopped process runs afterwards"

# ---- cores
leaky rest
if command -v gcore >/dev/null; then
	gcore -o by-gdb "$pid" >/dev/null 2>&1
	finds "core of gcore" "by-gdb.$pid"
fi
if can_dump; then
	leaky rest
	abort_into kernel-core
	finds "core of the kernel" kernel-core
	says 1 '^17 of [0-9]+ live objects' leaks kernel-core
	says 0 '^0 of [0-9]+ live objects' leaks kernel-core --cache=nothing
	head -c $(($(stat -c %s kernel-core) / 2)) kernel-core >cut
	timeout 60 "$slabstat" leaks cut >out 2>&1
	case $? in 5 | 6 | 7) ok ;; *) bad "half a core: $(cat out)" ;; esac
	cp kernel-core foreign # e_machine: RISC-V
	printf '\363' | dd of=foreign bs=1 seek=18 conv=notrunc status=none
	says 6 'is of another kind of machine: look for its leaks' leaks foreign
	says 0 ' node$' table foreign
	leaky rest
	"$slabstat" leaks --json kernel-core >out 2>err
	grep -q '"exact": true' out && grep -q '"objects_leaked": 17,' out && ok ||
		bad "json: $(cat out)"
	if command -v jq >/dev/null; then
		jq -e '.leaks | length == 3' out >/dev/null && ok || bad "jq does not read it"
	fi
fi

# ---- what leaks names first is for whatis
leaky rest
live=$("$slabstat" --format=csv "$pid" --cache=packed | awk -F, 'NR == 2 { print $16 }')
says 1 "^[0-9]+ of $live live objects" leaks "$pid" --stop --cache=packed
says 1 'leaks 1 object\.$' leaks "$pid" --stop --cache=packed
says 0 'Not looked at: 1 cache without a record' users "$pid" --cache=packed
for verb in leaks users; do # a name that is misspelt is no good news
	says 0 '^There is no such cache' "$verb" "$pid" --cache=nothing
done
says 1 '^1 of 2 live objects' leaks "$pid" --cache='large-*'
"$slabstat" leaks "$pid" --stop >found 2>err
for name in large-blocks node; do
	at=$(awk -v n=$name '$5 == n { print $4; exit }' found)
	says 0 "$name, .*byte 0 of " whatis "$pid" "$at"
done

# ---- who took what
SLAB_DEBUG=FU leaky rest
awk '$1 == "node" { print $2, $3 }' own >said
"$slabstat" leaks "$pid" --stop >out 2>err
awk '$5 == "node" { d += $1; i += $2 } END { print d, i }' out | diff said - && ok ||
	bad "leaks by backtrace do not add up: $(cat out err)"
[ "$(grep -c ' node$' out)" -ge 6 ] && ok || bad "leaks are not told apart by backtrace"
"$slabstat" users "$pid" >users 2>err && ok || bad "users: $? $(cat err)"
total=$("$slabstat" --json --cache=node,packed "$pid" | tr -d ' ' | tr , '\n' |
	awk -F: '/^"object_bytes"/ { b = $2 } /^"objects_live"/ && b { t += b * $2; b = 0 }
		END { print t }')
grep -q "^$total bytes for [0-9]* objects in all" users && ok ||
	bad "users' bytes are not those of the figures ($total): $(tail -n 2 users)"
grep -qE '^32000 bytes for 500 objects of cache node' users && ok || bad "users: $(head users)"
at=$(awk '$5 == "node" { print $4; exit }' out)
"$slabstat" whatis "$pid" "$at" >out 2>&1
grep -q 'byte 0 of 64, live$' out && grep -q '^  allocated by thread [0-9]' out && ok ||
	bad "whatis does not say who: $(cat out)"
if "$slabstat" --version | grep -q '^built with elfutils'; then
	grep -qE '^ +leak\+0x[0-9a-f]+ \(leaky.c:[0-9]+\) \[' out && ok ||
		bad "whatis names no function: $(cat out)"
else
	left_out "names of functions, slabstat is built without elfutils"
fi
grep -qE '\[[a-z.0-9]+\+0x[0-9a-f]+\]$' out && ok || bad "no module and offset: $(cat out)"
if command -v addr2line >/dev/null; then # the offset is that in the file
	at=$(sed -n 's/.*\[\([a-z]*\)+\(0x[0-9a-f]*\)\]$/\1 \2/p' out | grep -v '^lib' | head -n 1)
	addr2line -f -e "${at% *}" "${at#* }" >function
	grep -qx 'leak' function && ok || bad "at $at there is $(cat function) in $(cat out)"
fi
"$slabstat" users --json "$pid" >out 2>/dev/null
if command -v jq >/dev/null; then
	[ "$(jq '[.users[].bytes] | add' out)" = "$total" ] && ok || bad "users --json: $(head out)"
fi
says 0 "\"pid\": $pid, \"source\": \"live\"" users --json "$pid" --cache=none
# whoever reads no further ends it as any other verb, without a word
mkfifo closed
exec 3<>closed 4>closed 3>&- # nobody reads what 4 writes
for verb in table users leaks; do
	"$slabstat" "$verb" "$pid" >&4 2>err
	rc=$?
	[ "$rc" -eq 141 ] && ! grep -q 'could not be written' err && ok ||
		bad "$verb into a closed pipe: $rc $(cat err)"
done
exec 4>&-
# the first thread has ended, another has the memory
cat >headless.c <<'EOF'
#include <pthread.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>
#include "slab.h"
static void *rest(void *arg)
{
	usleep(100000);
	printf("ready\n");
	fflush(stdout);
	pause();
	return arg;
}
int main(void)
{
	pthread_t id;
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
	slab_cache_alloc(slab_cache_create("headless", 64, NULL));
	pthread_create(&id, NULL, rest, NULL);
	pthread_exit(NULL);
}
EOF
"$cc" -std=gnu11 "-I$source/include" -pthread -g -o headless headless.c "$build/libslab.a" || exit 1
SLAB_DEBUG=U start ./headless || bad "headless did not come up: $(cat start.err)"
says 0 '\[headless\+0x[0-9a-f]+\]$' users "$pid"

# ---- debug information that is made to do harm costs names at most
if ls kernel-core >/dev/null 2>&1; then
	cp leaky victim
	SLAB_DEBUG=U start ./victim rest || bad "victim did not come up: $(cat start.err)"
	abort_into tracked-core
	seed=${LEAKS_SEED:-$$} # another run with it does the same
	RANDOM=$seed
	for i in $(seq 4); do
		cp leaky victim
		for _ in $(seq 20); do
			byte=\\x$(printf %02x $((RANDOM % 256)))
			printf "$byte" | dd of=victim bs=1 conv=notrunc 2>/dev/null \
				seek=$(((RANDOM << 15 | RANDOM) % $(stat -c %s victim)))
		done
		timeout 120 "$slabstat" leaks tracked-core >out 2>err
		rc=$?
		[ "$rc" -eq 1 ] && grep -q '^17 of [0-9]* live objects are leaked' out ||
			bad "a damaged program file, LEAKS_SEED=$seed: $rc $(cat err)"
	done
	ok
fi

# ---- whoever dies, the target goes on
leaky big 96
says 1 '^3 of [0-9]+ live objects' leaks "$pid" --stop
held=0
for i in $(seq 8); do
	"$slabstat" leaks "$pid" --stop >out 2>&1 &
	reader=$!
	for _ in $(seq 200); do
		grep -q '^State:.*tracing' "/proc/$pid/status" && break
	done
	! grep -q '^State:.*tracing' "/proc/$pid/status" || held=$((held + 1))
	kill -KILL "$reader"
	wait "$reader" 2>/dev/null
	for _ in $(seq 100); do
		grep -q '^TracerPid:.0$' "/proc/$pid/status" && break
		sleep 0.01
	done
	! grep -hE '^State:.*(stop|trac)' "/proc/$pid/status" "/proc/$pid"/task/*/status ||
		bad "killed while it held: the target stands"
done
[ "$held" -gt 0 ] && ok || bad "the target was never seen to be held"

# signals that come while it is held arrive: of those that are counted none is merged
cat >signals.c <<'EOF'
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "slab.h"
#define SENT 200000
static volatile sig_atomic_t got;
static void on_signal(int number)
{
	(void)number;
	got++;
}
int main(void)
{
	const struct sigaction act = { .sa_handler = on_signal };
	const union sigval none = { 0 };
	pid_t me = getpid();
	sigaction(SIGRTMIN, &act, NULL);
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
	slab_cache_alloc(slab_cache_create("signals", 64, NULL));
	printf("ready\n");
	fflush(stdout);
	if (fork() == 0) {
		for (int i = 0; i < SENT; i++)
			while (sigqueue(me, SIGRTMIN, none) != 0 && errno == EAGAIN)
				usleep(50);
		_exit(0);
	}
	while (wait(NULL) < 0 && errno == EINTR)
		;
	usleep(100000);
	printf("lost %d\n", SENT - (int)got);
	fflush(stdout);
	pause();
}
EOF
"$cc" -std=gnu11 "-I$source/include" -pthread -o signals signals.c "$build/libslab.a" || exit 1
start ./signals || bad "signals did not come up: $(cat start.err)"
for _ in $(seq 200); do
	! grep -q '^lost' own || break
	timeout 20 "$slabstat" leaks "$pid" --stop >out 2>&1
done
for _ in $(seq 200); do
	! grep -q '^lost' own || break
	sleep 0.05
done
grep -qx 'lost 0' own && ok || bad "signals while it was held: $(grep lost own)"

# ---- what cannot be
"$slabstat" snapshot "$pid" >snapshot.json
says 2 'keeps figures and no memory' leaks snapshot.json
says 2 'needs a target' leaks
says 3 'no process' leaks 999999999
says 5 'does not embed' leaks $$
timeout 10 "$slabstat" verify "$pid" --stop >out 2>&1
[ $? -eq 2 ] && ok || bad "verify takes --stop"
TMPDIR=/nowhere says 7 'set TMPDIR' leaks "$pid" --stop
# another one holds it: --stop cannot
cat >tracer.c <<'EOF'
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	if (argc < 2 || ptrace(PTRACE_SEIZE, atoi(argv[1]), NULL, NULL) != 0)
		return 1;
	puts("traced");
	fflush(stdout);
	pause();
}
EOF
"$cc" -std=gnu11 -o tracer tracer.c || exit 1
./tracer "$pid" >traced &
tracer=$!
for _ in $(seq 100); do
	! grep -q traced traced && kill -0 "$tracer" 2>/dev/null && sleep 0.05
done
if grep -q traced traced; then
	says 4 "is traced by process $tracer, .*leave out --stop" leaks "$pid" --stop
	says 1 'live objects are leaked' leaks "$pid"
else
	left_out "a process that is traced, as it cannot be here"
fi
kill "$tracer" 2>/dev/null
wait "$tracer" 2>/dev/null

# ---- a target that dies between two looks, or in one
for i in $(seq 24); do
	leaky rest
	disown # the shell is not to say that it was killed
	(sleep "0.0$((i % 12 * 8 + 10))"; kill -KILL "$pid") 2>/dev/null &
	timeout 60 "$slabstat" leaks "$pid" >out 2>err
	rc=$?
	wait "$!" 2>/dev/null
	case $rc in 1 | 3 | 7) ;; *) bad "the target dies meanwhile: $rc $(cat err)"; break ;; esac
done
[ "$i" -eq 24 ] && ok

finish
