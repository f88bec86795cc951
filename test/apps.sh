#!/bin/bash
# apps.sh - real programs on libslab-malloc.so give the same bytes as without it
#
# Runs what is installed; leaves out the rest with a sentence. SCALE (2): percent of the work of
# make bench-apps; STRESS_SECONDS (3); APPS: only these.
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
	LD_PRELOAD=$so timeout 120 stress-ng --malloc 2 -t "${STRESS_SECONDS:-3}" >"$work/out" 2>&1
	judge $? "stress-ng: $(tail -3 "$work/out")"
fi
if has python3; then
	python=$(python3 -c 'import sys; print(sys.executable)')
	for module in test_list test_dict test_json test_threading test_re; do
		if ! "$python" -c "import test.$module" >/dev/null 2>&1; then
			echo "left out: python3's test.$module is not installed"
			continue
		fi
		LD_PRELOAD=$so timeout 300 "$python" -m test -q $module >"$work/out" 2>&1
		code=$?
		if [ $code -ne 0 ] && ! "$python" -m test -q $module >"$work/plain" 2>&1; then
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

# ---- slabstat sees it ----

if has python3; then
	LD_PRELOAD=$so "$python" -c 'import sys; d = [str(i) for i in range(50000)]
import time; print("ready", flush=True); time.sleep(60)' >"$work/ready" &
	pid=$!
	for ((i = 0; i < 100; i++)); do
		grep -q ready "$work/ready" && break
		sleep 0.1
	done
	"$build/slabstat" "$pid" >"$work/out" 2>&1
	code=$?
	if [ $code -ne 0 ] && grep -qi 'may not\|not permitted' "$work/out"; then
		echo "left out: $(head -1 "$work/out")"
	else
		grep -q 'size-' "$work/out"
		judge $? "slabstat of a python3 on slab: $(head -3 "$work/out")"
	fi
	kill "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
fi

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
