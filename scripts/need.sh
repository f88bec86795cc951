#!/bin/bash
# need.sh PACKAGE... - see that Debian packages are there, installing through apt what is missing.
#
# Looks first and touches nothing when all is there, so it works without a network. Installs as
# root, or by `sudo -n`; otherwise it prints the line to type and exits 1.
set -u

links() {
	echo "int main(void) { return 0; }" |
		"${CC:-cc}" -x c -o /dev/null - -Wl,--no-as-needed "$1"
}

# What a package is wanted for counts, not who put it there.
have() {
	case $1 in
	libcriterion-dev) echo '#include <criterion/criterion.h>' | "${CC:-cc}" -E - ;;
	libmimalloc2.0) links -l:libmimalloc.so.2 ;;
	libjemalloc2) links -l:libjemalloc.so.2 ;;
	libtcmalloc-minimal4) links -l:libtcmalloc_minimal.so.4 ;;
	libclang-rt-*) # with any version of it
		echo "int main(void) { return 0; }" |
			clang -x c -fsanitize=address -o /dev/null - ;;
	libglib2.0-dev) pkg-config --exists glib-2.0 ;;
	libboost-dev) echo "#include <boost/pool/pool.hpp>" | "${CXX:-c++}" -E -x c++ - ;;
	*) command -v "$1" ;;
	esac >/dev/null 2>&1
}

missing=()
for package; do
	have "$package" || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

line="apt-get install -y --no-install-recommends ${missing[*]}"
if ! command -v apt-get >/dev/null; then
	echo "missing: ${missing[*]} (Debian's names). This system has no apt-get: install them" \
		"with its own package manager." >&2
	exit 1
fi
if [ "$(id -u)" -eq 0 ]; then
	as_root=(env)
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
	as_root=(sudo -n env)
else
	echo "missing: ${missing[*]}. As root, type:  apt-get update && $line" >&2
	exit 1
fi

echo "installing ${missing[*]} through apt"
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT
as_root+=(DEBIAN_FRONTEND=noninteractive)
# shellcheck disable=SC2086
if ! "${as_root[@]}" apt-get -qq -o DPkg::Lock::Timeout=120 update >"$log" 2>&1 ||
   ! "${as_root[@]}" ${line/apt-get/apt-get -qq -o DPkg::Lock::Timeout=120} >>"$log" 2>&1; then
	cat "$log" >&2
	echo "apt could not install: ${missing[*]}. Mend what it says above, or type:  $line" >&2
	exit 1
fi
for package in "${missing[@]}"; do
	have "$package" || { echo "$package is installed but not found." >&2; exit 1; }
done
