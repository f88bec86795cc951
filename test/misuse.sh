#!/bin/bash
# misuse.sh - programs that must fail: what each mode finds of each mistake in test/misuse
#
#   misuse.sh            run all; each must end as its head comment says, and the table in
#                        docs/debugging.md must be what the runs give
#   misuse.sh --update   write the table there
#   misuse.sh --show NAME...   what these programs say in each mode
#
# A head comment says "kind: KIND" (memory: malloc's tools must find it, as often as in the same
# program with malloc; order: wrong use that malloc does not know; race; none: allowed) and for
# modes "MODE: [late] STATUS [WORDS]": how the program ends (exit status or signal) and words of
# the report. "0" alone: nothing is found, nothing said. "late": found, but not at once. Modes:
#   plain     as any program                  debug     SLAB_DEBUG=FZPUL=97
#   valgrind  memcheck, leaks count           asan      AddressSanitizer, leaks count
#   tsan      ThreadSanitizer, where it applies
#   malloc-valgrind malloc-asan malloc-tsan   the same source with malloc and free
# The library is the plain one everywhere: it has to see by itself that a sanitizer is there.
set -u
cd "$(dirname "$0")/.." || exit 1
build=$(realpath "${BUILD:-build}")
cc=${CC:-cc}
doc=docs/debugging.md
start='<!-- misuse table -->' end='<!-- end of misuse table -->'
modes="plain debug valgrind asan tsan malloc-valgrind malloc-asan malloc-tsan"
ulimit -S -c 0

# ---- one program ------------------------------------------------------------------------------

expected() { # NAME MODE: what the head comment says, or nothing
	sed -n "1,/\*\//s/^ \* $2: *//p" "test/misuse/$1.c"
}

compile() { # NAME MODE
	local flags=()
	case $2 in
	*asan) flags=(-fsanitize=address) ;;
	*tsan) flags=(-fsanitize=thread) ;;
	esac
	[[ $2 != malloc-* ]] || flags+=(-DWITH_MALLOC)
	"$cc" -std=gnu11 -O0 -g -w -pthread -Iinclude "${flags[@]}" -o "$work/$1.$2.run" \
		"test/misuse/$1.c" "$build/libslab.a"
}

run() { # NAME MODE: leaves what it says in $work/NAME.MODE.out; returns its exit status
	local mode=$2 program=$work/$1.$2.run prefix=(env SLAB_DEBUG=)
	case $mode in
	debug) prefix=(env SLAB_DEBUG=FZPUL=97) ;;
	*valgrind)
		program=$work/$1.${mode/valgrind/plain}.run
		prefix=(env SLAB_DEBUG= valgrind -q --leak-check=full --error-exitcode=99
			--show-leak-kinds=definite --errors-for-leak-kinds=definite)
		;;
	esac
	[ -x "$program" ] || compile "$1" "${mode/valgrind/plain}" || return 126
	ASAN_OPTIONS=exitcode=98 LSAN_OPTIONS=exitcode=98 TSAN_OPTIONS=exitcode=66 \
		timeout -k 5 60 "${prefix[@]}" "$program" >"$work/$1.$mode.out" 2>&1
}

status_name() { # EXIT-STATUS: a number, or a signal's name
	if [ "$1" -gt 128 ]; then
		kill -l $(($1 - 128))
	else
		echo "$1"
	fi
}

findings() { # NAME MODE WORDS: how often the words were said
	grep -cF -- "$3" "$work/$1.$2.out"
}

