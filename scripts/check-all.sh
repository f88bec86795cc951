#!/bin/bash
# check-all.sh - the tests under every tool that finds what tests do not; called by `make check-all`
#
# The one-process programs (test/shim) of every test file, each on the real pool (SLAB_DEBUG=-) and
# in mode M where that says something: built with ASan+UBSan and with TSan by gcc and by clang, with
# MSan by clang, and some of them under helgrind and drd. A build of its own for each, in
# BUILD/check. segments: half a million slabs under memcheck (test/stress/segments.c). What cannot
# be had here, by apt neither, is left out with a sentence that names it.
#
# Environment: CC (cc), BUILD (build), CHECK_KINDS (all of: segments helgrind drd gcc-asan gcc-tsan
# clang-asan clang-tsan clang-msan), TESTS (names of test files; all), SLAB_TEST_SECONDS (300).
# What failed is told where it ran and, shortly, once more before the last line, which is "N passed,
# N failed". Exit 1 when anything failed or nothing ran.
set -u
cd "$(dirname "$0")/.." || exit 1
build=${BUILD:-build}
limit=${SLAB_TEST_SECONDS:-300}
kinds=${CHECK_KINDS:-segments helgrind drd gcc-asan gcc-tsan clang-asan clang-tsan clang-msan}
passed=0 failed=0
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
ulimit -S -c 0

names=()
for path in test/test_*.c; do
	name=$(basename "$path" .c)
	[[ -n ${TESTS:-} && " $TESTS " != *" $name "* ]] || names+=("$name")
done

# Those with threads; the others would only take time.
race_names=(test_threads test_thread test_readers test_direct test_depot test_fork)

# Children that must die of SIGABRT do so by the tool's report, too.
export ASAN_OPTIONS=allocator_may_return_null=1:abort_on_error=1
export UBSAN_OPTIONS=print_stacktrace=1
export TSAN_OPTIONS=halt_on_error=0:second_deadlock_stack=1:allocator_may_return_null=1
export MSAN_OPTIONS=allocator_may_return_null=1

# One program in one mode; leaves its output and verdict in $work.
run() { # KIND MODE NAME PROGRAM...
	local kind=$1 mode=$2 name=$3 debug=- skip=/dev/null rc tally out=$work/$1.$2.$3
	shift 3
	[ "$mode" = pool ] || debug='' skip=test/shim/pool_only.txt
	{
		SLAB_DEBUG=$debug SLAB_TEST_SKIP=$skip SLAB_TEST_UNDER=$under \
			SLAB_TEST_EXCEPT=" $(cannot_bear "$kind" "$mode" | tr "\n" " ") " \
			timeout -k 10 "$limit" "$@" </dev/null >"$out" 2>&1
	} 2>/dev/null
	rc=$?
	tally=$(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$out" | tail -n 1)
	printf '%s %s %d %s\n' "$mode" "$name" "$rc" "${tally:-0 0}" >"$out.verdict"
}

# The tests ("suite/name ...") that a tool itself cannot bear.
cannot_bear() { # KIND MODE
	case $1-$2 in
	*-asan-M)
		# a child of fork may wait for its allocator's locks for ever where another thread
		# was just in malloc, as in mode M it is; a program without the library does, too
		echo atfork/a_handler_from_before_the_librarys_may_fork \
			atfork/while_another_thread_is_anywhere
		;;&
	*-asan-*)
		# it takes the stack that a cancelled thread leaves for overwritten, and sets a key
		# of its own in the thread in which the test lets that fail
		echo thread/one_whose_end_nobody_would_tell_of_leaves_nothing_parked \
			cancel/not_while_a_report_is_written cancel/not_in_a_reporter \
			cancel/not_while_caches_are_shown cancel/not_while_objects_are_shown \
			cancel/not_in_a_constructor
		;;
	*-msan-*)
		# its fork() takes a lock before any handler runs, and once more in a fork there
		echo atfork/a_handler_from_before_the_librarys_may_fork
		;;
	*-tsan-*)
		# it calls whatever allocates in a handler an error; and its own destructor of the
		# thread has run before, in the last round, and it crashes; two orders of two locks
		# are one to it, even where whoever takes both holds a third; and
		# a handler runs when the call that its signal interrupts is over, not before; and
		# it sets a key of its own in the thread in which the test lets that fail
		echo thread/one_whose_end_nobody_would_tell_of_leaves_nothing_parked \
			atfork/also_in_a_thread_that_has_not_used_it_before \
			report/a_handler_of_the_abort_may_use_the_library \
			report/a_signal_loses_none_of_it \
			large/a_handler_of_the_abort_for_a_bad_free_may_use_blocks \
			exit/in_destructors_before_and_after_ours \
			exit/first_use_in_the_last_round_of_destructors \
			thread/works_in_a_destructor_that_runs_after_ours
		;;
	helgrind-* | drd-*)
		# objects handed over, slabs looked at by atomics, which these do not understand
		echo threads/a_consumer_that_never_allocates threads/a_consumer_of_four_producers \
			readers/iteration_while_slabs_come_and_go \
			readers/iteration_while_destructors_run
		;;
	esac
}

