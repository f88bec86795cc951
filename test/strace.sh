#!/bin/bash
# strace.sh - what the kernel sees of a million alloc/free pairs: no more than of a thousand
set -u
cd "$(dirname "$0")/.." || exit 1
build=${BUILD:-build}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

if ! strace -f -o "$work/probe" true 2>/dev/null; then
	echo "skipped: strace is not installed, or may not trace here"
	exit 0
fi
cat >"$work/pairs.c" <<'EOT'
#include <slab.h>
#include <stdlib.h>
int main(int argc, char **argv)
{
	struct slab_cache *c = slab_cache_create("pairs", 64, NULL);
	for (long i = argc > 1 ? atol(argv[1]) : 0; c != NULL && i > 0; i--)
		slab_cache_free(c, slab_cache_alloc(c));
	return c == NULL;
}
EOT
"${CC:-cc}" -std=c11 -O2 -pthread -Iinclude -o "$work/pairs" "$work/pairs.c" \
	"$build/libslab.a" || exit 1
for n in 1000 1000000; do
	strace -f -o "$work/$n" "$work/pairs" "$n" || exit 1
	grep -cE '^[0-9]+ +[a-z]' "$work/$n" >"$work/count.$n"
done
echo "system calls: $(cat "$work/count.1000") for 1,000 pairs," \
	"$(cat "$work/count.1000000") for 1,000,000"
# a few more or less: the loader's, and the alignment of the first span is luck
[ "$(cat "$work/count.1000000")" -gt 5 ] &&
	[ "$(cat "$work/count.1000000")" -le $(($(cat "$work/count.1000") + 10)) ]
