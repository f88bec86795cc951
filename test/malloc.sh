#!/bin/bash
# malloc.sh - libslab-malloc.so: glibc's contracts, wrong frees by name, no call back into itself
set -u
cd "$(dirname "$0")/.." || exit 1
build=$(realpath "${BUILD:-build}")
so=$build/libslab-malloc.so
cc=${CC:-cc}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
unset LD_PRELOAD SLAB_DEBUG SLAB_STATS
passed=0 failed=0

judge() { # STATUS WHAT
	if [ "$1" -eq 0 ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAILED: $2"
	fi
}

flags=(-std=gnu11 -O1 -g -fno-builtin -pthread -Wall -Wextra -Wno-deprecated-declarations -Iinclude)
for name in contract wrong host detached locks early sandbox; do
	"$cc" "${flags[@]}" -Wl,-rpath,"$work" -o "$work/$name" "test/malloc/$name.c" -ldl || exit 1
done
for name in nosy plugin; do
	"$cc" "${flags[@]}" -shared -fPIC -o "$work/$name.so" "test/malloc/$name.c" || exit 1
done

# ---- what it shows, and what it asks of others ----

names="aligned_alloc calloc dlopen free free_aligned_sized free_sized mallinfo mallinfo2 malloc \
	malloc_trim malloc_usable_size memalign posix_memalign pvalloc realloc reallocarray valloc"
nm -D --defined-only "$so" | awk '{ print $3 }' | grep -v '^slab_' | sort >"$work/shown"
tr -s ' \t' '\n' <<<"$names" | sort | diff - "$work/shown" >"$work/diff"
judge $? "other names than malloc's and slab_ are shown: $(cat "$work/diff")"
asked=$(nm -D --undefined-only "$so" | awk '{ print $NF }' | sed 's/@.*//' |
	grep -E '^([mc]alloc|realloc|free|dlvsym|dlm?open|.*printf.*|f?puts|fopen)$|atexit')
[ -z "$asked" ]
judge $? "it calls $asked"

# ---- contracts ----

timeout 120 env LD_PRELOAD="$so" "$work/contract" >"$work/out" 2>&1
judge $? "contracts: $(tail -20 "$work/out")"
grep -q ' checks, 0 broken' "$work/out"
judge $? "contracts: no end: $(tail -3 "$work/out")"
for letters in F FZP; do
	timeout 200 env LD_PRELOAD="$so" SLAB_DEBUG=$letters "$work/contract" >"$work/out" 2>&1
	judge $? "contracts with SLAB_DEBUG=$letters: $(tail -20 "$work/out")"
done
LD_PRELOAD=$so "$work/host" "$work/plugin.so"
judge $? "blocks of a library that has been closed"
(ulimit -c 0; LD_PRELOAD=$so "$work/host" "$work/plugin.so" deep; exit $?) >"$work/out" 2>&1
judge $? "a library opened by RTLD_DEEPBIND: $(head -3 "$work/out")"
LD_PRELOAD=$so "$work/host" plugin.so deep
judge $? "a library on the search path of the program that opens it"
for letters in "" FZP; do
	counted=$(LD_PRELOAD=$so SLAB_DEBUG=$letters "$work/detached")
	[ "$counted" = 1 ]
	judge $? "SLAB_DEBUG=$letters: '$counted' threads, the first alone lives"
done
said=$(LD_PRELOAD=$so "$work/locks")
[ "$said" = "0 of them not" ]
judge $? "locks that are taken first, but not by fork: $said"
said=$(LD_PRELOAD=$so "$work/early")
[ "$said" = kept ]
judge $? "what was set before the library's constructor: $said"

for letters in "" F; do
	LD_PRELOAD=$so SLAB_DEBUG=$letters "$work/sandbox" 2>"$work/err" >"$work/out"
	grep -qx 'alive\|left out: .*' "$work/out"
	judge $? "SLAB_DEBUG=$letters: a call that glibc's malloc does not make"
	grep '^left out' "$work/out"
done

# ---- memory calls that allocate ----

timeout 120 env LD_PRELOAD="$work/nosy.so:$so" "$work/contract" >"$work/out" 2>&1
judge $? "an interposed mmap that allocates: $(tail -20 "$work/out")"
timeout 60 env LD_PRELOAD="$work/nosy.so:$so" bash -c 'echo $((6 * 7)); ls / >/dev/null' \
	>"$work/out" 2>&1 && grep -qx 42 "$work/out"
judge $? "bash with an interposed mmap that allocates: $(tail -3 "$work/out")"

# ---- wrong frees ----

says() { # WHAT WORDS
	(ulimit -c 0; LD_PRELOAD=$so "$work/wrong" "$1"; exit $?) >"$work/out" 2>&1
	local code=$?
	[ $code -eq 134 ] && grep -q "$2" "$work/out"
	judge $? "$1: exit $code, not '$2': $(head -3 "$work/out")"
}
LD_PRELOAD=$so "$work/wrong"
judge $? "the program without a fault"
says double "^slab: double free: 0x[0-9a-f]* of cache 'size-112' is free already"
says interior "^slab: bad free: .* is an interior pointer, not the start of an object"
says misaligned "^slab: bad free: .* is an interior pointer, not the start of an object"
says large-double "^slab: bad free: 0x[0-9a-f]* is no block of this allocator"
says large-interior "^slab: bad free: .* lies inside a large block, not at its start"
says stack "^slab: bad free: 0x[0-9a-f]* is no block of this allocator"
says data "^slab: bad free: 0x[0-9a-f]* is no block of this allocator"
says realloc "^slab: bad pointer: 0x[0-9a-f]* is no block of this allocator"
says large-realloc "^slab: bad pointer: .* lies inside a large block, not at its start"
says size "^slab: bad free: 0x[0-9a-f]* freed with size 500, but its block has 112 bytes"
says small-size "^slab: bad free: 0x[0-9a-f]* freed with size 100, but its block has 3072 bytes"
says aligned-size "^slab: bad free: 0x[0-9a-f]* freed with size 64, but its block has 640 bytes"
SLAB_DEBUG=Z says overrun "red zone behind .* in cache 'size-16': .*, 0 behind the object's end"
(ulimit -c 0; LD_PRELOAD=$so timeout 60 valgrind -q --tool=none "$work/wrong" stack; exit $?) 2>&1 |
	head -20 >"$work/out"
[ "$(grep -c 'is no block of this allocator' "$work/out")" -eq 1 ]
judge $? "a wrong free under valgrind without memcheck is not said once: $(head -3 "$work/out")"

# ---- slabrun ----

run=$build/slabrun
[ "$("$run" sh -c 'echo "$1"' sh "a  b")" = "a  b" ]
judge $? "slabrun: arguments are not handed on as they are"
"$run" sh -c 'exit 7'
[ $? -eq 7 ]
judge $? "slabrun: the exit status is not the program's"
"$run" --stats bash -c 'exit 7' >"$work/out" 2>"$work/err"
[ $? -eq 7 ] && [ ! -s "$work/out" ] && grep -q 'size-' "$work/err"
judge $? "slabrun --stats: $(cat "$work/err")"
"$run" --debug FZP --stats bash -c : 2>"$work/err" && grep -q 'size-' "$work/err"
judge $? "slabrun --debug FZP --stats: $(cat "$work/err")"
"$run" --stats bash -c 'x=$(echo hi; :); (exit 3); echo done' >"$work/out" 2>"$work/err"
[ $? -eq 0 ] && [ "$(grep -c 'Active / Total Objects' "$work/err")" -eq 1 ]
judge $? "slabrun --stats of a program that forks: $(cat "$work/err")"
"$run" --stats "$work/nowhere" 2>"$work/err"
[ $? -eq 127 ] && grep -q 'no figures: it was not run' "$work/err"
judge $? "slabrun --stats of what is not there: $(cat "$work/err")"
TMPDIR=$work/nowhere "$run" --stats true 2>"$work/err"
[ $? -eq 125 ] && grep -q 'set TMPDIR' "$work/err"
judge $? "slabrun --stats without a temporary folder: $(cat "$work/err")"
for wrong in "" "--none" "--debug" "--debug X sh"; do
	# shellcheck disable=SC2086
	"$run" $wrong >"$work/out" 2>&1
	[ $? -eq 125 ] && [ -s "$work/out" ]
	judge $? "slabrun '$wrong' was not refused with a sentence"
done
for folder in 'a folder' a:folder; do
	mkdir "$work/$folder" && cp "$run" "$build/libslab-malloc.so" "$work/$folder"
	"$work/$folder/slabrun" true 2>"$work/err"
	[ $? -eq 125 ] && grep -q 'cannot name .* elsewhere$' "$work/err"
	judge $? "slabrun in '$folder': $(cat "$work/err")"
done
"$run" --help | grep -q '^usage: slabrun'
judge $? "slabrun --help"

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
