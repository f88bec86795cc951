#!/bin/bash
# dlopen.sh - libslab.so loaded late, behind twenty libraries that fill the static thread-local
# storage; used from threads, closed while they live, then the process ends. What is in a library
# that is closed must not be called any more at a thread's end, nor may the load fail for want of
# static storage: the library needs eight bytes of it.
set -u
cd "$(dirname "$0")/.." || exit 1
so=$(realpath "${BUILD:-build}/libslab.so") || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cc=${CC:-cc}

cat >"$work/tls.c" <<'EOT'
static __thread char small[48] __attribute__((tls_model("initial-exec")));
static __thread char large[16384];
char *NAME(int i);
char *NAME(int i)
{
	large[i] = 1;
	return small + i;
}
EOT
cat >"$work/user.c" <<'EOT'
#define _GNU_SOURCE
#define SLAB_NO_INLINE
#include <dlfcn.h>
#include <pthread.h>
#include <slab.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *lib;
static struct slab_cache *cache;
static void *(*alloc)(struct slab_cache *);
static void (*release)(struct slab_cache *, void *);
static pthread_barrier_t barrier;

static void *find(const char *name)
{
	void *p = dlsym(lib, name);

	if (p == NULL) {
		fprintf(stderr, "%s\n", dlerror());
		exit(1);
	}
	return p;
}

static void use(void)
{
	void *objs[200];

	for (int i = 0; i < 200; i++) {
		objs[i] = alloc(cache);
		if (objs[i] == NULL)
			abort();
		memset(objs[i], i, 100);
	}
	for (int i = 0; i < 200; i++)
		release(cache, objs[i]);
}

static void *worker(void *arg)
{
	(void)arg;
	pthread_barrier_wait(&barrier); /* older than the library */
	pthread_barrier_wait(&barrier); /* it is loaded */
	use();
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier); /* it is closed, with objects parked here */
	return NULL;
}

int main(int argc, char **argv)
{
	struct slab_cache *(*create)(const char *, size_t, const struct slab_cache_args *, size_t);
	int (*stats)(const struct slab_cache *, struct slab_cache_stats *, size_t);
	struct slab_cache_stats st;
	pthread_t ids[8];

	for (int i = 2; i < argc; i++)
		if (dlopen(argv[i], RTLD_NOW) == NULL)
			fprintf(stderr, "a filler was not loaded: %s\n", dlerror());
	pthread_barrier_init(&barrier, NULL, 9);
	for (int i = 0; i < 8; i++)
		pthread_create(&ids[i], NULL, worker, NULL);
	pthread_barrier_wait(&barrier);
	lib = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
	if (lib == NULL) {
		fprintf(stderr, "%s\n", dlerror());
		return 1;
	}
	create = (struct slab_cache *(*)(const char *, size_t, const struct slab_cache_args *,
	                                 size_t))find("slab_cache_create_sized");
	alloc = (void *(*)(struct slab_cache *))find("slab_cache_alloc");
	release = (void (*)(struct slab_cache *, void *))find("slab_cache_free");
	stats = (int (*)(const struct slab_cache *, struct slab_cache_stats *, size_t))find(
	    "slab_cache_stats");
	cache = create("late", 100, NULL, 0);
	if (cache == NULL)
		return 1;
	pthread_barrier_wait(&barrier);
	use();
	pthread_barrier_wait(&barrier);
	if (stats(cache, &st, sizeof st) != 0 || st.allocs != 9 * 200 || st.frees != 9 * 200 ||
	    st.objects_live != 0)
		return 1;
	dlclose(lib);
	pthread_barrier_wait(&barrier);
	for (int i = 0; i < 8; i++)
		pthread_join(ids[i], NULL);
	lib = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL); /* it never left: the cache is there still */
	if (lib == NULL || stats(cache, &st, sizeof st) != 0 || st.objects_live != 0)
		return 1;
	use();
	dlclose(lib);
	puts("ok");
	return 0;
}
EOT

fillers=()
for i in $(seq 20); do
	"$cc" -shared -fPIC -O1 -DNAME="filler$i" -o "$work/filler$i.so" "$work/tls.c" || exit 1
	fillers+=("$work/filler$i.so")
done
"$cc" -std=c11 -O1 -pthread -Iinclude -o "$work/user" "$work/user.c" -ldl || exit 1
passed=0 failed=0

# A plugin with a library of its own is closed by a thread that has used it and ends then.
cat >"$work/plugin.c" <<'EOT'
#include <slab.h>
void use(void);
void use(void)
{
	static struct slab_cache *c;

	if (c == NULL)
		c = slab_cache_create("plugin", 40, NULL);
	slab_cache_free(c, slab_cache_alloc(c));
}
EOT
cat >"$work/closer.c" <<'EOT'
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
static void *lib;

static void *use_and_close(void *arg)
{
	void (*use)(void) = (void (*)(void))dlsym(lib, "use");

	if (use == NULL)
		return arg;
	use();
	dlclose(lib);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t id;
	void *end = argv;

	lib = argc > 1 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
	if (lib == NULL || pthread_create(&id, NULL, use_and_close, argv) != 0)
		return 1;
	pthread_join(id, &end);
	puts(end == NULL ? "ok" : "not found");
	return 0;
}
EOT
"$cc" -std=c11 -O1 -pthread -Iinclude -shared -fPIC -o "$work/plugin.so" "$work/plugin.c" \
	"${so%.so}.a" || exit 1
"$cc" -std=gnu11 -O1 -pthread -o "$work/closer" "$work/closer.c" -ldl || exit 1
said=$(timeout 60 "$work/closer" "$work/plugin.so" 2>&1)
if [ "$said" = ok ]; then
	passed=$((passed + 1))
else
	echo "a plugin that goes before its thread: $said"
	failed=$((failed + 1))
fi

for turn in none some all; do
	case $turn in
	none) some=() ;;
	some) some=("${fillers[@]:0:5}") ;;
	all) some=("${fillers[@]}") ;;
	esac
	said=$(timeout 60 "$work/user" "$so" ${some[@]+"${some[@]}"})
	if [ "$said" = ok ]; then
		passed=$((passed + 1))
	else
		echo "failed with ${#some[@]} other libraries"
		failed=$((failed + 1))
	fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
