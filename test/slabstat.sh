#!/bin/bash
# slabstat.sh - slabstat agrees with the library itself, and bears every target
set -u
cd "$(dirname "$0")/.." || exit 1
. test/fixture/slabstat.bash

# is_read WORDS: slabstat reads what the library says of itself, and a process at rest is consistent
is_read() {
	agrees "$1" "$pid" own
	! grep -q '"consistent": *false' json || bad "$1: a process at rest is not consistent"
}

cd "$work" || exit 1
flags+=("$source/test/fixture/target.c")
"$cc" "${flags[@]}" -o shared -L"$build" -lslab -Wl,-rpath,"$build" || exit 1
"$cc" "${flags[@]}" -o pie -pie -fPIE "$build/libslab.a" || exit 1
"$cc" "${flags[@]}" -o no-pie -no-pie "$build/libslab.a" || exit 1
"$cc" "${flags[@]}" -o static -static "$build/libslab.a" || exit 1
"$cc" "${flags[@]}" -o static-pie -static-pie -fPIE "$build/libslab.a" || exit 1
strip -s -o stripped static

for form in shared pie no-pie static static-pie stripped; do
	start "./$form"
	is_read "$form"
done
cp pie gone
start ./gone
rm gone
is_read "deleted binary"

# ---- the forms of output
says 0 '^ *OBJS ACTIVE USE OBJ SIZE SLABS OBJ/SLAB CACHE SIZE CACHED +PEAK STRANDED NAME$' "$pid"
says 0 'Active / Total Objects' table "$pid"
says 0 'odd__name__' "$pid" --all
says 0 '"schema": *1' "$pid" --format=json
says 0 '"name": *"cache-7"' "$pid" --json --cache='cache-7'
says 0 "^ *$pid .*gone" # the list of processes
says 0 '^usage: slabstat|^Usage: slabstat' --help
[ "$("$slabstat" --help | wc -l)" -le 40 ] && ok || bad "--help is longer than a screen"
tens=$("$slabstat" --json "$pid" --cache='cache-1?' | grep -c '"name"')
[ "$tens" -eq 10 ] && ok ||
	bad "--cache='cache-1?' does not show ten caches"
if command -v jq >/dev/null; then
	"$slabstat" --json "$pid" | jq -e '.caches | length == 24' >/dev/null && ok ||
		bad "jq does not read the JSON"
	"$slabstat" --json "$pid" | jq -e '[.caches[] | select(
		.objects_live + .objects_cached + .objects_free != .objects_capacity or
		.allocs - .frees != .objects_live)] == []' >/dev/null && ok ||
		bad "an identity fails"
else
	left_out "the JSON by jq, which is not installed"
fi

# ---- failures: one sentence and a status each
says 2 '^slabstat: ' --frobnicate "$pid"
says 2 'no option -x:' --json -xa "$pid"
says 2 'no option -C:' -C "$pid"
says 2 'no option -J:' --json -Ja "$pid"
says 2 '--json=1 is no option' --json=1 "$pid"
says 2 '--all=1 is no option' --all=1 "$pid"
says 2 '--frob is no option' --frob "$pid"
says 2 '-s needs a value' "$pid" -s
says 2 '--sort needs a value' "$pid" --sort
says 2 'no verb' tabel "$pid"
says 2 '^slabstat: ' --format=xml "$pid"
says 3 '^slabstat: .*no process' 999999999
says 3 '^slabstat: ' /nowhere/at/all
says 5 'does not embed' $$
as=(bash -c 'for fd in /proc/self/fd/*; do
	[ "${fd##*/}" -le 2 ] || eval "exec ${fd##*/}>&-"; done; ulimit -n "$0"; exec "$@"' 4)
says 4 'cannot be looked into \(Too many open files\)' "$pid"
as=()
ln -s loop loop
says 3 'loop cannot be opened \(Too many levels' loop
if [ "$(id -u)" -eq 0 ]; then
	if command -v setpriv >/dev/null; then
		as=(setpriv --reuid=1 --regid=1 --clear-groups)
		chmod 755 "$work"
		cp "$slabstat" tool && chmod 755 tool
		slabstat=$work/tool says 4 'belongs to user 0' "$pid"
		as=()
	fi
else
	start ./pie dumpless
	says 4 'dumpable' "$pid"
fi
start ./pie lists
says 7 '^slabstat: ' "$pid"

# ---- targets that move: every row is consistent or marked, never a crash
start ./pie busy
for i in $(seq 50); do
	timeout 20 "$slabstat" --json "$pid" >json 2>&1 ||
		{ bad "busy, read $i: $?"; break; }
done
[ "$i" -eq 50 ] && ok
start ./pie churn
for i in $(seq 50); do
	timeout 20 "$slabstat" --json "$pid" >json 2>&1
	case $? in 0 | 7) ;; *) bad "churn, read $i: $(tail -n 1 json)"; break ;; esac
done
[ "$i" -eq 50 ] && ok
for i in $(seq 30); do # killed while it is being read
	start ./pie
	disown # the shell is not to say that it was killed
	(sleep "0.00$((i % 10))"; kill -KILL "$pid") 2>/dev/null &
	timeout 20 "$slabstat" --json "$pid" >json 2>&1
	case $? in 0 | 3 | 7) ;; *) bad "killed, read $i: $(tail -n 1 json)"; break ;; esac
	wait "$!" 2>/dev/null
done
[ "$i" -eq 30 ] && ok

finish
