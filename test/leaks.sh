#!/bin/bash
# leaks.sh - SLAB_DEBUG=L and L=CODE in whole programs: what is held at exit is told, the status is
# set, what stood in stdio's buffers arrives, functions given to atexit() run first, and a thread
# that waits in a read keeps nobody. Linked with libslab.a, libslab.so and statically. Nor does one
# wait for ever that loads libraries meanwhile, whose constructors create caches.
set -u
cd "$(dirname "$0")/.." || exit 1
build=$(realpath "${BUILD:-build}")
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cc=${CC:-cc}
passed=0 failed=0

cat >"$work/held.c" <<'EOT'
#include <pthread.h>
#include <slab.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct slab_cache *conns;
static int pipe_ends[2];

static void *read_for_ever(void *stream)
{
	getc(stream);
	return NULL;
}

static void free_late(void)
{
	static void *late;

	if (late == NULL) {
		late = slab_cache_alloc(conns);
		return;
	}
	slab_cache_free(conns, late); /* no leak: exit has only begun */
	printf("late\n");
}

int main(int argc, char **argv)
{
	pthread_t id;

	conns = slab_cache_create("conns", 100, NULL);
	free_late();
	atexit(free_late);
	for (int i = 1; i < argc; i++)
		slab_cache_alloc(conns);
	if (pipe(pipe_ends) == 0)
		pthread_create(&id, NULL, read_for_ever, fdopen(pipe_ends[0], "r"));
	usleep(10000);
	printf("buffered %s\n", argv[0] + strlen(argv[0]));
	return 3;
}
EOT

# try PROGRAM SETTING STATUS WORDS [ARG...]: exit status, standard output, words (or no word at all)
try() {
	local rc
	SLAB_DEBUG=$2 timeout 20 "$1" "${@:5}" >"$work/out" 2>"$work/err" </dev/null
	rc=$?
	if [ "$rc" -eq "$3" ] && [ "$(tr '\n' ' ' <"$work/out")" = "buffered  late " ] &&
		if [ -n "$4" ]; then grep -qF "$4" "$work/err"; else [ ! -s "$work/err" ]; fi; then
		passed=$((passed + 1))
		return
	fi
	echo "$(basename "$1") with SLAB_DEBUG=$2: exit status $rc, wanted $3 and \"$4\":"
	cat "$work/out" "$work/err"
	failed=$((failed + 1))
}

flags=(-std=gnu11 -O1 -g -pthread -Iinclude "$work/held.c")
"$cc" "${flags[@]}" -o "$work/archive" "$build/libslab.a" || exit 1
"$cc" "${flags[@]}" -o "$work/shared" -L"$build" -lslab -Wl,-rpath,"$build" || exit 1
"$cc" "${flags[@]}" -o "$work/static" -static "$build/libslab.a" || exit 1
for kind in archive shared static; do
	program=$work/$kind
	try "$program" L 3 "slab: at exit cache 'conns' holds 2 objects, 200 bytes" a b
	try "$program" L=23 23 "slab: at exit cache 'conns' holds 1 object, 100 bytes" a
	try "$program" L=23 3 ""
	try "$program" UL=23 23 "2 objects, 200 bytes, allocated by:" a b
	try "$program" "FZPU,conns;L=9" 9 "1 object, 100 bytes, allocated by:" a
	try "$program" L=0 3 "holds 1 object" a
	try "$program" "L=9;X" 9 "SLAB_DEBUG: 'X' in 'X' is no letter that is known" a
done

cat >"$work/plugin.c" <<'EOT'
#include <slab.h>
#include <unistd.h>

__attribute__((constructor)) static void load(void)
{
	usleep(2000); /* under the lock of the dynamic loader, which names of functions need */
	slab_cache_destroy(slab_cache_create("plugin", 40, NULL));
}
EOT
cat >"$work/loader.c" <<'EOT'
#include <dlfcn.h>
#include <pthread.h>
#include <slab.h>
#include <unistd.h>

static void *load_for_ever(void *path)
{
	for (;;) {
		void *lib = dlopen(path, RTLD_NOW | RTLD_LOCAL);

		if (lib != NULL)
			dlclose(lib);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	struct slab_cache *c = NULL;
	pthread_t id;

	for (int i = 0; i < 50; i++) {
		c = slab_cache_create("conns", 100, NULL);
		slab_cache_alloc(c);
	}
	if (argc > 1 && pthread_create(&id, NULL, load_for_ever, argv[1]) == 0)
		usleep(20000);
	for (int i = 0; argc > 2 && i < 100; i++) {
		void *obj = slab_cache_alloc(c);

		slab_cache_free(c, obj);
		slab_cache_free(c, obj); /* a report with names, and on it goes */
	}
	return 3;
}
EOT
"$cc" -O1 -Iinclude -shared -fPIC -o "$work/plugin.so" "$work/plugin.c" -L"$build" -lslab || exit 1
"$cc" -std=gnu11 -O1 -pthread -Iinclude -o "$work/loader" "$work/loader.c" -L"$build" -lslab \
	-Wl,-rpath,"$build" || exit 1

# load SETTING WORDS TIMES [ARG]: the words so often while a thread loads libraries; exit status 23
load() {
	local rc told
	LD_LIBRARY_PATH=$build SLAB_DEBUG=$1 timeout 20 "$work/loader" "$work/plugin.so" \
		"${@:4}" 2>"$work/err"
	rc=$?
	told=$(grep -c "$2" "$work/err")
	if [ "$rc" -eq 23 ] && [ "$told" -eq "$3" ]; then
		passed=$((passed + 1))
	else
		echo "SLAB_DEBUG=$1: exit status $rc, wanted 23; $told times '$2', wanted $3"
		failed=$((failed + 1))
	fi
}
load UL=23 "at exit cache 'conns' holds 1 object" 50
load FUrL=23 "slab: double free" 100 twice
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
