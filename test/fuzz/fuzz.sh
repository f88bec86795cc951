#!/bin/bash
# fuzz.sh - `make fuzz`: libFuzzer and AddressSanitizer over all that slabstat does with a core file
#
# Environment: FUZZ_SECONDS (60), FUZZ_KEEP (a folder that gets what was found, and the corpus as
# it grew; else nothing is kept but a crash, whose name is told). The corpus of the tree is text,
# a line in base64 for each input: fuzz.sh --keep FOLDER writes it anew from a grown one.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=$(realpath "${BUILD:-build}")
seconds=${FUZZ_SECONDS:-60}
kept=test/fuzz/corpus.txt
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

links() {
	echo '#include <stddef.h>
	int LLVMFuzzerTestOneInput(const unsigned char *d, size_t n);
	int LLVMFuzzerTestOneInput(const unsigned char *d, size_t n) { return !d && n; }' |
		clang -fsanitize=fuzzer,address -x c -o "$work/try" - >/dev/null 2>&1
}
if ! links; then
	major=$(clang -dumpversion 2>/dev/null | cut -d. -f1)
	scripts/need.sh clang "libfuzzer-${major:-14}-dev" >"$work/out" 2>&1
	if ! links; then
		echo "left out: clang has no fuzzer runtime, and libfuzzer-${major:-14}-dev could" \
			"not be installed"
		exit 0
	fi
fi

mapfile -t sources < <(ls tools/*.c | grep -v /slabdemo)
flags=(-std=c11 -O1 -g -pthread -I. -Iinclude)
clang "${flags[@]}" -fsanitize=fuzzer,address -Dmain=slabstat_main -o "$work/fuzz" \
	test/fuzz/core.c "${sources[@]}" || exit 1
"${CC:-cc}" "${flags[@]}" -o "$work/leaky" test/fixture/leaky.c "$build/libslab.a" || exit 1
mkdir "$work/corpus" "$work/grown"
n=0
while read -r line; do
	n=$((n + 1))
	base64 -d <<<"$line" >"$work/corpus/$n"
done < <(grep -v '^#' "$kept" 2>/dev/null)

# a core whose lists hang together, for the inputs that patch one
(
	cd "$work" || exit 1
	ulimit -c unlimited
	SLAB_DEBUG=- ./leaky rest >own &
	pid=$!
	for _ in $(seq 200); do
		! grep -q '^ready$' own || break
		sleep 0.05
	done
	if [ "$(cat /proc/sys/kernel/core_pattern)" = core ]; then
		kill -ABRT "$pid"
	else
		gcore -o core "$pid" >/dev/null 2>&1
		kill -KILL "$pid"
	fi
	wait "$pid"
) 2>/dev/null
core=$(ls "$work"/core* 2>/dev/null | grep -v corpus | head -n 1)
[ -s "$core" ] || { echo "left out: no core file can be had here"; exit 0; }
export FUZZ_CORE=$core ASAN_OPTIONS=${ASAN_OPTIONS:-allocator_may_return_null=1}

if [ "${1:-}" = --keep ]; then
	"$work/fuzz" -merge=1 -max_len=4096 -timeout=10 "$work/grown" "$work/corpus" "$2" \
		-close_fd_mask=3 >"$work/out" 2>&1
	{
		sed -n '/^#/p' "$kept" 2>/dev/null
		ls -S -r "$work/grown" | head -n "${FUZZ_MOST:-300}" | while read -r file; do
			base64 -w 0 "$work/grown/$file"
			echo
		done
	} >"$work/new" && mv "$work/new" "$kept"
	wc "$kept"
	exit
fi
before=$(ls "$work/corpus" | wc -l)
if "$work/fuzz" -max_total_time="$seconds" -max_len=4096 -timeout=10 -rss_limit_mb=2048 \
	-malloc_limit_mb=1024 -close_fd_mask=3 -print_final_stats=1 \
	-artifact_prefix="$work/found-" "$work/corpus" >"$work/log" 2>&1; then
	runs=$(sed -n 's/^stat::number_of_executed_units: //p' "$work/log")
	echo "fuzz: $runs inputs in $seconds s from a corpus of $before, nothing found"
	status=0
else
	tail -n 60 "$work/log"
	for file in "$work"/found-*; do
		echo "input ($file): $(base64 -w 0 "$file")"
	done
	status=1
fi
if [ -n "${FUZZ_KEEP:-}" ]; then
	mkdir -p "$FUZZ_KEEP/corpus" &&
		cp -r "$work"/corpus/. "$FUZZ_KEEP/corpus/" && cp "$work/log" "$FUZZ_KEEP/"
	cp "$core" "$work"/found-* "$FUZZ_KEEP/" 2>/dev/null
fi
exit "$status"
