#!/bin/bash
# docs.sh BUILD - take the picture and the figures of the last `make bench` into docs/
set -eu
cd "$(dirname "$0")/../.."
build=$1 page=docs/benchmarks.md
if [ ! -s "$build/bench.md" ] || [ ! -s "$build/bench.svg" ]; then
	echo "There are no figures yet: run make bench first." >&2
	exit 1
fi
cp "$build/bench.svg" docs/benchmarks.svg
awk -v figures="$build/bench.md" '
	/^<!-- figures end -->/ { skip = 0 }
	!skip { print }
	/^<!-- figures: written by make bench-docs -->/ {
		skip = 1
		while ((getline line < figures) > 0)
			print line
	}' "$page" >"$page.new"
mv "$page.new" "$page"
echo "docs/benchmarks.svg and $page have the figures of the last make bench"
