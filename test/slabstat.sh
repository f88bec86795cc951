#!/bin/bash
# slabstat.sh - slabstat agrees with the library itself, and bears every target
set -u
cd "$(dirname "$0")/.." || exit 1
build=$(realpath "${BUILD:-build}")
slabstat=$build/slabstat
work=$(mktemp -d) || exit 1
pid=
trap 'stop; rm -rf "$work"' EXIT
passed=0 failed=0

ok() { passed=$((passed + 1)); }
bad() { failed=$((failed + 1)); echo "slabstat.sh: $*"; }

# start PROGRAM ARG...: in the background, until it says that it is ready; its pid is $pid
start() {
	stop
	: >"$work/own"
	pid=$("$@" >"$work/own" 2>"$work/err" & echo $!) # no child of this shell: it dies quietly
	for _ in $(seq 200); do
		grep -q '^ready$' "$work/own" && return
		kill -0 "$pid" 2>/dev/null || break
		sleep 0.05
	done
	bad "$* did not come up: $(cat "$work/err")"
}
stop() {
	[ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null
	pid=
}

# says STATUS PATTERN ARG...: slabstat ARG... ends with STATUS and prints PATTERN somewhere
says() {
	local want=$1 pattern=$2 rc
	shift 2
	timeout 60 "${as[@]}" "$slabstat" "$@" >"$work/out" 2>&1 </dev/null
	rc=$?
	if [ "$rc" -eq "$want" ] && grep -qE -- "$pattern" "$work/out"; then
		ok
	else
		bad "slabstat $*: status $rc (want $want), want \"$pattern\" in:"
		head -n 20 "$work/out"
	fi
}
as=()

# The caches of a JSON document, a line each, as test/fixture/target.c prints them.
caches_of() {
	tr -d ' \n' <"$1" | sed 's/.*"caches":\[//; s/\].*//; s/},{/}\n{/g' |
		sed 's/,"consistent":[a-z]*//; s/,"root":[0-9]*//; s/[{}]//g' |
		sed 's/,"[a-z]*_bytes":[0-9]*,"[a-z]*_bytes":[0-9]*$//' |
		sed 's/"[a-z_]*"://g; s/"//g; s/,/ /g'
	echo
}

# agrees WORDS: what slabstat reads of $pid is what the library says of itself
agrees() {
	"$slabstat" --json "$pid" >"$work/json" 2>"$work/err" || bad "$1: $(cat "$work/err")"
	caches_of "$work/json" | sed '/^$/d' >"$work/read"
	grep -v '^ready$' "$work/own" | diff - "$work/read" >"$work/diff" && [ -s "$work/read" ] &&
		! grep -q '"consistent": *false' "$work/json" && ok ||
		{ bad "$1: slabstat and the library differ:"; head -n 8 "$work/diff"; }
}

cc=${CC:-cc}
flags=(-std=c11 -O1 -g -pthread -Iinclude test/fixture/target.c)
"$cc" "${flags[@]}" -o "$work/shared" -L"$build" -lslab -Wl,-rpath,"$build" || exit 1
"$cc" "${flags[@]}" -o "$work/pie" -pie -fPIE "$build/libslab.a" || exit 1
"$cc" "${flags[@]}" -o "$work/no-pie" -no-pie "$build/libslab.a" || exit 1
"$cc" "${flags[@]}" -o "$work/static" -static "$build/libslab.a" || exit 1
"$cc" "${flags[@]}" -o "$work/static-pie" -static-pie -fPIE "$build/libslab.a" || exit 1
strip -s -o "$work/stripped" "$work/static"

for form in shared pie no-pie static static-pie stripped; do
	start "$work/$form"
	agrees "$form"
done
cp "$work/pie" "$work/gone"
start "$work/gone"
rm "$work/gone"
agrees "deleted binary"

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
	echo "left out: the JSON by jq, which is not installed"
fi

# ---- failures: one sentence and a status each
says 2 '^slabstat: ' --frobnicate "$pid"
says 2 'no verb' tabel "$pid"
says 2 '^slabstat: ' --format=xml "$pid"
says 3 '^slabstat: .*no process' 999999999
says 3 '^slabstat: ' /nowhere/at/all
says 5 'does not embed' $$
if [ "$(id -u)" -eq 0 ]; then
	if command -v setpriv >/dev/null; then
		as=(setpriv --reuid=1 --regid=1 --clear-groups)
		chmod 755 "$work"
		cp "$slabstat" "$work/tool" && chmod 755 "$work/tool"
		slabstat=$work/tool says 4 'belongs to user 0' "$pid"
		as=()
	fi
else
	start "$work/pie" dumpless
	says 4 'dumpable' "$pid"
fi
start "$work/pie" lists
says 7 '^slabstat: ' "$pid"

# ---- targets that move: every row is consistent or marked, never a crash
start "$work/pie" busy
for i in $(seq 50); do
	timeout 20 "$slabstat" --json "$pid" >"$work/json" 2>&1 ||
		{ bad "busy, read $i: $?"; break; }
done
[ "$i" -eq 50 ] && ok
start "$work/pie" churn
for i in $(seq 50); do
	timeout 20 "$slabstat" --json "$pid" >"$work/json" 2>&1
	case $? in 0 | 7) ;; *) bad "churn, read $i: $(tail -n 1 "$work/json")"; break ;; esac
done
[ "$i" -eq 50 ] && ok
for i in $(seq 30); do # killed while it is being read
	start "$work/pie"
	(sleep "0.00$((i % 10))"; kill -KILL "$pid") 2>/dev/null &
	timeout 20 "$slabstat" --json "$pid" >"$work/json" 2>&1
	case $? in 0 | 3 | 7) ;; *) bad "killed, read $i: $(tail -n 1 "$work/json")"; break ;; esac
	wait "$!" 2>/dev/null
done
[ "$i" -eq 30 ] && ok

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
