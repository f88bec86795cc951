#!/bin/bash
# slabstat_known.sh - what is shown of slabs is what is in them; broken numbers are not believed
set -u
cd "$(dirname "$0")/.." || exit 1
. test/fixture/slabstat.bash
export SLAB_DEBUG=-
cd "$work" || exit 1
flags+=(-w "-I$source" "$source/test/fixture/known.c")
"$cc" "${flags[@]}" -o known "$build/libslab.a" || exit 1

# known [MODE]: the program; word NAME: what it has said of itself
known() {
	start ./known "$@" || bad "known $* did not come up: $(cat start.err)"
}
word() {
	sed -n "s/^$1 = //p" own
}

known
# ---- map: slot by slot, slab by slab
"$slabstat" map "$pid" --cache=settled,parking |
	sed -n 's/^  0x[0-9a-f]* //p; s/^  \([0-9]\)/\1/p' >rows
diff rows - <<'EOT' && ok || bad "map shows other slots"
.....#..  1/8
....##..  2/8
3 live, 0 parked, 13 free
oooooooo  0/8
0 live, 8 parked, 0 free
EOT
"$slabstat" map "$pid" --cache=tenths | sed -n 's/^  0x[0-9a-f]* //p' | tr -d '\n' >cells
[ "$(cat cells)" = "$(word cells)" ] && ok || bad "map shows tenths: $(cat cells), $(word cells)"
"$slabstat" map "$pid" --format=svg --cache=settled,parking >map.svg
for colour in 1d6fb8:3 f2a91e:8 dde3ea:13; do # live, parked, free: a path each, of so many cells
	cells=$(grep "path fill=\"#${colour%:*}\"" map.svg | grep -o 'h9v9h-9z' | wc -l)
	[ "$cells" -eq "${colour#*:}" ] && ok || bad "cells of #${colour%:*} in the picture: $cells"
done
for format in table svg png; do
	says 7 '/dev/full could not be written' map "$pid" --format=$format -o /dev/full
done

# ---- whatis
for state in live free parked; do
	says 0 "slot [0-9] of 8, byte 0 of 500, $state\$" whatis "$pid" "$(word $state)"
	at=$(printf '%#x' $(($(word $state) + 499)))
	says 0 "byte 499 of 500, $state\$" whatis "$pid" "$at"
done
says 0 'no object: its header or its slack' whatis "$pid" "$(word header)"

# ---- full
says 0 "^  thread $(word tid) +8 +1\$" full "$pid" parking
says 0 "^ +1 slab by the magazines of thread $(word tid)\$" full "$pid" parking
says 0 '^  depot +[1-9][0-9]* +[0-9]+$' full "$pid" depot
says 0 '^ +[1-9][0-9]* slabs? by magazines in the depot$' full "$pid" depot
says 0 '^ +2 slabs by 3 live objects$' full "$pid" settled
says 0 "\"slabs_by_tenths\": .$(word tenths)]" full "$pid" tenths --json
says 0 '^Header   : 64 bytes in each slab$' full "$pid" settled

# ---- the list of processes
says 0 "^ *$pid +5? *[0-9]+ .* known$"
objects=$("$slabstat" --format=csv "$pid" | awk -F, 'NR > 1 { n += $16; b += $24 }
	END { print n, b }')
line="\"pid\": $pid, \"caches\": 4, \"objects_live\": ${objects% *}, "
says 0 "$line\"mapped_bytes\": ${objects#* }," --json

# ---- numbers that are broken
known used
says 1 'settled: slots in use counted: [0-9]+, should be [0-9]+' verify "$pid"
says 0 ' settled ~$' table "$pid"
known frees
says 0 ' settled ~$' table "$pid"
says 0 '"name": "settled".*"consistent": false' table "$pid" --json
known parked
says 1 'parking: parked objects that are none: 1, should be 0' verify "$pid"
known short # a magazine of which two objects can be read
says 1 'parking: a list of spans or magazines is damaged' verify "$pid"
known odd # as a cache that is changed all the while
says 0 '^No fault found; not judged, for changing all the while: 1 cache\.$' verify "$pid"
known threads
says 7 'are incomplete: part of its memory could not be read' table "$pid"
[ "$(grep -c ' ~$' out)" -eq 4 ] && ok || bad "what threads have parked is unknown: $(cat out)"
known version
says 6 'has an unknown layout \(version 7, ' table "$pid"
known fields
says 6 'its field table is damaged' table "$pid"
known tight
says 0 ' settled ~$' table "$pid"
for mode in stride objects; do
	known $mode
	says 1 'settled: a list of spans or magazines is damaged' verify "$pid"
	for verb in table full users leaks; do
		timeout 60 "$slabstat" "$verb" "$pid" >out 2>&1
		case $? in 0 | 1 | 6 | 7) ok ;; *) bad "$verb, $mode: $? $(tail -n 3 out)" ;; esac
	done
done
SLAB_DEBUG=U known frames
says 0 'objects? of cache settled, the first at' users "$pid"
[ "$(awk '/of cache settled/ { on = 1; next } /^[^ ]/ { on = 0 } on' out | wc -l)" -le 64 ] && ok ||
	bad "more frames than a record holds: $(wc -l <out) lines"
finish
