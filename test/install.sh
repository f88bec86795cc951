#!/bin/bash
# install.sh - `make install` into a staging folder; the README's program builds against it with
# both libraries and runs; `make uninstall` leaves no file behind; one is told how ld.so finds the
# library; places that cannot be are refused
set -u
cd "$(dirname "$0")/.." || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cc=${CC:-cc}

fail() {
	echo "$1"
	exit 1
}

# make -j may begin with any file: this one waits for no other
make --no-print-directory BUILD="$work/first" "$work/first/slabrun" >"$work/log" 2>&1 ||
	fail "slabrun cannot be made first: $(cat "$work/log")"

make --no-print-directory install DESTDIR="$work/a stage" PREFIX=/opt/slab >"$work/log" 2>&1 ||
	fail "make install failed: $(cat "$work/log")"
top="$work/a stage/opt/slab"
for file in include/slab.h lib/libslab.a lib/libslab.so lib/libslab.so.0 lib/pkgconfig/slab.pc \
	lib/libslab-malloc.so bin/slabrun bin/slabstat; do
	[ -e "$top/$file" ] || fail "$file was not installed"
done
grep -q '^libdir=/opt/slab/lib$' "$top/lib/pkgconfig/slab.pc" || fail "slab.pc names another libdir"

# the first block of C in README.md
awk '/^```c$/ { on = 1; next } /^```$/ && on { exit } on' README.md >"$work/example.c"
[ -s "$work/example.c" ] || fail "README.md has no program"
flags=(-std=c11 -Wall -Wextra -Werror "-I$top/include" "$work/example.c")
"$cc" "${flags[@]}" -o "$work/shared" "-L$top/lib" -lslab -pthread ||
	fail "the README's program does not link with libslab.so"
"$cc" "${flags[@]}" -o "$work/static" "$top/lib/libslab.a" -pthread ||
	fail "the README's program does not link with libslab.a"
LD_LIBRARY_PATH=$top/lib "$work/shared" >"$work/out1" || fail "it fails with libslab.so"
"$work/static" >"$work/out2" || fail "it fails with libslab.a"
cmp -s "$work/out1" "$work/out2" || fail "its output differs: $(cat "$work"/out?)"

make --no-print-directory uninstall DESTDIR="$work/a stage" PREFIX=/opt/slab >"$work/log" 2>&1 ||
	fail "make uninstall failed: $(cat "$work/log")"
left=$(find "$work" -path "*stage*" ! -type d)
[ -z "$left" ] || fail "make uninstall left: $left"

# not staged: the cache of ld.so is renewed, and where that does not help one is told what does
# cached FOUND SETTING...: with an ldconfig that knows of the library, or does not
cached() {
	printf '#!/bin/sh\n[ "$1" = -p ] && echo "%s" || touch "%s/renewed"\n' "$1" "$work" \
		>"$work/ldconfig"
	chmod +x "$work/ldconfig"
	rm -f "$work/renewed"
	make --no-print-directory install PREFIX="$work/plain" LDCONFIG="$work/ldconfig" "${@:2}" \
		>"$work/log" 2>&1 || fail "make install LDCONFIG=... failed: $(cat "$work/log")"
}
cached "libslab.so.0 (libc6,x86-64) => $work/plain/lib/libslab.so.0"
[ -e "$work/renewed" ] || fail "make install does not run ldconfig"
! grep -q LD_LIBRARY_PATH "$work/log" || fail "a library that is found is told to be none"
cached ""
grep -q "set LD_LIBRARY_PATH=$work/plain/lib, or" "$work/log" ||
	fail "nothing tells how programs find the library: $(cat "$work/log")"
"$cc" -std=c11 "$work/example.c" -o "$work/plain/example" "-I$work/plain/include" \
	"-L$work/plain/lib" "-Wl,-rpath,$work/plain/lib" -lslab -pthread &&
	"$work/plain/example" >/dev/null || fail "-rpath does not find it"
cached "" DESTDIR="$work/staged/"
[ ! -e "$work/renewed" ] && ! grep -q LD_LIBRARY_PATH "$work/log" ||
	fail "a staged library is told to be not found"

# refused SAYS SETTING...: by a sentence, and nothing is made or left
refused() {
	make --no-print-directory "${@:2}" DESTDIR="$work/none" >"$work/log" 2>&1 &&
		fail "make ${*:2} is not refused"
	grep -q "$1" "$work/log" || fail "make ${*:2} says: $(cat "$work/log")"
	[ ! -e "$work/none" ] || fail "make ${*:2} leaves files"
}
for what in install uninstall; do
	refused 'without blanks' "$what" PREFIX='/opt/a slab'
	refused 'without blanks' "$what" LIBDIR=/opt/a:b
	refused 'begin with /' "$what" PREFIX=opt
	refused 'begin with /' "$what" LIBDIR=lib64
done
refused 'name one folder' all BUILD="$work/a build"
refused 'name one folder' all BUILD=
refused 'name one folder' all BUILD=a:b