# check NAME MODE: a line of the table's cells to NAME.cells, complaints to NAME.bad
check() {
	local name=$1 mode=$2 want status words late='' got cell
	want=$(expected "$name" "$mode")
	[ -n "$want" ] || return
	if [[ $want == late\ * ]]; then
		late=yes want=${want#late }
	fi
	status=${want%% *} words=${want#"$status"} words=${words# }
	{ run "$name" "$mode"; } 2>/dev/null
	got=$(status_name $?)
	cell='–'
	if [ -n "$words" ] && [ "$(findings "$name" "$mode" "$words")" -gt 0 ]; then
		cell=${late:+late} cell=${cell:-yes}
	fi
	printf '%s %s\n' "$mode" "$cell" >>"$work/$name.cells"
	[ "$got" = "$status" ] && { [ -z "$words" ] || [ "$cell" != '–' ]; } &&
		{ [ -n "$words" ] || [ ! -s "$work/$name.$mode.out" ]; } && return
	{
		echo "$name, $mode: wanted \"$want\", ended with $got, saying:"
		head -n 40 "$work/$name.$mode.out"
	} >>"$work/$name.bad"
}

# What a tool finds of malloc's, it must find of ours, as often.
compare() { # NAME MODE
	local words mine theirs
	words=$(expected "$1" "malloc-$2") words=${words#late } words=${words#* }
	[ -n "$words" ] && [ "$words" != 0 ] || return
	[ -e "$work/$1.malloc-$2.out" ] && [ -e "$work/$1.$2.out" ] || return
	mine=$(findings "$1" "$2" "$words") theirs=$(findings "$1" "malloc-$2" "$words")
	[ "$theirs" -gt 0 ] && [ "$mine" -ge "$theirs" ] && return
	echo "$1: \"$words\" by $2 $theirs times with malloc, $mine times with slab" \
		>>"$work/$1.bad"
}

kind_of() {
	expected "$1" kind
}

one() { # NAME
	local name=$1 mode
	: >"$work/$name.cells"
	for mode in $modes; do
		[[ " $without " == *" ${mode#malloc-} "* ]] || check "$name" "$mode"
	done
	case $(kind_of "$name") in
	memory | race)
		for mode in valgrind asan tsan; do
			compare "$name" "$mode"
		done
		;;
	order | none) ;;
	*) echo "$name: its head comment has no kind" >>"$work/$name.bad" ;;
	esac
}

if [ "${1:-}" = --one ]; then # from below, with work and without in the environment
	one "$2"
	exit 0
fi

# ---- all of them ------------------------------------------------------------------------------

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
without=''
for sanitizer in address:asan thread:tsan; do
	if ! echo 'int main(void) { return 0; }' | "$cc" -x c "-fsanitize=${sanitizer%:*}" \
		-o "$work/try" - 2>/dev/null || ! "$work/try" 2>/dev/null; then
		echo "left out: ${sanitizer#*:}: $cc has no runtime of -fsanitize=${sanitizer%:*}"
		without+=" ${sanitizer#*:}"
	fi
done
export work without BUILD=$build CC=$cc

if [ "${1:-}" = --show ]; then
	shift
	for name; do
		for mode in $modes; do
			{ run "$name" "$mode"; } 2>/dev/null
			echo "== $name $mode: $(status_name $?)"
			grep -vE '^(==[0-9]+== *|Shadow bytes.*|  0x.*|=>.*|  [A-Z].*)$' \
				"$work/$name.$mode.out" | head -n "${LINES_SHOWN:-6}"
		done
	done
	exit 0
fi

names=()
for path in test/misuse/*.c; do
	names+=("$(basename "$path" .c)")
done
printf '%s\n' "${names[@]}" | xargs -P "$(nproc)" -n 1 test/misuse.sh --one

table() {
	local name mode cells
	echo "| mistake | plain | debug | valgrind | ASan | TSan |"
	echo "|---|---|---|---|---|---|"
	for name in "${names[@]}"; do
		cells=$(sed -n "1,/\*\//s/^ \* $name\.c - \([^,;:]*\).*/\1/p" \
			"test/misuse/$name.c")
		for mode in plain debug valgrind asan tsan; do
			cells+=" | $(sed -n "s/^$mode //p" "$work/$name.cells")"
		done
		echo "| $cells |"
	done | LC_ALL=C sort
}

passed=0 failed=0
for name in "${names[@]}"; do
	if [ -s "$work/$name.bad" ] || [ ! -s "$work/$name.cells" ]; then
		failed=$((failed + 1))
		cat "$work/$name.bad"
	else
		passed=$((passed + 1))
	fi
done
if [ -n "$without" ]; then
	echo "left out: whether the table in $doc is current, without$without"
elif [ "${1:-}" = --update ]; then
	table >"$work/table"
	sed -i -e "/^$start\$/,/^$end\$/{/^$start\$/{p;r $work/table" \
		-e '};/'"^$end"'$/!d}' "$doc"
elif table | cmp -s - <(sed -n "/^$start\$/,/^$end\$/p" "$doc" | sed '1d;$d'); then
	passed=$((passed + 1))
else
	failed=$((failed + 1))
	echo "the table in $doc is not what the runs give: test/misuse.sh --update writes it"
	diff <(table) <(sed -n "/^$start\$/,/^$end\$/p" "$doc" | sed '1d;$d')
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
