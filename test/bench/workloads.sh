# workloads.sh - real programs and what they are given to do; sourced by apps.sh and test/apps.sh
#
#   workload_inputs DIR SCALE   makes the inputs; SCALE 100 is what make bench-apps takes
#   workload_has NAME           whether its programs are installed; else prints which is not
#   workload_before NAME DIR    what is to be made anew before each run
#   workload_run NAME DIR CMD.. runs it, in DIR, by CMD.. before the program; result on stdout
#
# Each prints the same bytes in every run, whatever the allocator.

workloads="python python-malloc sqlite gcc git lua redis jq sort perl"
redis_port=${REDIS_PORT:-16379}

workload_has() {
	local program
	case $1 in
	python*) program=python3 ;;
	sqlite) program=sqlite3 ;;
	redis) program="redis-server redis-benchmark redis-cli" ;;
	*) program=$1 ;;
	esac
	for program in $program; do
		command -v "$program" >/dev/null || { echo "$program is not installed"; return 1; }
	done
}

python_input() {
	cat >"$1/work.py" <<-'EOT'
		import gc, hashlib, json, random, sys
		n = int(sys.argv[1])
		random.seed(7)
		rows = [{"id": i, "name": "name %d" % i, "value": i * 1.5, "text": "x" * (i % 200),
		         "tags": ["a%d" % (i % 97), "b%d" % (i % 31)]} for i in range(n)]
		text = json.dumps(rows)
		back = json.loads(text)
		assert back == rows
		print(hashlib.sha256(text.encode()).hexdigest())
		words = {}
		for i in range(6 * n):
		    key = "key-%d" % random.randrange(2 * n)
		    if i % 3 == 0:
		        words.pop(key, None)
		    else:
		        words[key] = [i, key * 2]
		print(len(words), sum(v[0] for v in words.values()))
		del rows, text, back, words
		gc.collect()
	EOT
}

sqlite_input() {
	cat >"$1/work.sql" <<-EOT
		create table t(id integer primary key, name text, v integer, note text);
		with recursive n(i) as (select 1 union all select i + 1 from n where i < $2)
		insert into t select i, 'name ' || (i * 7919 % 1000003), i * 31 % 1009,
		       substr('abcdefghijklmnopqrstuvwxyz', i % 20) from n;
		create index by_name on t(name);
		create index by_v on t(v);
		select count(*), sum(v), min(name), max(note) from t;
		select v, count(*), group_concat(id % 7, '') from t where id % 5 = 0 group by v
		       order by v limit 50;
		select a.id, b.name from t a join t b on b.name = 'name ' || (a.id % 5000)
		       where a.v = 17 order by a.id, b.name limit 2000;
		update t set note = note || v where id % 3 = 0;
		delete from t where id % 4 = 0;
		select count(*), sum(length(note)), total(v) from t;
	EOT
}

c_input() {
	awk -v n="$2" 'BEGIN {
		print "struct node { struct node *next; long key; double weight; };"
		for (i = 0; i < n; i++) {
			printf "static long step%d(struct node *p, long x)\n{\n", i
			printf "\tfor (long k = 0; k < x; k++) {\n"
			printf "\t\tif (p->key %% %d == k) { p->weight *= %d.5;", i % 13 + 2, i % 7
			printf " x ^= k << %d; }\n", i % 5
			printf "\t\telse if (p->next) p = p->next; else return x + %d;\n\t}\n", i
			printf "\tswitch (x & 7) { case %d: return p->key + x;\n", i % 5
			printf "\tcase 6: x += 3;\n"
			printf "\tdefault: return %s; }\n}\n\n",
				i ? "step" (i - 1) "(p, x / 2)" : "x"
		}
		printf "long run(struct node *p) { return step%d(p, 99); }\n", n - 1
	}' >"$1/work.c"
}

lua_input() {
	cat >"$1/work.lua" <<-'EOT'
		local n, seed = tonumber(arg[1]), 12345
		local function rnd(m)
		    seed = (seed * 1103515245 + 12345) % 2147483648
		    return seed % m
		end
		local t, total = {}, 0
		for i = 1, n do
		    local k = "k" .. rnd(n)
		    t[k] = { id = i, name = k .. ":" .. i, list = { i, i + 1, i + 2 } }
		    if i % 4 == 0 then t["k" .. rnd(n)] = nil end
		end
		for k, v in pairs(t) do total = total + v.id + #v.name + v.list[3] end
		print(total)
		local parts = {}
		for i = 1, n do parts[#parts + 1] = string.rep("x", rnd(64)) .. i end
		local s = table.concat(parts, ",")
		print(#s, select(2, s:gsub("x1", "")))
		t, parts, s = nil, nil, nil
		collectgarbage()
	EOT
}

json_input() {
	awk -v n="$2" 'BEGIN {
		printf "["
		for (i = 0; i < n; i++)
			printf "%s{\"id\":%d,\"name\":\"name %d\",\"tags\":[\"t%d\",\"u%d\"]," \
				"\"at\":{\"x\":%d.25,\"y\":-%d}}", i ? ",\n" : "", i,
				i * 7919 % 100003, i % 17, i % 291, i, i % 1000
		print "]"
	}' >"$1/work.json"
}

lines_input() {
	awk -v n="$2" 'BEGIN { x = 42
		for (i = 0; i < n; i++) {
			x = (x * 16807) % 2147483647
			printf "%d line %x %s\n", x, x * 3,
				substr("the quick brown fox jumps", x % 20)
		} }' >"$1/work.txt"
}

