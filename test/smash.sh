#!/bin/bash
# smash.sh - slabstat bears cores with random bytes overwritten: 10,000 of them, seed printed
#
# Environment: SMASH_ROUNDS (10000), SMASH_SEED (another each time).
set -u
cd "$(dirname "$0")/.." || exit 1
build=$(realpath "${BUILD:-build}")
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cc=${CC:-cc}
mapfile -t sources < <(ls tools/*.c | grep -v '/slabdemo')
"$cc" -std=c11 -O1 -g -pthread -I. -Iinclude -Dmain=slabstat_main -c -o "$work/main.o" \
	tools/slabstat.c || exit 1
mapfile -t sources < <(printf '%s\n' "${sources[@]}" | grep -v '/slabstat\.c$')
"$cc" -std=c11 -O1 -g -pthread -I. -Iinclude -o "$work/smash" test/fuzz/smash.c "$work/main.o" \
	"${sources[@]}" || exit 1
"$cc" -std=c11 -O1 -g -pthread -I. -Iinclude -o "$work/target" test/fixture/target.c \
	"$build/libslab.a" || exit 1
cd "$work" || exit 1
if ! ulimit -c unlimited || [ "$(cat /proc/sys/kernel/core_pattern)" != core ]; then
	echo "left out: no core file can be had here (limit, or kernel.core_pattern)"
	echo "1 left out"
	exit 0
fi
./target rest >own &
pid=$!
for _ in $(seq 200); do
	! grep -q '^ready$' own || break
	sleep 0.05
done
kill -ABRT "$pid"
wait "$pid" 2>/dev/null
core=$(ls core* | head -n 1)
[ -s "$core" ] || { echo "no core was written"; exit 1; }
if "$work/smash" "$core" "${SMASH_ROUNDS:-10000}" ${SMASH_SEED:+"$SMASH_SEED"} >out 2>&1; then
	echo "1 passed, 0 failed"
else
	echo "status $?: $(cat out)"
	echo "0 passed, 1 failed"
	exit 1
fi
