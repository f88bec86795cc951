#!/bin/bash
# header.sh - include/slab.h compiles without a warning in every language it promises
#
# C11, C17, C2x with gcc and clang, C++11, C++17, C++20 with g++ and clang++, each with the inline
# fast path and with SLAB_NO_INLINE; with the warnings that programs turn on for all they include,
# of C's casts in C++, too. Compilers that are not installed are named and left out.
set -u
cd "$(dirname "$0")/.." || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

cat >"$work/use.c" <<'EOT'
#include "slab.h"
#include <string.h>

struct conn {
	struct conn *next;
	int fd;
};

SLAB_CACHE_DEFINE(conn, struct conn);
SLAB_CACHE_DEFINE(wide, struct conn, .align = 64, .flags = SLAB_PANIC);

static int make(void *obj, void *ctx)
{
	struct conn model = { NULL, 7 };

	memcpy(obj, &model, sizeof model);
	return ctx == NULL;
}

int use(void);
int use(void)
{
	static int fd;
	struct slab_cache *plain = SLAB_CACHE(struct conn);
	struct slab_cache *built = SLAB_CACHE(struct conn, .ctor = make, .ctx = &fd);
	struct slab_cache *named = slab_cache_create("named", 24, NULL);
	struct conn *c = conn_alloc(), *w = wide_alloc();
	void *p = slab_cache_alloc(plain);

	slab_cache_free(plain, p);
	conn_free(c);
	wide_free(w);
	(void)slab_cache_destroy(built);
	(void)slab_cache_destroy(named);
	return conn_cache() == wide_cache();
}
EOT
cp "$work/use.c" "$work/use.cc"
cat >>"$work/use.cc" <<'EOT'

namespace app {
SLAB_CACHE_DEFINE(first, struct conn);
SLAB_CACHE_DEFINE(second, struct conn);
}

namespace {
SLAB_CACHE_DEFINE(third, struct conn);
}

slab_cache *use_all();
slab_cache *use_all()
{
	return app::first_cache() == app::second_cache() ? third_cache() : nullptr;
}
EOT

try() { # COMPILER STANDARD FILE [FLAG]
	local more=()
	[[ $1 != *++ ]] || more=(-Wold-style-cast)
	if "$1" "-std=$2" -Iinclude -Wall -Wextra -Wpedantic -Wshadow -Wundef -Werror \
		-Wconversion -Wsign-conversion -Wcast-qual "${more[@]}" \
		-O1 "${@:4}" -c -o "$work/use.o" "$work/$3" >"$work/out" 2>&1; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "$1 -std=$2 ${*:4}:"
		cat "$work/out"
	fi
}

# Where pointers have 32 bits nothing of this works: the first line must say so.
refuse() { # COMPILER FILE
	echo | "$1" -m32 -ffreestanding -fsyntax-only -xc - 2>/dev/null || return 0
	if ! "$1" -m32 -ffreestanding -Iinclude -fsyntax-only "$work/$2" >"$work/out" 2>&1 &&
		grep -q 'error: .*slab needs 64-bit addresses' "$work/out"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "$1 -m32: is not told that slab needs 64-bit addresses"
	fi
}
echo '#include "slab.h"' >"$work/refused.c"
cp "$work/refused.c" "$work/refused.cc"

for compiler in gcc clang g++ clang++; do
	if ! command -v "$compiler" >/dev/null; then
		echo "left out: $compiler is not installed"
		continue
	fi
	case $compiler in
	*++) file=use.cc standards="c++11 c++17 c++20" ;;
	*) file=use.c standards="c11 c17 c2x" ;;
	esac
	for standard in $standards; do
		try "$compiler" "$standard" "$file"
		try "$compiler" "$standard" "$file" -DSLAB_NO_INLINE
	done
	refuse "$compiler" "refused.${file#use.}"
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
