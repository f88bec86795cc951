#!/bin/bash
# apps.sh - real programs on libslab-malloc.so give the same bytes as without it
#
# Runs what is installed; leaves out the rest with a sentence. SCALE (2): percent of the work of
# make bench-apps; APPS: only these. SLAB_LONG=1: python3's test_threading, and stress-ng for 20 s
# instead of 3, as well.
set -u
cd "$(dirname "$0")/.." || exit 1
build=$(realpath "${BUILD:-build}")
so=$build/libslab-malloc.so
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
unset LD_PRELOAD SLAB_DEBUG SLAB_STATS
. test/bench/workloads.sh
redis_port=$((20000 + $$ % 20000))
passed=0 failed=0
modules="test_list test_dict test_json test_re" stress_seconds=3
[ "${SLAB_LONG:-0}" != 1 ] || modules="$modules test_threading" stress_seconds=20

judge() { # STATUS WHAT
	if [ "$1" -eq 0 ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAILED: $2"
	fi
}

has() {
	command -v "$1" >/dev/null || { echo "left out: $1 is not installed"; return 1; }
}

# ---- the programs of the benchmark, plain, on slab, and with every check on ----

workload_inputs "$work" "${SCALE:-2}" || exit 1
for app in ${APPS:-$workloads}; do
	if ! why=$(workload_has "$app"); then
		echo "left out: $app: $why"
		continue
	fi
	for with in "" "LD_PRELOAD=$so" "LD_PRELOAD=$so SLAB_DEBUG=FZP"; do
		workload_before "$app" "$work"
		# shellcheck disable=SC2086
		(workload_run "$app" "$work" timeout 120 env $with) >"$work/out" 2>&1
		code=$?
		[ -n "$with" ] || cp "$work/out" "$work/plain"
		[ $code -eq 0 ] && cmp -s "$work/out" "$work/plain"
		judge $? "$app ${with:-plain}: exit $code: $(tail -3 "$work/out")"
	done
done

# ---- others ----

same() { # NAME COMMAND...: the same output on slab
	local name=$1
	shift
	"$@" >"$work/plain" 2>&1 </dev/null
	LD_PRELOAD=$so timeout 120 "$@" >"$work/out" 2>&1 </dev/null
	[ $? -eq 0 ] && cmp -s "$work/plain" "$work/out"
	judge $? "$name: $(diff "$work/plain" "$work/out" | tail -5)"
}

same bash bash -c 'for i in {1..3000}; do a[i]=$i$i; done; echo "${a[*]}" | (sort -n | tail -1)
	declare -A m; for w in x y z; do m[$w]=$(echo "$w$w"); done
	echo "${m[@]}" | tr " " "\n" | sort'
if has perl; then
	same perl perl -e 'my @a = map { "$_" x ($_ % 9) } 1 .. 20000; print join(",", sort @a)'
fi
if has openssl; then
	LD_PRELOAD=$so timeout 120 openssl speed -seconds 1 sha256 >"$work/out" 2>&1
	judge $? "openssl speed: $(tail -3 "$work/out")"
fi
if has stress-ng; then
	LD_PRELOAD=$so timeout 120 stress-ng --malloc 2 -t "$stress_seconds" >"$work/out" 2>&1
	judge $? "stress-ng: $(tail -3 "$work/out")"
fi
if has python3; then
	python=$(python3 -c 'import sys; print(sys.executable)')
	# the test left out fails where site-packages import threading
	test=("$python" -m test -q -i test_import_from_another_thread)
	for module in $modules; do
		if ! "$python" -c "import test.$module" >/dev/null 2>&1; then
			echo "left out: python3's test.$module is not installed"
			continue
		fi
		LD_PRELOAD=$so timeout 300 "${test[@]}" $module >"$work/out" 2>&1
		code=$?
		if [ $code -ne 0 ] && ! "${test[@]}" $module >"$work/plain" 2>&1; then
			echo "left out: python3 -m test $module fails here without slab, too"
			continue
		fi
		judge $code "python3 -m test $module: $(tail -15 "$work/out")"
	done
fi
for test in test_bitmap test_map test_slot test_cache test_sized test_thread; do
	[ -x "$build/test/criterion/$test" ] || continue
	(ulimit -c 0; LD_PRELOAD=$so timeout 120 "$build/test/criterion/$test") >"$work/out" 2>&1
	judge $? "$test: $(tail -5 "$work/out")"
done

# ---- slabstat sees each of them live ----

mkfifo "$work/stdin"
exec 9<>"$work/stdin" # so that each waits for more, but for what is written into it here

live() { # INPUT PROGRAM ARG...
	local input=$1 pid i
	shift
	has "$1" || return
	printf '%s' "$input" >&9
	LD_PRELOAD=$so "$@" <"$work/stdin" >/dev/null 2>&1 9>&- &
	pid=$!
	for ((i = 0; i < 200; i++)); do
		"$build/slabstat" "$pid" >"$work/out" 2>&1 && grep -q 'size-' "$work/out" && break
		grep -qi 'may not\|not permitted' "$work/out" && break
		sleep 0.05
	done
	if grep -qi 'may not\|not permitted' "$work/out"; then
		echo "left out: $(head -1 "$work/out")"
	else
		grep -q 'size-' "$work/out"
		judge $? "slabstat of $1: $(head -3 "$work/out")"
	fi
	kill "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
}

live '' bash -c 'for i in {1..3000}; do a[i]=$i; done; read -r line'
live '' perl -e 'my @a = map { "x$_" } 1 .. 5000; <STDIN>'
has python3 && live '' "$python" -c 'd = [str(i) for i in range(50000)]; input()'
live '' lua -e 'local t = {} for i = 1, 5000 do t[i] = {i} end io.read()'
live $'create table t(a); insert into t values(1);\n' sqlite3 :memory:
live $'{"a":[1,2,3]}\n' jq --unbuffered .
live $'one\ntwo\n' sort --parallel=2
[ ! -d "$work/repo" ] || live $'HEAD\n' git -C "$work/repo" cat-file --batch-check
live '' redis-server --port "$redis_port" --bind 127.0.0.1 --save '' --daemonize no
has gcc && live $'int f(void) { return 1; }\n' "$(gcc -print-prog-name=cc1)" -quiet -o /dev/null -
exec 9>&-

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
