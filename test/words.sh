#!/bin/bash
# words.sh - options, formats and verbs are the same in --help, man page and completion
set -u
cd "$(dirname "$0")/.." || exit 1
slabstat=${BUILD:-build}/slabstat
bad=0

same() { # WHAT: differences between two sorted lists on descriptors 3 and 4
	diff /dev/fd/3 /dev/fd/4 && return
	echo "$1 differ"
	bad=1
}

help=$("$slabstat" --help)
long() { grep -oE -- '--[a-z][a-z-]+' | sort -u; }
long <<<"$help" >/dev/null || { echo "--help names no option"; bad=1; }
same "options of --help (<) and completion (>)" 3< <(long <<<"$help") \
	4< <(sed -n "s/.*options+\?='\(.*\)'/\1/p" tools/slabstat.bash | long)
same "options of --help (<) and man page (>)" 3< <(long <<<"$help") \
	4< <(grep -oE 'Fl -[a-z-]+' docs/slabstat.1 | sed 's/Fl -/--/' | sort -u)
for word in $(sed -n "s/.*\(formats\|pictures\|verbs\)='\(.*\)'/\2/p" tools/slabstat.bash); do
	grep -qw -- "$word" <<<"$help" || { echo "--help does not name $word"; bad=1; }
	grep -qw -- "$word" docs/slabstat.1 || { echo "the man page lacks $word"; bad=1; }
done
for format in $(sed -n "s/.*formats='\(.*\)'/\1/p" tools/slabstat.bash); do
	"$slabstat" --format="$format" 999999999 >/dev/null 2>&1
	[ $? -eq 3 ] || { echo "--format=$format is not known"; bad=1; }
done
[ "$(wc -l <<<"$help")" -le 40 ] || { echo "--help is longer than a screen"; bad=1; }
[ "$(wc -L <<<"$help")" -le 80 ] || { echo "--help is wider than a screen"; bad=1; }
# every public function has its place in slab(3), and nothing else has
public=$(grep -vE '^([[:space:]/]| \*)' include/slab.h | grep -oE '\bslab_[a-z_]+\(' |
	tr -d '(' | grep -v __ | sort -u)
[ "$(wc -l <<<"$public")" -ge 20 ] || { echo "slab.h: functions are not found"; bad=1; }
same "functions of slab.h (<) and slab(3) (>)" 3<<<"$public" \
	4< <(sed -nE 's/^\.F[no] (slab_[a-z_]+).*/\1/p' docs/slab.3 | sort -u)
if command -v mandoc >/dev/null; then
	mandoc -T lint -W error docs/*.[13] || bad=1
fi
exit $bad
