#!/bin/bash
# instructions.sh - the fast path takes no more instructions than the figures kept in the tree
#
#   instructions.sh            compare with test/bench/instructions.txt, with 2 % room
#   instructions.sh --update   write this compiler's figures there
#
# A figure is the difference of two run lengths under callgrind, per pair of alloc and free:
# start-up and environment cancel out, and no clock is asked. Both are long enough for a heap to be
# fragmented. It belongs to one compiler and -O2, so a library of its own is built; with another
# compiler nothing is judged. SLAB_DEBUG=- keeps the real pool under valgrind.
set -u
cd "$(dirname "$0")/.." || exit 1
build=${BUILD:-build}/gate
mkdir -p "$build" || exit 1
kept=test/bench/instructions.txt
cc=${CC:-cc}
short=100000 long=300000 # pairs; multiples of the 1,000 that a turn takes
cases="pair call lifo fifo large bulk grow slabs heap guess"

# "gcc-12": how the lines of instructions.txt begin
compiler=$(printf '%s\n' '#if defined(__clang__)' clang __clang_major__ \
	'#else' gcc __GNUC__ '#endif' | "$cc" -E -P -x c - | tr -s '[:space:]' '-')
compiler=$(sed "s,^-,,; s,-$,," <<<"$compiler")-$(uname -m)

make --no-print-directory -s CC="$cc" BUILD="$build" CHECKS=0 CFLAGS='-O2 -gdwarf-4' LDFLAGS= \
	"$build/libslab.so" "$build/libslab-malloc.so" >"$build.log" 2>&1 ||
	{ cat "$build.log"; exit 1; }
for kind in gate gate-call; do
	defined=()
	[ "$kind" = gate ] || defined=(-DSLAB_NO_INLINE)
	"$cc" -std=c11 -O2 -gdwarf-4 -pthread -Iinclude "${defined[@]}" -o "$build/$kind" \
		test/bench/pair_gate.c "$build/libslab.so" \
		-Wl,-rpath,"$(realpath "$build")" || exit 1
done

# count CASE PAIRS: instructions of the whole program; for guess, conditional branches that a simple
# processor would have foreseen wrongly, in hundredths
count() {
	local program=$build/gate case=$1 preload= options=() field='$1'
	[ "$case" != call ] || program=$build/gate-call case=pair
	[ "$case" != guess ] || case=heap options=(--branch-sim=yes) field='$3 * 100'
	[ "$case" != heap ] || preload=$(realpath "$build")/libslab-malloc.so
	LD_PRELOAD=$preload SLAB_DEBUG=- timeout 120 valgrind --tool=callgrind "${options[@]}" \
		--callgrind-out-file=/dev/null "$program" "$case" "$2" 2>&1 |
		sed -n 's/.*Collected : //p' | awk "{ print $field }"
}

figures=$(mktemp) || exit 1
trap 'rm -f "$figures"' EXIT
for case in $cases; do
	less=$(count "$case" "$short")
	more=$(count "$case" "$long")
	awk -v name="$compiler $case" -v less="${less:-0}" -v more="${more:-0}" \
		-v pairs=$((long - short)) \
		'BEGIN { if (less > 0 && more > less)
			printf "%s %.2f\n", name, (more - less) / pairs }'
done >"$figures"
if [ "$(wc -l <"$figures")" -ne "$(wc -w <<<"$cases")" ]; then
	echo "valgrind counted nothing for some of: $cases"
	cat "$figures"
	exit 1
fi

if [ "${1:-}" = --update ]; then
	{
		grep -E '^#' "$kept" 2>/dev/null
		{ grep -vE "^(#|$compiler )" "$kept" 2>/dev/null; cat "$figures"; } | sort
	} >"$kept.new" && mv "$kept.new" "$kept"
	grep "^$compiler " "$kept"
	exit
fi
if ! grep -q "^$compiler " "$kept"; then
	echo "no figures are kept for $compiler: nothing is judged. It takes:"
	cat "$figures"
	exit 0
fi
awk -v kept="$kept" '
	function room(case) { return case == "guess" ? 50 : 2 } # where code lies decides a little
	NR == FNR { if ($0 !~ /^#/) want[$1 " " $2] = $3; next }
	{
		name = $1 " " $2
		if (!(name in want)) {
			printf "%s: no figure is kept in %s\n", name, kept
			bad++
		} else if ($3 > want[name] * (1 + room($2) / 100)) {
			printf "%s: %.2f a pair, %.2f are kept in %s (%+.1f %%, room %d %%)\n",
			       name, $3, want[name], kept, ($3 / want[name] - 1) * 100, room($2)
			bad++
		} else {
			good++
			if ($3 < want[name] * (1 - room($2) / 100))
				printf "%s: %.2f a pair, fewer than the %.2f in %s: keep the new " \
				       "figure\n", name, $3, want[name], kept
		}
	}
	END {
		if (bad)
			print "Find what was added (callgrind_annotate), or if it is wanted keep " \
			      "the new figures: test/instructions.sh --update"
		printf "%d passed, %d failed\n", good, bad
		exit bad > 0
	}' "$kept" "$figures"
