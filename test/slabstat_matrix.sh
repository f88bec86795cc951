#!/bin/bash
# slabstat_matrix.sh - targets of every kind, cores of every length, every refusal in words
#
# Environment: MATRIX_READS (1000) of a target at full speed, MATRIX_CUTS (40) lengths of a core.
set -u
cd "$(dirname "$0")/.." || exit 1
. test/fixture/slabstat.bash
fixture=$source/test/fixture
export SLAB_DEBUG=- TMPDIR=$work

cp "$build/slabstat" "$work/slabstat"
slabstat=$work/slabstat # other users may not reach the tree
chmod 755 "$work" "$work/slabstat"
cd "$work" || exit 1
"$cc" "${flags[@]}" -o target "$fixture/target.c" "$build/libslab.a" || exit 1
"$cc" "${flags[@]}" -o many "$fixture/many.c" "$build/libslab.a" -ldl || exit 1
"$cc" "${flags[@]}" -o plugin.so -DPLUGIN -shared -fPIC "$fixture/many.c" -L"$build" -lslab \
	-Wl,-rpath,"$build" || exit 1
"$cc" "${flags[@]}" -o denied "$fixture/denied.c" || exit 1

# ---- an older library: a core of it is in the tree, with what it said of itself
base64 -d "$fixture/old_core.txt" | gzip -d >old-core
agrees "a core of the first library" old-core "$fixture/old_figures.txt"
says 6 'too old to show its slabs' verify old-core
says 6 'too old to look for leaks' leaks old-core

# ---- two libraries in one process
start ./many plugin ./plugin.so || bad "many plugin: $(cat start.err)"
"$slabstat" --json "$pid" >json 2>err || bad "two libraries: $(cat err)"
grep -q '"name": "in-program".*"objects_live": 5,.*"root": [01]' json &&
	grep -q '"name": "in-plugin".*"objects_live": 7,.*"root": [01]' json &&
	[ "$(grep -o '"root": [01]' json | sort -u | wc -l)" -eq 2 ] && ok ||
	bad "two libraries are not both shown: $(cat json)"
says 0 '^No fault found' verify "$pid"

# ---- other namespaces
if unshare --mount --pid --fork --mount-proc true 2>/dev/null; then
	end
	: >own
	unshare --mount --pid --fork --mount-proc ./target rest >own &
	outer=$!
	for _ in $(seq 200); do
		! grep -q '^ready$' own || break
		sleep 0.05
	done
	pid=$(cat /proc/$outer/task/$outer/children)
	pid=${pid% }
	agrees "other namespaces of mounts and processes" "$pid" own
	end
	wait "$outer" 2>/dev/null
else
	left_out "other namespaces, unshare is not permitted here"
fi

# ---- under valgrind: the real pool, and what it does there by itself
if command -v valgrind >/dev/null; then
	start valgrind -q ./target rest || bad "valgrind: $(cat start.err)"
	agrees "under valgrind" "$pid" own
	SLAB_DEBUG='' start valgrind -q ./target rest || bad "valgrind: $(cat start.err)"
	agrees "under valgrind, a malloc block each" "$pid" own
else
	left_out "a target under valgrind, which is not installed"
fi

# ---- 10,000 caches and 1,000 threads
if start ./many caches 1000 10000; then
	"$slabstat" --json "$pid" >json 2>err || bad "many: $(cat err)"
	[ "$(grep -c '"name"' json)" -eq 10000 ] && grep -q '"threads": 100[01][,}]' json && ok ||
		bad "not all caches and threads are seen: $(head -c 600 json)"
	grep -q "\"objects_live\": $(sed -n 's/^objects //p' own), " json &&
		! grep -q '"consistent": false' json && ok ||
		bad "$(cat own), and slabstat: $(head -c 600 json)"
	says 7 'not all slabs fit into the picture, [0-9]+ caches are left out' map "$pid" \
		--format=svg -o many.svg
	is_xml many.svg && grep -q 'Not all fits' many.svg && ok ||
		bad "the picture does not say so"
	"$slabstat" map "$pid" --format=svg -o many.svg --cache='cache-1?' && ok ||
		bad "map of ten of many caches: $?"
