#!/bin/bash
# stacks.sh - in mode M the stacks of AddressSanitizer name the function that called the library,
# whichever call it was: it walks by frame pointers, and a function of ours without one would hide
# who called it
set -u
cd "$(dirname "$0")/.." || exit 1
build=$(realpath "${BUILD:-build}")
cc=${CC:-cc}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
ulimit -S -c 0

# Each function ends in a report: of a read before a new block, or of a read or free of an old one.
cat >"$work/calls.c" <<'EOC'
#include <slab.h>
#include <string.h>

static struct slab_cache *c;
static void *objs[3];
static volatile char seen;

static void see(volatile char *p)
{
	seen = *p;
}

static void see_freed(char *p, size_t size)
{
	slab_realloc(p, size);
	see(p);
}

#define CALLS(X) \
	X(by_malloc, see((char *)slab_malloc(100) - 1)) \
	X(by_malloc_large, see((char *)slab_malloc(200000) - 1)) \
	X(by_calloc, see((char *)slab_calloc(3, 5) - 1)) \
	X(by_calloc_large, see((char *)slab_calloc(3000, 500) - 1)) \
	X(by_realloc, see((char *)slab_realloc(slab_malloc(3), 50) - 1)) \
	X(by_realloc_large, see((char *)slab_realloc(slab_malloc(3), 500000) - 1)) \
	X(by_aligned_alloc, see((char *)slab_aligned_alloc(64, 64) - 1)) \
	X(by_aligned_alloc_large, see((char *)slab_aligned_alloc(8192, 64) - 1)) \
	X(by_realloc_that_moves, see_freed(slab_malloc(3), 500)) \
	X(by_realloc_to_0, see_freed(slab_malloc(3), 0)) \
	X(by_free, slab_free(objs[0] = slab_malloc(3)); slab_free(objs[0])) \
	X(by_free_large, slab_free(objs[0] = slab_malloc(300000)); slab_free(objs[0])) \
	X(by_cache_alloc, see((char *)slab_cache_alloc(c) - 1)) \
	X(by_cache_zalloc, see((char *)slab_cache_zalloc(c) - 1)) \
	X(by_cache_alloc_bulk, slab_cache_alloc_bulk(c, 3, objs); see((char *)objs[1] - 1)) \
	X(by_cache_free_bulk, slab_cache_alloc_bulk(c, 3, objs); objs[2] = objs[0]; \
	  slab_cache_free_bulk(c, 3, objs))

#define DEFINE(name, ...) __attribute__((noinline)) void name(void) { __VA_ARGS__; }
CALLS(DEFINE)

int main(int argc, char **argv)
{
	c = slab_cache_create("called", 24, NULL);
#define RUN(name, ...) if (argc > 1 && strcmp(argv[1], #name) == 0) name();
	CALLS(RUN)
	return 0;
}
EOC

if ! echo 'int main(void) { return 0; }' | "$cc" -x c -fsanitize=address -o "$work/try" - \
	2>/dev/null || ! "$work/try" 2>/dev/null; then
	echo "left out: $cc has no runtime of -fsanitize=address"
	echo "1 left out"
	exit 0
fi
"$cc" -std=gnu11 -O0 -g -w -pthread -Iinclude -fsanitize=address -o "$work/calls" \
	"$work/calls.c" "$build/libslab.a" || exit 1
passed=0 failed=0
for name in $(sed -n 's/^\tX(\([a-z_0-9]*\),.*/\1/p' "$work/calls.c"); do
	{ SLAB_DEBUG='' ASAN_OPTIONS=symbolize=1 timeout 20 "$work/calls" "$name"; } \
		>"$work/out" 2>&1
	# every stack of the report, and there are at least two
	stacks=$(grep -c '^ *#0 ' "$work/out")
	if [ "$stacks" -ge 2 ] && [ "$(grep -c " in $name " "$work/out")" -eq "$stacks" ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "$name is not in each of the $stacks stacks:"
		cat "$work/out"
	fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
