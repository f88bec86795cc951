#!/bin/bash
# slabstat_top.sh - top on a terminal, where there is tmux; plain text elsewhere
set -u
cd "$(dirname "$0")/.." || exit 1
. test/fixture/slabstat.bash
terminals=0
tmux=slabstat.$$.0
trap 'end; tmux -L "$tmux" kill-server 2>/dev/null; rm -rf "$work"' EXIT

cd "$work" || exit 1
"$cc" "${flags[@]}" -o target "$source/test/fixture/target.c" "$build/libslab.a" || exit 1
target

# ---- not a terminal: plain text once
"$slabstat" top "$pid" >once 2>&1 </dev/null && grep -q 'CACHE SIZE.*NAME' once &&
	! grep -q $'\033' once && ok || bad "no plain text without a terminal"
"$slabstat" top 999999999 >once 2>&1
[ $? -eq 3 ] && ok || bad "top of no process is not 3"
"$slabstat" top >once 2>&1
[ $? -eq 2 ] && grep -q 'needs a target' once && ok || bad "top without a target is not 2"
"$slabstat" top "$pid" --json >once 2>&1
[ $? -eq 2 ] && grep -q 'has no format json' once && ok || bad "top --json is not 2"

if ! command -v tmux >/dev/null; then
	left_out "what needs a terminal: tmux is not installed"
	finish
fi

keys() { tmux -L "$tmux" send-keys "$@"; }

# run COMMAND...: in a terminal of 100 columns and 30 lines. Each has a server of its own: one that
# was told to end still listens for a moment, and a session asked of it then never comes.
run() {
	tmux -L "$tmux" kill-server 2>/dev/null
	terminals=$((terminals + 1))
	tmux=slabstat.$$.$terminals
	tmux -L "$tmux" -f /dev/null new-session -d -x 100 -y 30 \
		"LC_ALL=C.UTF-8 $*; echo status=\$?; exec sleep 100"
}

# sees PATTERN WORDS: it appears on the screen within 5 s
sees() {
	for _ in $(seq 50); do
		tmux -L "$tmux" capture-pane -p >screen
		if grep -qE -- "$1" screen; then
			ok
			return
		fi
		sleep 0.1
	done
	bad "$2: no \"$1\" in:"
	cat screen
}

