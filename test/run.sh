#!/bin/bash
# run.sh - run every test, natively and under valgrind; called by `make test`, which builds first.
#
#   canary    programs in test/canary with a seeded fault: each must be seen to fail
#   criterion every test file under Criterion, a process per test
#   memcheck  the same files in one process each (test/shim) under valgrind, leaks count; on the
#             pool (SLAB_DEBUG=-)
#   mode-M    the same as memcheck in mode M, which valgrind brings about, but for the tests that
#             test/shim/pool_only.txt names
#   script    every other test/*.sh; its exit status decides
#
# Environment: BUILD (build), TESTS (names of test files or scripts; all), SLAB_TEST_SECONDS (600,
# the limit of one program). Programs under valgrind find SLAB_TEST_UNDER=valgrind.
# What failed is told where it ran and, shortly, once more before the last line, which is "N passed,
# N failed". Exit 1 when anything failed or no test ran.
set -u
cd "$(dirname "$0")/.." || exit 1
build=${BUILD:-build}
limit=${SLAB_TEST_SECONDS:-600}
export BUILD=$build
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
ulimit -S -c 0 # canaries crash on purpose
passed=0 failed=0

kinds=definite,possible
memcheck=(valgrind -q --leak-check=full "--show-leak-kinds=$kinds"
	"--errors-for-leak-kinds=$kinds" --error-exitcode=99 --num-callers=25
	--fair-sched=try --child-silent-after-fork=yes)

# ---- running one program ----------------------------------------------------------------------
# Both leave $1.out (what it printed) and $1.verdict: "PASSED FAILED SECONDS WORDS".

# run_criterion RESULT PROGRAM [ARG...]
run_criterion() {
	local result=$1 rc tally began=$EPOCHREALTIME
	shift
	{ timeout -k 10 "$limit" "$@" </dev/null >"$result.out" 2>&1; } 2>/dev/null
	rc=$?
	tally=$(sed -n 's/.*Synthesis: Tested: \([0-9]*\) | Passing: \([0-9]*\) | .*/\1 \2/p' \
		"$result.out" | tail -n 1)
	# neither is counted: what fails in a .fini, and a warning, which also makes it end with 1
	if [ "${tally% *}" = "${tally#* }" ] &&
		grep -qE '^\[WARN\]|Assertion Failed' "$result.out"; then
		rc=98
	fi
	# shellcheck disable=SC2086
	verdict "$result" "$rc" "$began" ${tally:-0 0}
}

# run_memcheck RESULT PROGRAM [ARG...]
run_memcheck() {
	SLAB_DEBUG=- valgrinded "$@"
}

run_mode-M() {
	SLAB_DEBUG='' SLAB_TEST_SKIP=test/shim/pool_only.txt valgrinded "$@"
}

valgrinded() {
	local result=$1 rc tally began=$EPOCHREALTIME
	shift
	rm -rf "$result.logs"
	mkdir "$result.logs"
	{
		SLAB_TEST_UNDER=valgrind timeout -k 10 "$limit" "${memcheck[@]}" \
			--log-file="$result.logs/%p" "$@" </dev/null >"$result.out" 2>&1
	} 2>/dev/null # where the shell itself tells of a signal; the verdict does
	rc=$?
	find "$result.logs" -type f -size +0 -exec cat {} + >"$result.log"
	if [ -s "$result.log" ]; then
		cat "$result.log" >>"$result.out"
		[ "$rc" -ne 0 ] || rc=99
	fi
	tally=$(last_tally "$result.out" | awk '{ print $1 + $2, $1 }')
	# shellcheck disable=SC2086
	verdict "$result" "$rc" "$began" ${tally:-0 0}
}

# Number of tests that the last run left out.
left_out() {
	sed -n 's/^\([0-9]*\) left out$/\1/p' "$1" | tail -n 1
}

# "N M" of the last line "N passed, M failed" in a file.
last_tally() {
	sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$1" | tail -n 1
}

# verdict RESULT EXIT-STATUS BEGAN TESTED PASSED: what the run is worth
verdict() {
	local bad=$(($4 - $5)) words='' seconds
	case $2 in
	0) [ "$4" -gt 0 ] || [ -n "$(left_out "$1.out")" ] || words="no test ran" ;;
	98) words="a .fini failed, or a test warned" ;;
	99) words="valgrind found errors" ;;
	124 | 137) words="stopped after $limit s" ;;
	129 | 1[3-9]?) words="ended by SIG$(kill -l $(($2 - 128)))" ;;
	*) [ "$bad" -gt 0 ] || words="exit status $2" ;;
	esac
	[ -z "$words" ] || [ "$bad" -gt 0 ] || bad=1
	seconds=$(awk -v a="$3" -v b="$EPOCHREALTIME" 'BEGIN { print b - a }')
	printf '%d %d %.1f %s\n' "$5" "$bad" "$seconds" "$words" >"$1.verdict"
}

