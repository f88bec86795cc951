#!/bin/bash
# debug.sh - every unit test with all caches under debug: SLAB_DEBUG=FZPU finds nothing wrong there
#
# A false report would end its program. The tests run in one process a file, scaled down as for
# valgrind. Left out by name, each with its reason, is only what looks at the figures of the plain
# pool: debugging makes slots larger, keeps no magazines, and lets freed objects wait.
set -u
cd "$(dirname "$0")/.." || exit 1
build=${BUILD:-build}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# leave_out REASON SUITE/NAME...: a * stands for all of a suite
except=" "
leave_out() {
	local name
	for name in "${@:2}"; do
		except+="$name "
	done
}

leave_out "looks at the flags of a cache, to which the letters add" \
	cache/an_older_program_passes_fewer_fields define/typed_functions_take_and_give \
	stats/a_new_cache_is_empty
leave_out "looks at what stands in a thread's magazines and in the depot" \
	'magazine/*' 'class/*' 'budget/*' 'burst/*' 'order/*' 'window/*' 'grow/*' 'slot/*' \
	'verify/*' \
	depot/of_thin_slabs_each_object_may_pin_one_but_no_more_than_there_are \
	depot/of_fuller_slabs_it_takes_more_to_pin_one \
	depot/is_reckoned_again_as_slabs_become_emptier \
	depot/what_pins_too_much_by_then_goes_back_as_well \
	depot/what_one_cache_puts_there_does_not_empty_the_others \
	depot/contention_makes_no_pair_one_magazine \
	dtor/destroy_waits_for_destructors_at_the_end_of_a_thread \
	fork/what_vanished_threads_have_parked_is_usable \
	stats/parked_objects_are_cached_not_live \
	stats/allocs_leave_a_slot_before_they_overflow_there \
	thread/its_end_folds_counters_and_frees_what_was_parked \
	thread/works_without_a_struct_of_its_own \
	thread/a_forked_child_takes_over_what_vanished_threads_had
leave_out "counts the objects of a plain slab" \
	'slablist/*' ctor/alone_or_dtor_alone_will_do holes/every_other_slab_of_many \
	stats/slabs_are_full_partial_or_gone stats/a_shorter_struct_is_filled_as_far_as_it_goes
leave_out "measures memory or pages that freed objects give back at once" \
	holes/foreign_pages_stay_intact holes/foreign_pages_in_long_holes_stay_intact \
	holes/mappings_of_others_between_pages_stay_intact \
	holes/mappings_of_others_in_long_holes_stay_intact limits/any_reserve 'memory/*' \
	'syscalls/*' \
	misuse/a_free_after_the_slab_has_left_is_named_at_once \
	thread/works_in_a_destructor_that_runs_after_ours \
	thread/ten_thousand_short_ones_leave_nothing \
	walk/fn_may_free_its_object_whose_slab_stays_until_the_end
leave_out "asks whether it runs under valgrind, as it is told here" \
	page/knows_the_system direct/a_flag_a_letter_and_a_tool_choose_it

# "suite/name" of all tests of a program, and those of them that are left out
list() {
	"$1" -l
}

left_out() {
	list "$1" | while IFS= read -r name; do
		case $except in
		*" $name "* | *" ${name%%/*}/* "*) printf '%s ' "$name" ;;
		esac
	done
}

run_one() { # PROGRAM
	local name out few
	name=$(basename "$1")
	out=$work/$name.out
	few=" $(left_out "$1")"
	if [ "$(wc -w <<<"$few")" -eq "$(list "$1" | wc -l)" ]; then
		echo "0 passed, 0 failed" >"$out"
		return
	fi
	SLAB_DEBUG=FZPU SLAB_TEST_UNDER=debug SLAB_TEST_EXCEPT="$few" \
		timeout -k 5 120 "$1" </dev/null >"$out" 2>&1
	echo "exit $?" >>"$out"
}

make --no-print-directory -s BUILD="$build" CC="${CC:-cc}" test-programs || exit 1
for source in test/test_*.c; do
	while [ "$(jobs -rp | wc -l)" -ge "$(nproc)" ]; do
		wait -n
	done
	run_one "$build/test/one/$(basename "$source" .c)" &
done
wait
passed=0 failed=0
for source in test/test_*.c; do
	out=$work/$(basename "$source" .c).out
	read -r good bad < <(tail -n 2 "$out" |
		sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p')
	if [ "${bad:-1}" -ne 0 ] || grep -q '^exit [^0]' "$out"; then
		echo "$(basename "$source" .c) under SLAB_DEBUG=FZPU:"
		cat "$out"
		bad=$((${bad:-0} > 0 ? bad : 1))
	fi
	passed=$((passed + ${good:-0})) failed=$((failed + bad))
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