if "$slabstat" --version | grep -q 'with.* ncurses'; then
	run "$slabstat" top -i 0.2 "$pid"
	sees 'CHANGE/S TREND +NAME' "the screen"
	sees 'cache-1[0-9]$' "a cache"
	keys n
	sees 'order n' "order by name"
	keys /
	keys -l odd
	sees 'whose name has: odd_' "the filter while it is typed"
	keys Enter
	sees 'filter odd' "the filter"
	sees 'odd__name__3' "the cache that matches"
	grep -q cache-7 screen && bad "the filter hides nothing" || ok
	keys Enter
	sees 'Slab cache: odd__name__3' "one cache opened"
	sees 'Why memory is kept' "its memory"
	keys Escape
	keys / Escape
	sees 'cache-1[0-9]' "no filter"
	keys Down Down PageDown End Home g K ! ' ' + - x
	sees 'order k' "sort keys in either case"
	for size in '20 4' '3 2' '1 1' '200 60' '80 24'; do
		tmux -L "$tmux" resize-window -x "${size% *}" -y "${size#* }"
		sleep 0.3
	done
	sees '^slabstat top: process' "a screen after resizing"
	keys q
	sees '^status=0' "q"
	run "$slabstat" top -i 0.2 "$pid"
	sees 'CHANGE/S TREND' "the screen"
	keys Enter
	sees 'Slab cache:' "one cache opened"
	end
	sees "has ended: these are its last figures. Press any key" "the end of the target"
	sees 'Slab cache:' "what was open stays"
	keys x
	sees '^status=0' "a key after the end"
	target
	run TERM=nowhere "$slabstat" top "$pid"
	sees "knows no terminal 'nowhere': set TERM" "a terminal that nobody knows"
	sees '^status=2' "its status"
	run TERM=dumb "$slabstat" top -i 0.2 "$pid" --cache=cache-2
	sees '^ *[0-9]+ .* cache-2$' "a terminal that moves no cursor"
	# a program that runs another one: that has its own caches, whatever their numbers
	cat >again.c <<-'EOT'
		#include <signal.h>
		#include <stdio.h>
		#include <sys/prctl.h>
		#include <unistd.h>
		#include "slab.h"
		static void nothing(int number) { (void)number; }
		int main(int argc, char **argv)
		{
			struct slab_cache *c = slab_cache_create(argv[1], 64, NULL);
			for (int i = 0; i < (argc > 2 ? 1000 : 10); i++)
				slab_cache_alloc(c);
			prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
			signal(SIGUSR1, nothing);
			printf("ready\n");
			fflush(stdout);
			pause();
			return execl(argv[0], argv[0], argv[2], (char *)NULL);
		}
	EOT
	"$cc" "-I$source/include" -pthread -o again again.c "$build/libslab.a" || exit 1
	start ./again first second || bad "again did not come up: $(cat start.err)"
	run "$slabstat" top -i 1 "$pid"
	sees ' 1000 .* first$' "the first program"
	kill -USR1 "$pid"
	sees ' 10 .* second$' "the second program"
	grep -qE ' 0\.0 .* second$' screen && ok ||
		bad "what the first program had is taken for the second's: $(grep second screen)"
	# growth is told by the second, whatever the interval: 10 objects each 10 ms, or a bit later
	cat >grows.c <<-'EOT'
		#include <stdio.h>
		#include <sys/prctl.h>
		#include <unistd.h>
		#include "slab.h"
		int main(void)
		{
			struct slab_cache *c = slab_cache_create("grows", 64, NULL);
			prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
			printf("ready\n");
			fflush(stdout);
			for (int i = 0; i < 100000; i++) {
				for (int k = 0; k < 10; k++)
					slab_cache_alloc(c);
				usleep(10000);
			}
		}
	EOT
	"$cc" "-I$source/include" -std=gnu11 -pthread -o grows grows.c "$build/libslab.a" || exit 1
	start ./grows || bad "grows did not come up: $(cat start.err)"
	run "$slabstat" top -i 0.2 "$pid"
	sees ' [+]([4-9][0-9][0-9]|10[0-9][0-9]) .*grows$' "growth by the second"
	# one that runs a program without the library: what is on the screen is not of now
	start bash -c 'exec -a /bin/sleep ./again first 100' || bad "again: $(cat start.err)"
	run "$slabstat" top -i 0.3 "$pid"
	sees ' 1000 .* first$' "a program before it runs another"
	kill -USR1 "$pid"
	sees "No new figures: process $pid does not embed slab" "a program without the library"
	keys q
	target
	# a terminal that goes away where hangups are ignored
	if command -v python3 >/dev/null; then
		timeout 20 python3 - "$slabstat" "$pid" <<-'EOT' && ok ||
			import os, pty, signal, sys, time
			pid, terminal = pty.fork()
			if pid == 0:
			    signal.signal(signal.SIGHUP, signal.SIG_IGN)
			    os.environ["TERM"] = "xterm"
			    os.execv(sys.argv[1], ["slabstat", "top", "-i", "60", sys.argv[2]])
			os.read(terminal, 1)
			time.sleep(0.5)
			os.close(terminal)
			for i in range(50):
			    if os.waitpid(pid, os.WNOHANG)[0]:
			        sys.exit(0)
			    time.sleep(0.1)
			os.kill(pid, signal.SIGKILL)
			sys.exit(1)
		EOT
			bad "top goes on without its terminal"
	fi
	target busy
	run NO_COLOR=1 "$slabstat" top -i 0.2 "$pid"
	sees 'CHANGE/S TREND' "the screen"
	sleep 0.7
	tmux -L "$tmux" capture-pane -p -e >screen
	! grep -q $'\033\[3[0-7]m' screen && ok || bad "colours in spite of NO_COLOR"
	keys q
	sees '^status=0' "q"
else
	target
fi

# ---- built without: tables at each interval
mapfile -t files < <(cd "$source" && grep -l SLAB_WITH_ tools/*.c)
mapfile -t objects < <(ls "$build"/obj/tools/*.o | grep -vE "slabdemo$(printf '|/%s.o' \
	"${files[@]//tools\//}" | sed 's/\.c\.o/.o/g')")
(cd "$source" && "$cc" -std=c11 -O0 -pthread -I. -Iinclude -DSLAB_VERSION='"0"' \
	-o "$work/plain" "${files[@]}" "${objects[@]}") || bad "it does not build without ncurses"
./plain --version | grep -q 'without.* ncurses' && ok || bad "--version hides what it lacks"
if command -v python3 >/dev/null; then
	./plain map "$pid" --format=png | python3 -c 'import struct, sys, zlib
d = sys.stdin.buffer.read()
at = d.index(b"IDAT")
zlib.decompress(d[at + 4:at + 4 + struct.unpack(">I", d[at - 4:at])[0]])' && ok ||
		bad "a PNG that is not compressed is bad"
fi
if [ -x again ]; then
	start bash -c 'exec -a /bin/sleep ./again first 100' || bad "again: $(cat start.err)"
	run ./plain top -i 0.3 "$pid"
	sees ' first$' "tables of a program before it runs another"
	kill -USR1 "$pid"
	sees '^slabstat: process .* does not embed slab' "a program without the library"
	sees '^status=5' "its status"
fi
target blink
run ./plain top -i 0.1 "$pid"
sees 'CACHE SIZE' "a table"
kill -USR1 "$pid" # its lists cannot be followed for 0.3 s
sees 'No new figures: the figures of .* are incomplete' "a reading that fails"
grep -q 'has ended' screen && bad "a target that lives has ended" || ok
end
sees 'The target has ended' "the end"
sees '^status=0' "its status"
finish