# Tells of a failure here and remembers it for the end.
failure() { # WORDS FILE
	echo "  $1"
	tail -n 60 "$2"
	{
		echo "  $1"
		tail -n 8 "$2"
	} >>"$work/failures"
}

settle() { # KIND BEGAN: counts and shows what run() left
	local kind=$1 began=$2 mode name rc good bad words=0
	for path in "$work/$kind".*.verdict; do
		[ -e "$path" ] || continue # none of the tests that were asked for is of this kind
		read -r mode name rc good bad <"$path"
		if [ "$rc" -eq 0 ]; then
			passed=$((passed + good)) words=$((words + good))
		else
			failed=$((failed + (bad > 0 ? bad : 1)))
			failure "$kind $name ($mode) FAILED: exit status $rc" "${path%.verdict}"
		fi
	done
	printf '  %-12s%d passed (%d s)\n' "$kind" "$words" $((EPOCHSECONDS - began))
}

# all KIND PREFIX...: every test in both modes, as many at a time as there are cores
all() {
	local kind=$1 name mode
	shift
	for name in "${chosen[@]}"; do
		for mode in pool M; do
			while [ "$(jobs -rp | wc -l)" -ge "$(nproc)" ]; do
				wait -n
			done
			run "$kind" "$mode" "$name" "$@" "$place/$name" &
		done
	done
	wait
	settle "$kind" "$began"
}

# A seeded fault must be seen, or the tool is not really there.
canary() { # KIND NAME WORDS PREFIX...
	local kind=$1 name=$2 words=$3
	shift 3
	if { "$@" "$place/$name" >"$work/canary" 2>&1; } 2>/dev/null ||
		! grep -q "$words" "$work/canary"; then
		failed=$((failed + 1))
		failure "$kind does not see $name (wanted \"$words\")" "$work/canary"
	else
		passed=$((passed + 1))
	fi
}

has_runtime() { # CC FLAGS: whether this compiler can build and run with them
	echo 'int main(void) { return 0; }' |
		"$1" -x c "$2" -o "$work/try" - 2>/dev/null && "$work/try"
}

sanitized() { # KIND CC SANITIZERS
	local kind=$1 cc=$2 flags="-fsanitize=$3"
	place=$build/check/$kind/test/one
	if ! command -v "$cc" >/dev/null || ! has_runtime "$cc" "$flags"; then
		echo "  $kind left out: $cc with $flags is not installed" \
			"(Debian: clang libclang-rt-14-dev)"
		return
	fi
	chosen=("${names[@]}") under=sanitizer
	# gcc warns of every fence that its thread sanitizer does not follow: no error here
	if ! make --no-print-directory -j"$(nproc)" CC="$cc" BUILD="$build/check/$kind" WERROR= \
		TESTS="${TESTS:-}" CFLAGS="-O1 -gdwarf-4 -fno-omit-frame-pointer $flags \
		-fno-sanitize-recover=undefined" one-programs >"$work/make" 2>&1; then
		failed=$((failed + 1))
		failure "$kind was not built" "$work/make"
		return
	fi
	case $3 in
	address*) canary "$kind" use_after_free 'heap-use-after-free' &&
		canary "$kind" leak 'detected memory leaks' ;;
	thread) canary "$kind" race 'data race' ;;
	memory) canary "$kind" uninitialised 'use-of-uninitialized-value' ;;
	esac
	all "$kind"
}

segments() {
	local began=$EPOCHSECONDS
	if "${CC:-cc}" -std=gnu11 -O1 -g -pthread -Iinclude -o "$work/segments" \
		test/stress/segments.c "$build/libslab.a" &&
		SLAB_DEBUG=- timeout -k 10 "$limit" valgrind -q --leak-check=full \
			--error-exitcode=99 "$work/segments" >"$work/out" 2>&1; then
		passed=$((passed + 1))
		printf '  %-12s%s (%d s)\n' segments "1 passed" $((EPOCHSECONDS - began))
	else
		failed=$((failed + 1))
		failure "segments FAILED" "$work/out"
	fi
}

if [[ $kinds == *clang* ]]; then
	scripts/need.sh clang libclang-rt-14-dev || echo "  going on without"
fi
for kind in $kinds; do
	began=$EPOCHSECONDS
	case $kind in
	segments) segments ;;
	helgrind | drd)
		place=$build/test/one chosen=() under=valgrind
		make --no-print-directory -s TESTS="${TESTS:-}" one-programs || exit 1
		for name in "${race_names[@]}"; do
			[[ " ${names[*]} " != *" $name "* ]] || chosen+=("$name")
		done
		tool=(valgrind -q "--tool=$kind" --error-exitcode=99 --fair-sched=try
			--child-silent-after-fork=yes)
		canary "$kind" race 'data race\|Conflicting' "${tool[@]}"
		all "$kind" "${tool[@]}"
		;;
	*-asan) sanitized "$kind" "${kind%-*}" address,undefined ;;
	*-tsan) sanitized "$kind" "${kind%-*}" thread ;;
	*-msan) sanitized "$kind" "${kind%-*}" memory ;;
	*) echo "check-all: there is no kind $kind" && exit 1 ;;
	esac
done
if [ -s "$work/failures" ]; then
	echo "What failed, once more:"
	cat "$work/failures"
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
