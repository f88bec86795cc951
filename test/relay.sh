#!/bin/bash
# relay.sh - a producer and a consumer with 32 MiB live keep less than 1.5 times that resident
#
# RELAY_OBJECTS (6,000,000) of each size pass; 400,000,000 take a minute or two.
set -u
cd "$(dirname "$0")/.." || exit 1
build=${BUILD:-build}
cc=${CC:-cc}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

"$cc" -std=gnu11 -O2 -pthread -Iinclude -o "$work/relay" test/stress/relay.c "$build/libslab.a" ||
	exit 1
for size in 64 256 1024; do
	if "$work/relay" "${RELAY_OBJECTS:-6000000}" "$size" $((32 << 20)); then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
	fi
done
# the judge itself: zones larger than their objects are seen
if ! SLAB_DEBUG=Z "$work/relay" 100000 16 $((32 << 20)) >"$work/out"; then
	passed=$((passed + 1))
else
	failed=$((failed + 1))
	echo "relay: zones of 16 bytes around objects of 16 were not noticed"
	cat "$work/out"
fi
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