perl_input() {
	cat >"$1/work.pl" <<-'EOT'
		my ($n, %h, @a, $sum) = ($ARGV[0]);
		for my $i (1 .. $n) {
			my $k = "key" . ($i * 7919 % $n);
			$h{$k}{count} += $i;
			push @{$h{$k}{list}}, "v$i" x ($i % 5 + 1);
			delete $h{"key" . ($i * 31 % $n)} if $i % 3 == 0;
		}
		$sum += $h{$_}{count} + length(join ",", @{$h{$_}{list}}) for keys %h;
		@a = sort map { $_ . "-" . ($_ % 17) } 1 .. $n;
		print scalar(keys %h), " $sum $a[0] $a[-1]\n";
		undef %h; undef @a;
	EOT
}

git_input() {
	local i n=$2
	export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
	export GIT_AUTHOR_DATE='1700000000 +0000'
	export GIT_COMMITTER_DATE=$GIT_AUTHOR_DATE
	git init -q "$1/repo" || return 1
	find -L /usr/include -maxdepth 3 -name '*.h' -size -200k -readable 2>/dev/null | sort |
		head -n $((n * 14)) | tar -chf - -T - 2>/dev/null |
		tar -xf - -C "$1/repo" 2>/dev/null
	git -C "$1/repo" config gc.auto 0
	git -C "$1/repo" config pack.threads 2
	for i in 1 2 3 4 5 6; do
		find "$1/repo" -name '*.h' | sort | awk -v i="$i" 'NR % 6 == i - 1' |
			while IFS= read -r file; do echo "/* change $i */" >>"$file"; done
		git -C "$1/repo" add -A
		git -C "$1/repo" -c user.name=a -c user.email=a@b commit -qm "change $i" ||
			return 1
	done
}

workload_inputs() { # DIR SCALE
	mkdir -p "$1" || return 1
	python_input "$1"
	sqlite_input "$1" $((10000 * $2))
	c_input "$1" $((5 * $2))
	lua_input "$1"
	json_input "$1" $((5500 * $2))
	lines_input "$1" $((15000 * $2))
	perl_input "$1"
	[ -d "$1/repo" ] || ! command -v git >/dev/null || git_input "$1" "$2"
	echo "$2" >"$1/scale"
}

workload_before() { # NAME DIR
	case $1 in
	git) rm -rf "$2/copy" && cp -r "$2/repo" "$2/copy" ;;
	esac
}

redis_run() { # CMD..
	local i
	"$@" redis-server --port "$redis_port" --bind 127.0.0.1 --save '' --daemonize no \
		--loglevel warning --logfile '' >/dev/null 2>&1 &
	for ((i = 0; i < 100; i++)); do
		redis-cli -p "$redis_port" ping >/dev/null 2>&1 && break
		sleep 0.05
	done
	redis-benchmark -p "$redis_port" -q -n $((2000 * scale)) -P 16 -r 100000 -d 100 \
		-t set,get,incr,lpush,rpop,sadd,hset,mset >/dev/null 2>&1
	# one answer that depends on no random number
	redis-cli -p "$redis_port" eval "for i = 1, $((1000 * scale)) do
		redis.call('set', 'fixed:' .. i, string.rep('v', i % 700)) end
		local n = 0
		for i = 1, $((1000 * scale)) do n = n + #redis.call('get', 'fixed:' .. i) end
		return n" 0
	redis-cli -p "$redis_port" flushall
	redis-cli -p "$redis_port" shutdown nosave >/dev/null 2>&1
	wait
}

workload_run() { # NAME DIR CMD..
	local name=$1 scale python
	cd "$2" || return 1
	scale=$(cat scale)
	shift 2
	export PYTHONHASHSEED=0 LC_ALL=C
	# not a script that looks for it
	case $name in python*) python=$(python3 -c 'import sys; print(sys.executable)') ;; esac
	case $name in
	python) "$@" "$python" work.py $((800 * scale)) ;;
	python-malloc) "$@" env PYTHONMALLOC=malloc "$python" work.py $((800 * scale)) ;;
	sqlite) "$@" sqlite3 :memory: <work.sql ;;
	gcc) "$@" gcc -O2 -S -o work.s work.c && cat work.s ;;
	git) "$@" git -C copy gc --quiet --prune=now && git -C copy fsck 2>&1 &&
		git -C copy count-objects -v | grep -v size && git -C copy rev-parse HEAD ;;
	lua) "$@" lua work.lua $((6000 * scale)) ;;
	redis) redis_run "$@" ;;
	jq) "$@" jq -c 'map(select(.id % 3 == 0) | {id, n: .name, t: (.tags | length)}) |
		group_by(.t) | map(length)' work.json ;;
	sort) "$@" sort --parallel=2 -k3 work.txt | md5sum ;;
	perl) "$@" perl work.pl $((4000 * scale)) ;;
	esac
}
