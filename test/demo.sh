#!/bin/bash
# demo.sh - slabdemo counts rightly, the same out of both allocators, and bears bad input
set -u
cd "$(dirname "$0")/.." || exit 1
demo=$(realpath "${BUILD:-build}")/slabdemo
work=$(mktemp -d) || exit 1
trap 'chmod -R u+rwx "$work"; rm -rf "$work"' EXIT
passed=0 failed=0

# has WORDS STATUS ARG...: slabdemo ARG... prints WORDS (a pattern) and ends with STATUS
has() {
	local words=$1 want=$2 rc
	shift 2
	(cd "$work" && timeout 60 "$demo" "$@" </dev/null) >"$work.out" 2>&1
	rc=$?
	if grep -qE -- "$words" "$work.out" && [ "$rc" -eq "$want" ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "slabdemo $*: status $rc (want $want), want \"$words\" in:"
		cat "$work.out"
	fi
	rm -f "$work.out"
}

mkdir -p "$work/in/sub" "$work/in/.hidden" "$work/empty"
printf 'Apple pear apple_2 9lives x APPLE' >"$work/in/a.txt"
printf 'apple plum\nplum' >"$work/in/sub/b.txt"
printf 'apple\0apple' >"$work/in/binary"
printf 'apple' >"$work/in/.hidden/c.txt"
: >"$work/in/nothing"
ln -s .. "$work/in/sub/loop"
ln -s a.txt "$work/in/alias"
# words across the seams of blocks, each in a bucket of its own
seq -f 'word%06.0f' 1 20000 >"$work/in/many"
mkfifo "$work/in/fifo"
# more files than one block of postings or one slab of scanners holds
mkdir "$work/lots"
for i in $(seq 300); do
	echo "common $((i % 100 == 0)) $([ $((i % 100)) -ne 0 ] || echo rare)" >"$work/lots/$i"
done

for backend in --slabstat=/nowhere --malloc; do
	has 'apple +3 times in 2 files, most' 0 $backend -q apple in
	has 'apple_2 +1 times in 1 files' 0 $backend -q apple_2 in
	has 'PLUM apple +3 times in 1 files' 0 $backend -q 'PLUM apple' in
	has 'word020000 +1 times in 1 files' 0 $backend -q word020000 in
	has ' 20004 words, 20004 posting' 0 $backend in
	has '9lives +0 times in 0 files' 0 $backend -q 9lives in
	has 'Indexed 4 text files' 0 $backend in
	has '1 binary files, 0 unreadable' 0 $backend in
	has 'common +300 times in 300 files' 0 $backend -q common lots
	has 'rare common +6 times in 3 files' 0 $backend -q 'rare common' lots
	has 'Indexed 0 text files' 0 $backend empty
	has 'gone: No such file.*left out' 0 $backend gone in
	has 'no folder is left' 1 $backend gone
	has 'slabdemo --help' 2 $backend --frobnicate
	has 'a query is 1 to 8 words' 2 $backend -q ' ' in
	has 'a query is 1 to 8 words' 2 $backend -q 'a b c d e f g h i' in
	has 'a query is 1 to 8 words' 2 $backend -q "$(printf %1024s x)" in
	has 'too small to show what goes back' 0 $backend lots
done
has 'taken 300 times, [0-9]{1,2} constructed' 0 -s /nowhere lots
has 'No slabstat at /nowhere' 0 -s /nowhere in
has '^usage: slabdemo' 0 --help
has 'returned: (9[0-9]|100)' 0 -s /nowhere /usr/include
if [ -w /dev/full ]; then
	for arg in --help in; do
		(cd "$work" && exec "$demo" "$arg") >/dev/full 2>"$work.out"
		if [ $? -eq 1 ] && grep -q 'could not be written' "$work.out"; then
			passed=$((passed + 1))
		else
			failed=$((failed + 1))
			echo "slabdemo $arg does not tell of a full output: $(cat "$work.out")"
		fi
	done
fi
# a line that is drawn over fits into the terminal's, whatever its width
for cols in 120 80 40; do
	script -qec "stty cols $cols; exec '$demo' -s /nowhere /usr/include" /dev/null \
		</dev/null 2>/dev/null | tr '\r' '\n' | sed 's/\x1b\[K//' |
		grep -E '^\[|^[0-9]+ files' >"$work.out"
	widest=$(awk 'length > n { n = length } END { print n + 0 }' "$work.out")
	if [ "$widest" -gt 30 ] && [ "$widest" -lt "$cols" ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "on $cols columns the widest line of progress has $widest"
	fi
done
rm -f "$work.out"
# ^C in the midst of a long run
mapfile -t long < <(yes /usr/include | head -n 200)
timeout --preserve-status -s INT 0.5 "$demo" "${long[@]}" >"$work.out" 2>&1
if [ $? -eq 130 ] && grep -q 'interrupted; everything was given back' "$work.out"; then
	passed=$((passed + 1))
else
	failed=$((failed + 1))
	echo "slabdemo was interrupted; it said:"
	tail -n 5 "$work.out"
fi
rm -f "$work.out"
if [ "$(id -u)" -ne 0 ]; then
	chmod 0 "$work/in/a.txt"
	has '1 unreadable' 0 --malloc in
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