else
	left_out "1,000 threads cannot be had here: $(cat start.err)"
fi

# ---- a target that dies while its slabs are looked at: that is said, whatever was seen
for verb in verify full; do
	told=0
	for delay in 05 10 15 20 30 40 60 80; do
		start ./many caches 1 10000 || bad "many: $(cat start.err)"
		disown
		(sleep "0.$delay"; kill -KILL "$pid") 2>/dev/null &
		timeout 60 "$slabstat" "$verb" "$pid" >out 2>err
		rc=$?
		wait "$!" 2>/dev/null
		case $rc in
		7) ! grep -q 'ended while it was looked at' err || told=1 ;;
		0 | 3) ;;
		*) bad "$verb of a target that dies: $rc $(cat err)" ;;
		esac
		[ "$told" -eq 0 ] || break
	done
	[ "$told" -eq 1 ] && ok || bad "$verb does not say that its target has ended"
done

# ---- four threads at full speed: each row is consistent, and then its sums hold, or marked
target busy
reads=${MATRIX_READS:-1000}
: >all.csv
for i in $(seq "$reads"); do
	timeout 20 "$slabstat" --format=csv "$pid" >>all.csv 2>err ||
		{ bad "busy, read $i: $? $(cat err)"; break; }
done
awk -F, '
	/^name,|,name,/ { for (i = 1; i <= NF; i++) at[$i] = i; heads++; next }
	{ rows++ }
	$at["consistent"] != "true" && $at["consistent"] != "1" { marked++; next }
	{
		sum = $at["objects_live"] + $at["objects_cached"] + $at["objects_free"]
		wrong += sum != $at["objects_capacity"]
		wrong += $at["allocs"] - $at["frees"] != $at["objects_live"]
	}
	END {
		if (heads != want || rows != 24 * want || wrong || marked == rows)
			printf "%d reads, %d rows, %d marked, %d wrong\n", heads, rows,
				marked, wrong
	}' want="$reads" all.csv >out
[ ! -s out ] && ok || bad "busy: $(cat out)"

# ---- cores cut at many lengths: what is missing is said, never taken for zero
if can_dump; then
	target
	abort_into whole
	agrees "a whole core" whole own
	"$slabstat" map whole --all >whole.map
	bytes=$(stat -c %s whole) cuts=${MATRIX_CUTS:-40}
	for i in $(seq "$cuts"); do
		head -c $((bytes * i / (cuts + 1))) whole >cut
		for verb in table verify map leaks users; do
			timeout 60 "$slabstat" "$verb" cut >out 2>&1
			case $? in
			5 | 6 | 7) continue ;;
			esac
			bad "$verb of a core cut at $i/$((cuts + 1)): no fault: $(tail -n 2 out)"
		done
		"$slabstat" map cut --all 2>/dev/null | grep -E '^ +0x' | grep -v 'not be read' |
			sort >rows
		grep -E '^ +0x' whole.map | sort | comm -13 - rows >wrong
		[ ! -s wrong ] || { bad "cut at $i: slabs that are none:"; head -n 3 wrong; }
	done
	ok
	# a slab that the program keeps out of its cores
	target undumped
	abort_into undumped
	agrees "a core without a slab" undumped own
	says 7 '[1-9][0-9]* slabs? not in core' map undumped
	says 7 '[1-9][0-9]* slabs? not in core' verify undumped
	says 7 '[1-9][0-9]* slabs? not in core' leaks undumped
else
	left_out "cut cores, no core file can be had here"
fi

# ---- who may not read, and why
if grep -qx 'Name:.kthreadd' /proc/2/status 2>/dev/null; then
	says 5 'thread of the kernel' 2
else
	left_out "a thread of the kernel, there is none in this namespace"
fi
sleep 0.01 &
zombie=$!
sh -c 'sleep 0.01 & exec sleep 3' &
parent=$!
sleep 0.3
zombie=$(cat "/proc/$parent/task/$parent/children" 2>/dev/null)
says 3 'zombie' "${zombie% }"
kill "$parent" 2>/dev/null

