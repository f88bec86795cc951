#!/bin/bash
# apps.sh - real programs by preload, with every allocator that can be had: `make bench-apps`
#
# Environment: BUILD (build), CC; REPS (3); APPS (names of workloads.sh, all); SCALE (100, percent
# of the work); PEER_LIBS="name=path.so ..." one more malloc.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=$(realpath "${BUILD:-build}")
reps=${REPS:-3} scale=${SCALE:-100}
. test/bench/workloads.sh
apps=${APPS:-$workloads}
work=$build/apps
lib=/usr/lib/$("${CC:-cc}" -dumpmachine)
unset SLAB_DEBUG SLAB_STATS LD_PRELOAD MALLOC_CONF

scripts/need.sh libmimalloc2.0 libjemalloc2 libtcmalloc-minimal4 sqlite3 git lua5.4 redis-server \
	redis-tools jq perl python3 >/dev/null 2>&1
names=() files=()
add() {
	if [ -e "$2" ]; then
		names+=("$1")
		files+=("$2")
	else
		echo "left out: $1 is not installed"
	fi
}
# not "", as some programs are linked with another malloc
add glibc "$(ldd "$(command -v bash)" | sed -n 's/.*libc\.so\.6 => \([^ ]*\).*/\1/p')"
add mimalloc "$(ls "$lib"/libmimalloc.so.* 2>/dev/null | head -1)"
add jemalloc "$(ls "$lib"/libjemalloc.so.2 2>/dev/null)"
add tcmalloc "$(ls "$lib"/libtcmalloc_minimal.so.4 2>/dev/null)"
for pair in ${PEER_LIBS:-}; do add "${pair%%=*}" "$(realpath "${pair#*=}")"; done
add slab "$build/libslab-malloc.so"

mkdir -p "$work" || exit 1
"${CC:-cc}" -std=gnu11 -O2 -Wall -Wextra -o "$work/app" test/bench/app.c || exit 1
"${CC:-cc}" -std=gnu11 -O2 -Wall -Wextra -shared -fPIC -o "$work/app_idle.so" \
	test/bench/app_idle.c || exit 1
if [ "$(cat "$work/scale" 2>/dev/null)" != "$scale" ]; then
	echo "making the inputs ..."
	rm -rf "$work/repo"
	workload_inputs "$work" "$scale" || exit 1
fi
rm -f "$work"/samples "$work"/out.* "$work"/bad
for ((rep = 0; rep < reps; rep++)); do
	for app in $apps; do
		if ! workload_has "$app" >"$work/why"; then
			[ "$rep" -gt 0 ] || echo "left out: $app: $(cat "$work/why")"
			continue
		fi
		for ((k = 0; k < ${#names[@]}; k++)); do
			i=$(((k + rep) % ${#names[@]}))
			rm -f "$work/took" "$work/idle"
			workload_before "$app" "$work"
			(APP_IDLE=$work/idle workload_run "$app" "$work" "$work/app" \
				"$work/took" "${files[$i]}:$work/app_idle.so") >"$work/out" 2>&1
			code=$?
			[ -e "$work/out.$app" ] || cp "$work/out" "$work/out.$app"
			if [ $code -ne 0 ] || ! cmp -s "$work/out" "$work/out.$app"; then
				echo "$app with ${names[$i]}: exit $code, other output than first"
				cp "$work/out" "$work/bad.$app.${names[$i]}"
			fi
			echo "$app ${names[$i]} $(tail -1 "$work/took") $(sort -n "$work/idle" |
				tail -1)" >>"$work/samples"
		done
	done
	echo "repetition $((rep + 1)) of $reps done"
done
{
	echo "Taken on $(date +%F) with \`make bench-apps REPS=$reps SCALE=$scale\`."
	echo
	echo "- $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1), $(nproc) cores;" \
		"$(sed -n 's/^PRETTY_NAME="\(.*\)"/\1/p' /etc/os-release); $(uname -sr)"
	echo "- slab: $(git describe --always --dirty 2>/dev/null)"
	for ((i = 0; i < ${#names[@]} - 1; i++)); do
		echo "- ${names[$i]}: $(realpath "${files[$i]}")"
	done
	awk -v svg="$build/apps.svg" -f test/bench/apps.awk "$work/samples"
} >"$build/apps.md"
cat "$build/apps.md"
