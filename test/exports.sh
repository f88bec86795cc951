#!/bin/bash
# exports.sh - libslab.so shows exactly what slab.h declares, and asks only libc for help
set -u
cd "$(dirname "$0")/.." || exit 1
so=${BUILD:-build}/libslab.so
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
bad=0

# Functions declared with their own line in slab.h, and the one variable.
"${CC:-cc}" -E -P -DSLAB_NO_INLINE -Iinclude -x c - <<<'#include "slab.h"' | tr '\n' ' ' |
	tr ';{}' '\n' | grep -vE 'static|=|return|\bif\b' |
	grep -oE '\bslab_[a-z_]+ ?\(|slab__slots_v6' | tr -d ' (' | sort -u >"$work/declared"
nm -D --defined-only "$so" | awk '{ print $3 }' | sort -u >"$work/shown"
if [ "$(wc -l <"$work/declared")" -lt 20 ]; then
	echo "only $(wc -l <"$work/declared") names were found in slab.h"
	bad=1
fi
if ! diff "$work/declared" "$work/shown" >"$work/diff"; then
	echo "slab.h (<) and the names that $so shows (>) differ:"
	cat "$work/diff"
	bad=1
fi
others=$(readelf -d "$so" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' |
	grep -vE '^(libc|libpthread|ld-linux.*)\.so')
if [ -n "$others" ]; then
	echo "$so needs more than libc: $others"
	bad=1
fi
exit $bad
