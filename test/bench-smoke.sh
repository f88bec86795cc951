#!/bin/bash
# bench-smoke.sh - every workload runs, and the runner tells all of it; no time is judged
set -u
cd "$(dirname "$0")/.." || exit 1
build=${BUILD:-build}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
bad=0

fault() {
	echo "$*"
	bad=1
}

# Reduce values to a letter until one is left: "well" if the text on standard input is JSON.
json_judge() {
	awk '{ text = text $0 "\n" }
	END {
		gsub(/"([^"\\\n]|\\u[0-9a-f][0-9a-f][0-9a-f][0-9a-f])*"/, "s", text)
		gsub(/-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?/, "v", text)
		gsub(/[ \t\n]+/, "", text)
		do {
			before = text
			gsub(/\[\]|\{\}|\[[sv](,[sv])*\]|\{s:[sv](,s:[sv])*\}/, "v", text)
		} while (text != before)
		print text == "v" ? "well" : "ill: " substr(text, 1, 100)
	}'
}

[ "$(json_judge <<<'{"a": [1, 2.5e-3, "x"], "b": {}}')" = well ] || fault "the judge of JSON errs"
for text in '{"a": [1, 2}' '{"a": 1,}' '{"a" 1}' '{"a": x}' '[1 "a"]' '{"a": nan}' ''; do
	[ "$(json_judge <<<"$text")" != well ] || fault "the judge of JSON takes $text"
done

mkdir -p "$build/bench"
if ! make --no-print-directory -s -f test/bench/bench.mk BUILD="$build" CC="${CC:-cc}" \
	PEERS='slab slab-call glibc limit' >"$work/make" 2>&1; then
	cat "$work/make"
	exit 1
fi
"$build/bench/run" --out="$work" --reps=2 --scale=5000 --sizes='16 1024' --command='a "test"' \
	"subject slab $build/bench/bench-slab" "peer glibc $build/bench/bench-glibc" \
	"eager glibc0 $build/bench/bench-glibc MALLOC_TRIM_THRESHOLD_=0" \
	"variant slab-call $build/bench/bench-slab-call" \
	"bound limit $build/bench/bench-limit" "missing other its-package" \
	"peer broken $build/bench/bench-glibc LD_PRELOAD=/nowhere/libbroken.so" \
	>"$work/out" 2>"$work/err" || fault "the runner failed"

json=$work/bench.json
verdict=$(json_judge <"$json")
[ "$verdict" = well ] || fault "bench.json is no JSON: $verdict"
for row in pair lifo fifo churn1k churn200k grow gfree left bytes handoff mt2 larson walk; do
	for size in 16 1024; do
		# the line of the row, and the lines of its results to the end of it
		awk -v row="\"row\": \"$row\", \"size\": $size," '
			index($0, "{ \"row\":") { on = index($0, row) > 0 }
			on && /"peer": "(slab|glibc)"/ &&
				/"samples": \[[^],]+, [^],]+\]/ { n++ }
			END { exit n != 2 }' "$json" || fault "bench.json lacks $row $size"
		grep -Eq "^$row +$size +[0-9]" "$work/out" || fault "the table lacks $row $size"
	done
	grep -q ">$row (" "$work/bench.svg" || fault "the picture lacks $row"
done
[ "$(grep -c '"row": "cost", "objects": ' "$json")" -eq 5 ] || fault "not 5 points of cost"
[ "$(grep -c '"peer": "slab-call"' "$json")" -eq 18 ] || fault "variants are for 9 rows"
[ "$(grep -c '"peer": "glibc0"' "$json")" -eq 6 ] || fault "eager peers are for one workload"
grep -q '^Missing: other (its-package)' "$work/out" || fault "a missing peer is not named"
grep -q '^Missing: broken' "$work/out" || fault "a library that is not loaded is measured"
tail -n 1 "$work/bench.svg" | grep -q '^</svg>$' || fault "the picture is cut off"
grep -qv 'LD_PRELOAD\|/nowhere\|^broken' "$work/err" && fault "the runner complained"
if [ "$bad" -ne 0 ]; then
	cat "$work/out" "$work/err"
fi
exit "$bad"