if [ "$(id -u)" -ne 0 ] || ! command -v setpriv >/dev/null; then
	left_out "refusals, which need root and setpriv to be brought about"
	finish
fi
user() { setpriv --reuid="$1" --regid="$1" --clear-groups "${@:2}"; }
as=(setpriv --reuid=1 --regid=1 --clear-groups)
target
says 0 '\([1-9][0-9]* of other users, [0-9]+ protected\): run slabstat as root\.'
! grep -q ' target$' out && ok || bad "what a user may not read is in the list: $(cat out)"
says 0 '"other_user": [1-9]' --json
says 4 'belongs to user 0 and you are 1' "$pid"
chmod 600 whole 2>/dev/null && says 4 'may not be read: check its permissions' whole
start setpriv --reuid=1 --regid=1 --clear-groups ./target dumpless || bad "$(cat start.err)"
says 4 'is not dumpable' "$pid"
as=()
says 0 'cache-7' "$pid" # root may
as=(setpriv --reuid=1 --regid=1 --clear-groups)
start setpriv --ruid=1 --euid=2 --regid=1 --clear-groups ./target rest || bad "$(cat start.err)"
says 4 'was started by you but runs with the rights of user 2' "$pid"
start setpriv --reuid=1 --regid=2 --clear-groups ./target rest || bad "$(cat start.err)"
says 4 'runs with group 2 and you with 1' "$pid"
if start setpriv --reuid=1 --regid=1 --clear-groups --inh-caps=+net_raw --ambient-caps=+net_raw \
	./target rest; then
	says 4 'holds capabilities that you lack' "$pid"
else
	left_out "a target with capabilities: $(cat start.err)"
fi
target
as=(setpriv --bounding-set=-sys_ptrace --inh-caps=-sys_ptrace)
says 4 'root but without CAP_SYS_PTRACE' "$pid"
start setpriv --reuid=1 --regid=1 --clear-groups ./target rest || bad "$(cat start.err)"
as=(setpriv --reuid=1 --regid=1 --clear-groups)
says 0 'cache-7' "$pid"
as=(setpriv --reuid=1 --regid=1 --clear-groups ./denied)
says 4 'seccomp filter is at work' "$pid"

# Yama is in few kernels: its setting is a file here, and the refusal comes from the filter
if unshare --mount true 2>/dev/null; then
	for scope in 1 2 3; do
		as=(unshare --mount sh -c 'mount -t tmpfs none /proc/sys/kernel &&
			mkdir /proc/sys/kernel/yama &&
			echo '$scope' >/proc/sys/kernel/yama/ptrace_scope &&
			exec setpriv --reuid=1 --regid=1 --clear-groups ./denied "$@"' sh)
		says 4 "Yama \(kernel.yama.ptrace_scope is $scope\)" "$pid"
	done
	as=(unshare --mount sh -c 'mount -t proc -o hidepid=2 none /proc &&
		exec setpriv --reuid=2 --regid=2 --clear-groups "$@"' sh)
	says 4 'exists but /proc hides it' "$pid"
	says 0 '^/proc hides processes of other users \(it is mounted with hidepid\): run'
	says 0 '"hidden": true' --json
	as=(unshare --mount sh -c 'mount -t proc -o hidepid=2,gid=3 none /proc && exec "$@"' sh)
	says 0 '"hidden": false' --json # root sees all, and so does the group
	as+=(setpriv --reuid=2 --regid=3 --clear-groups)
	says 0 '"hidden": false' --json
	! grep -q '"other_user": 0' out && ok || bad "the group of gid= sees none: $(cat out)"
	as=(unshare --mount sh -c 'mount -t tmpfs none /proc && exec "$@"' sh)
	says 4 '/proc is not mounted' "$pid"
	says 4 '/proc is not mounted'
	says 4 '/proc is not mounted' --json
else
	left_out "Yama and hidepid, unshare is not permitted here"
fi
as=()
finish
