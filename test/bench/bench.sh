#!/bin/bash
# bench.sh - build the benchmark with every allocator that can be had, and run it: `make bench`
#
# Environment: BUILD (build), CC, CXX, VERSION; REPS (5), ROWS, SIZES, SCALE (1) choose what is
# run; PEERS (names, all) and PEER_LIBS="name=path.so ..." choose against what.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=${BUILD:-build}
export BUILD=$build CC=${CC:-cc} CXX=${CXX:-c++}
peers=${PEERS-glibc mimalloc jemalloc tcmalloc gslice boost limit}
missing=" "

# name and package of each peer that Debian has
packages="mimalloc=libmimalloc2.0 jemalloc=libjemalloc2 tcmalloc=libtcmalloc-minimal4
	gslice=libglib2.0-dev boost=libboost-dev"
wanted=()
for pair in $packages; do
	case " $peers " in *" ${pair%%=*} "*) wanted+=("${pair#*=}") ;; esac
done
if [ ${#wanted[@]} -gt 0 ] && ! scripts/need.sh "${wanted[@]}"; then
	for pair in $packages; do
		case " $peers " in
		*" ${pair%%=*} "*) scripts/need.sh "${pair#*=}" >/dev/null 2>&1 ||
			missing+="${pair%%=*} " ;;
		esac
	done
fi

have=()
for peer in $peers; do
	case $missing in *" $peer "*) ;; *) have+=("$peer") ;; esac
done
commit=$(git describe --always --dirty 2>/dev/null)
make --no-print-directory -f test/bench/bench.mk -j"$(nproc)" \
	VERSION="${VERSION:-?}${commit:+ ($commit)}" \
	PEERS="slab slab-call slab-lto ${have[*]}" || exit 1

out=$build/bench
specs=("subject slab $out/bench-slab")
for peer in $peers; do
	kind=peer
	case $peer in boost | limit) kind=bound ;; esac
	case $missing in
	*" $peer "*)
		package=$(sed -n "s/.*$peer=\([^ ]*\).*/\1/p" <<<"${packages//$'\n'/ }")
		specs+=("missing $peer $package")
		continue
		;;
	esac
	specs+=("$kind $peer $out/bench-$peer")
	# told to give memory back at once; the names of two versions of mimalloc
	case $peer in
	mimalloc) specs+=("eager mimalloc0 $out/bench-mimalloc MIMALLOC_PURGE_DELAY=0 `
		`MIMALLOC_DECOMMIT_DELAY=0 MIMALLOC_SEGMENT_DECOMMIT_DELAY=0") ;;
	jemalloc) specs+=("eager jemalloc0 $out/bench-jemalloc `
		`MALLOC_CONF=dirty_decay_ms:0,muzzy_decay_ms:0") ;;
	esac
done
for peer in ${PEER_LIBS:-}; do
	specs+=("peer ${peer%%=*} $out/bench-glibc LD_PRELOAD=$(realpath "${peer#*=}")")
done
# huge pages, at once after memory was warmed and when the host had 5 seconds to take it back
specs+=("option slab-huge $out/bench-slab BENCH_HUGEPAGES=1"
	"option slab-rest $out/bench-slab BENCH_REST_SECONDS=5"
	"option huge-rest $out/bench-slab BENCH_HUGEPAGES=1 BENCH_REST_SECONDS=5")
specs+=("variant slab-call $out/bench-slab-call" "variant slab-lto $out/bench-slab-lto")

command="make bench${REPS:+ REPS=$REPS}${ROWS:+ ROWS=\"$ROWS\"}${SIZES:+ SIZES=\"$SIZES\"}"
# the library must find neither settings of its own nor a malloc to serve it
unset SLAB_DEBUG LD_PRELOAD MALLOC_CONF
exec "$out/run" --out="$build" --reps="${REPS:-5}" --rows="${ROWS:-}" --scale="${SCALE:-1}" \
	--sizes="${SIZES:-16 64 256 1024}" --command="$command" "${specs[@]}"