# Number of tests that a source file defines and does not disable.
defined_in() {
	awk '/^Test\(/ { text = ""; open = 1 }
	     open { text = text $0 }
	     open && /[{;]/ { n += text !~ /\.disabled *= *(true|1)/; open = 0 }
	     END { print n + 0 }' "$1"
}

# ---- telling ----------------------------------------------------------------------------------

count() { # PASSED FAILED
	passed=$((passed + $1)) failed=$((failed + $2))
}

line() { # KIND NAME WORDS
	printf '  %-10s%-24s%s\n' "$1" "$2" "$3"
}

# failure KIND NAME WORDS FILE: tells of it here and remembers it for the end, where it is found
# when only the last lines of a long log are kept
failure() {
	line "$1" "$2" "$3"
	cat "$4"
	{
		line "$1" "$2" "$3"
		tail -n 8 "$4"
	} >>"$work/failures"
}

# settle KIND NAME: count one finished program of a test file, and show it in full if it failed
settle() {
	local good bad seconds words want
	read -r good bad seconds words <"$work/$1.$2.verdict"
	want=$(($(defined_in "test/$2.c") - $(left_out "$work/$1.$2.out" | grep . || echo 0)))
	if [ "$bad" -eq 0 ] && [ "$good" -lt "$want" ]; then
		bad=1 words="only $good of the $want tests in the source ran"
	fi
	count "$good" "$bad"
	if [ "$bad" -eq 0 ]; then
		line "$1" "$2" "$good passed ($seconds s)"
		return
	fi
	words="$good passed, $bad FAILED ($seconds s)${words:+: $words}"
	failure "$1" "$2" "$words" "$work/$1.$2.out"
}

# canary KIND NAME WANT PATTERN [ARG...]: the judges above must say pass or fail, for that reason
canary() {
	local kind=$1 name=$2 want=$3 pattern=$4
	local result=$work/canary good bad got=pass place=criterion
	shift 4
	[ "$kind" = criterion ] || place=one
	"run_$kind" "$result" "$build/test/$place/$name" "$@"
	read -r good bad _ <"$result.verdict"
	[ "$bad" -eq 0 ] || got=fail
	if [ "$got" = "$want" ] && cat "$result.verdict" "$result.out" | grep -q -- "$pattern"; then
		count 1 0
		return
	fi
	count 0 1
	cat "$result.verdict" >>"$result.out"
	failure canary "$name" "FAILED: $kind made it a $got, wanted a $want with \"$pattern\"" \
		"$result.out"
}

# ---- the run ----------------------------------------------------------------------------------

canaries() {
	local before=$passed
	canary criterion good pass 'Tested: 3'
	canary memcheck good pass '^3 passed, 0 failed'
	canary criterion good fail 'no test ran' --filter 'none/*'
	canary memcheck good fail '^0 passed, 0 failed' none
	canary criterion assertion fail 'Tested: 2 | Passing: 1'
	canary memcheck assertion fail '^1 passed, 1 failed'
	canary criterion crash fail 'Crashing: 1'
	canary memcheck crash fail 'SIGABRT'
	canary criterion unexpected fail 'Passing: 0'
	canary memcheck unexpected fail 'wanted signal'
	canary criterion fini fail 'a .fini failed'
	canary criterion warning fail 'a test warned'
	canary memcheck fini fail '^0 passed, 1 failed'
	canary memcheck leak fail 'definitely lost'
	canary memcheck use_after_free fail 'Invalid read'
	canary memcheck uninitialised fail 'uninitialised value'
	canary mode-M leak fail 'definitely lost'
	line canary "" "$((passed - before)) of 17 judged rightly"
}

# Under valgrind a program uses one core: run as many at a time as there are cores.
valgrind_all() { # KIND NAME...
	local kind=$1 name cores
	shift
	cores=$(nproc)
	for name; do
		while [ "$(jobs -rp | wc -l)" -ge "$cores" ]; do
			wait -n
		done
		"run_$kind" "$work/$kind.$name" "$build/test/one/$name" &
	done
	wait
	for name; do
		settle "$kind" "$name"
	done
}

# A script whose last line is "N passed, N failed" is counted by it; what is left out as a whole,
# "N left out", does not count.
script() {
	local name=$1 out=$work/script.out rc tally
	timeout -k 10 "$limit" "test/$name.sh" </dev/null >"$out" 2>&1
	rc=$?
	tally=$(last_tally "$out")
	if [ "$rc" -eq 0 ] && [ -z "$tally" ] && [ -n "$(left_out "$out")" ]; then
		line script "$name" "$(grep -m 1 '^left out: ' "$out")"
		return
	fi
	[ -n "$tally" ] || tally="$((rc == 0)) $((rc != 0))"
	# shellcheck disable=SC2086
	set -- $tally
	if [ "$rc" -ne 0 ] || [ $(($1 + $2)) -eq 0 ]; then
		set -- "$1" $(($2 > 0 ? $2 : 1))
	fi
	count "$1" "$2"
	if [ "$2" -eq 0 ]; then
		line script "$name" "$1 passed"
	else
		failure script "$name" "$1 passed, $2 FAILED (exit status $rc)" "$out"
	fi
}

programs=() scripts=()
for path in test/test_*.c; do
	[ ! -e "$path" ] || programs+=("$(basename "$path" .c)")
done
for path in test/*.sh; do
	[ "$path" = test/run.sh ] || scripts+=("$(basename "$path" .sh)")
done
if [ -n "${TESTS:-}" ]; then
	chosen_programs=() chosen_scripts=()
	for name in $TESTS; do
		if [ -e "test/$name.c" ]; then
			chosen_programs+=("$name")
		elif [ -e "test/$name.sh" ]; then
			chosen_scripts+=("$name")
		else
			echo "There is no test named $name: see test/test_*.c and test/*.sh."
			exit 1
		fi
	done
	programs=("${chosen_programs[@]}") scripts=("${chosen_scripts[@]}")
fi
if [ $((${#programs[@]} + ${#scripts[@]})) -eq 0 ]; then
	echo "No test to run."
	exit 1
fi

canaries
for name in "${programs[@]}"; do
	run_criterion "$work/criterion.$name" "$build/test/criterion/$name"
	settle criterion "$name"
done
valgrind_all memcheck "${programs[@]}"
valgrind_all mode-M "${programs[@]}"
for name in "${scripts[@]}"; do
	script "$name"
done
if [ -s "$work/failures" ]; then
	echo "What failed, once more:"
	cat "$work/failures"
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
