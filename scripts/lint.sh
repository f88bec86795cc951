#!/bin/bash
# lint.sh - check the rules of the house: CONTRIBUTING.md tells them, lint.awk reads the C files
#
#   lint.sh              check this tree; exit 1 with "file:line: sentence" for each fault
#   lint.sh --text       only the rules that need no compiler
#   lint.sh --self-test  plant each fault in a small tree and see that it is reported
set -u
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# ---- the rules --------------------------------------------------------------------------------

# Files of the project: what git tracks or would, or everything where there is no git.
files() {
	if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
		git ls-files --cached --others --exclude-standard
	else
		find . -type f -not -path './build/*' -not -path './.git/*' | sed 's,^\./,,'
	fi | while IFS= read -r file; do
		[ ! -f "$file" ] || printf '%s\n' "$file"
	done
}

c_files() {
	files | grep -E '^(include|slab|tools|test)/.*\.[ch]$'
}

text_rules() {
	local list
	mapfile -t list < <(c_files)
	[ ${#list[@]} -gt 0 ] || echo "slab:0: no C file found"
	awk -f "$here/lint.awk" "${list[@]}" "${list[@]}"
	files | while IFS= read -r file; do
		[ -s "$file" ] || continue
		case $file in
		docs/*.png)
			[ "$(wc -c <"$file")" -le 153600 ] ||
				echo "$file:1: a picture of more than 150 KiB"
			continue ;;
		esac
		if ! grep -qI . "$file"; then
			echo "$file:1: not a text file; nothing binary is tracked"
			continue
		fi
		grep -nE '[[:blank:]]+$' "$file" |
			sed "s,^\([0-9]*\):.*,$file:\1: blanks at the end,"
		case $file in
		*.sh | *.awk | Makefile | .ci/*)
			expand "$file" | awk -v f="$file" 'length > 100 {
				print f ":" NR ": the line is longer than 100 columns" }' ;;
		esac
	done
}

compile_rules() {
	local cc file options=(-std=c11 -I. -Iinclude -pthread -Wall -Wextra -Wundef
		-Wmissing-prototypes -Wshadow -Werror -fsyntax-only)
	for cc in "${CC:-cc}" clang; do
		if ! command -v "$cc" >/dev/null; then
			echo "left out: $cc is not installed" >&2
			continue
		fi
		for file in $(c_files | grep -E '^(include|slab|tools)/'); do
			case $file in
			*.c) "$cc" "${options[@]}" "$file" ;;
			*.h) echo "#include \"$file\"" | "$cc" "${options[@]}" -x c - ;;
			esac >"$work/out" 2>&1 && continue
			echo "$file:1: $cc does not compile it, by itself and without a warning:"
			cat "$work/out"
		done
	done
	if command -v cppcheck >/dev/null; then
		cppcheck --quiet --std=c11 -I. -Iinclude --inline-suppr --error-exitcode=0 \
			--template='{file}:{line}: {message} (cppcheck {id})' slab tools 2>&1 |
			grep -v 'nofile:0'
	else
		echo "left out: cppcheck is not installed" >&2
	fi
}

# Warnings are shown; anything else fails.
judge() {
	sort -u >"$work/found"
	grep ': warning: ' "$work/found"
	! grep -v ': warning: ' "$work/found"
}

# ---- the self-test ----------------------------------------------------------------------------

clean_tree() {
	rm -rf "$work/tree"
	mkdir -p "$work/tree/slab" "$work/tree/tools" "$work/tree/include" "$work/tree/docs"
	cd "$work/tree" || exit 1
	printf '/* low.h - a  Floor 1 */\n' >slab/low.h
	printf '/* high.h - a  Floor 5 */\n' >slab/high.h
	printf '/* mid.h - a  Floor 3 */\n' >slab/mid.h
	printf '/* layout.h - a  Floor 0 */\n' >slab/layout.h
	printf '/* page.c - a  Floor 2 */\n#if 1\n#endif\nint p = mmap(0);\n' >slab/page.c
	printf '/* walk.h - a  Floor t2 */\n' >tools/walk.h
	printf '#ifndef S\n#define S\n#endif\n' >include/slab.h
	cat >slab/mid.c <<-'EOT'
		/* mid.c - a file without fault  Floor 3 */
		#include "slab/mid.h"
		#include "slab/low.h"
		#include "slab.h"
		/* mmap( and printf( in a comment are no calls */
		int f(void)
		{
			return slab_malloc("malloc(3)") + slab_free(0) + page_munmap(0);
		}
	EOT
	cat >tools/tool.c <<-'EOT'
		/* tool.c - a file without fault  Floor t3 */
		#include "walk.h"
		#include "slab/layout.h"
	EOT
}

# plant FILE LINE WORDS TEXT: TEXT, appended to the clean FILE, must be reported so
plant() {
	clean_tree
	printf '%b\n' "$4" >>"$1"
	text_rules >"$work/report"
	if ! grep -q "^$1:$2: .*$3" "$work/report" || [ "$(wc -l <"$work/report")" -ne 1 ]; then
		echo "lint.sh:1: a planted fault was not reported as $1:$2: ...$3; but:"
		cat "$work/report"
		return 1
	fi
	planted=$((planted + 1))
}

lines() { # N: as many lines of C
	awk -v n="$1" 'BEGIN { while (n-- > 0) printf "\\n\\tf();" }'
}

self_test() {
	local planted=0 bad=0
	clean_tree
	text_rules >"$work/report"
	if [ -s "$work/report" ]; then
		echo "lint.sh:1: a clean tree is reported:"
		cat "$work/report"
		return 1
	fi
	plant slab/mid.c 10 'only lower floors' '#include "slab/high.h"' || bad=1
	plant slab/mid.h 2 'only lower floors' '#include "high.h"' || bad=1
	plant slab/low.h 2 'only lower floors' '#include "slab/mid.h"' || bad=1
	plant slab/mid.c 10 'no floor that is known' '#include "slab/nowhere.h"' || bad=1
	plant slab/new.c 1 'names no floor' '/* new.c - a */' || bad=1
	plant tools/new.c 1 'names no floor' '/* new.c - a  Floor 2 */' || bad=1
	plant tools/walk.h 2 'only slab/layout.h' '#include "slab/low.h"' || bad=1
	plant tools/new.c 2 'only lower floors' '/* Floor t1 */\n#include "walk.h"' || bad=1
	plant slab/mid.c 10 'only page.c' 'int x = munmap(p, 4);' || bad=1
	plant slab/mid.c 10 'only page.c' 'int x = syscall(SYS_process_madvise);' || bad=1
	plant slab/mid.h 2 'only page.c' 'int x = madvise (p, 4);' || bad=1
	plant slab/mid.c 10 'no #if' '#ifdef X' || bad=1
	plant slab/mid.c 10 'no #if' ' # if X' || bad=1
	plant slab/debug.c 2 'no #if' '/* debug.c - a  Floor 6 */\n#if X' || bad=1
	plant slab/mid.c 10 'may not call' 'int x = malloc(3);' || bad=1
	plant slab/mid.c 10 'may not call' 'int x = 1 +snprintf(3);' || bad=1
	plant slab/mid.c 10 'declared in its header' 'extern int g(void);' || bad=1
	plant slab/mid.c 10 'longer than 100' "$(printf '%0101d' 0)" || bad=1
	plant Makefile 1 'longer than 100' "$(printf '\\t%093d' 0)" || bad=1
	plant slab/mid.c 10 'blanks at the end' 'int x; ' || bad=1
	plant README.md 1 'blanks at the end' 'words\t' || bad=1
	plant slab/blob 1 'not a text file' 'a\0b' || bad=1
	plant docs/big.png 1 'more than 150 KiB' "$(printf '%0160000d' 0)" || bad=1
	plant slab/mid.c 401 'the file has 401' "int x;$(lines 391)" || bad=1
	plant slab/mid.c 351 'warning: the file' "int x;$(lines 341)" || bad=1
	plant tools/tool.c 5 'function has 61' "int g(void)\n{$(lines 61)\n}" || bad=1
	plant tools/tool.c 5 'warning: the function' "int g(void)\n{$(lines 51)\n}" || bad=1
	[ "$bad" -eq 0 ] && echo "lint: $planted planted faults, each reported"
}

# ---- ------------------------------------------------------------------------------------------

case ${1:-} in
--self-test) self_test ;;
--text) cd "$here/.." && text_rules | judge ;;
"") cd "$here/.." && { text_rules; compile_rules; } | judge && echo "lint: clean" ;;
*) echo "usage: lint.sh [--text | --self-test]" >&2; exit 2 ;;
esac
