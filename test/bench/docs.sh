#!/bin/bash
# docs.sh BUILD - take the pictures and figures of the last `make bench` and `make bench-apps` into
# docs/; of either, if only that was run
set -eu
cd "$(dirname "$0")/../.."
build=$1 page=docs/benchmarks.md
taken=0

take() { # FIGURES PICTURE MARK TO: between the lines that MARK and "MARK end" begin
	[ -s "$build/$1" ] && [ -s "$build/$2" ] || return 0
	cp "$build/$2" "docs/$4"
	awk -v figures="$build/$1" -v mark="$3" '
		index($0, "<!-- " mark " end -->") == 1 { skip = 0 }
		!skip { print }
		index($0, "<!-- " mark ": written by make bench-docs -->") == 1 {
			skip = 1
			while ((getline line < figures) > 0)
				print line
		}' "$page" >"$page.new"
	mv "$page.new" "$page"
	echo "docs/$4 and $page have the figures of $build/$1"
	taken=1
}

take bench.md bench.svg figures benchmarks.svg
take apps.md apps.svg apps apps.svg
if [ $taken -eq 0 ]; then
	echo "There are no figures yet: run make bench or make bench-apps first." >&2
	exit 1
fi
