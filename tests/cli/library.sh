#!/usr/bin/env bash
# The C library as others get it: installed, found by pkg-config and by CMake, called from C in threads and from Python;
# its scores beside the program's.
. "$TESTS/cli/world.bash" || exit 1
BUILD=$TOOLS/..
if nm "$BUILD/libnegbank.so" | grep -q __asan; then
    echo 'skipped: a library with sanitizers loads into programs with sanitizers only'
    exit 77
fi
export OPENBLAS_NUM_THREADS=1
make_stores
# the program chooses kernels where OpenBLAS does not know the CPU; a library cannot, and other kernels round otherwise
OPENBLAS_CORETYPE=$("${NB[@]}" inspect info i.nbe --json | sed -n 's/.*"kernels": "OpenBLAS \([^,]*\),.*/\1/p' | head -1)
export OPENBLAS_CORETYPE
[ -n "$OPENBLAS_CORETYPE" ] || die 'the store does not name the kernels'

case_ 'what is installed'
run 0 cmake --install "$BUILD" --prefix "$T/prefix"
lib=$(dirname "$(find "$T/prefix" -name libnegbank.so)")
present prefix/include/negbank.h "$lib/pkgconfig/negbank.pc" "$lib/cmake/negbank/negbankConfig.cmake" \
    "$lib/cmake/negbank/negbankConfigVersion.cmake"
soname=$(readelf -d "$lib/libnegbank.so" | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')
number() { sed -n "s/^#define NEGBANK_VERSION_$1 //p" prefix/include/negbank.h; }
version=$(number MAJOR).$(number MINOR).$(number PATCH)
promise=$(number MAJOR)
[ "$promise" != 0 ] || promise=0.$(number MINOR)
[ "$version" = "$("$NEGBANK" --version | sed 's/^negbank \([0-9.]*\).*/\1/')" ] || die "the header is of version '$version'"
[ "$soname" = "libnegbank.so.$promise" ] || die "the soname is '$soname'"
[ -e "$lib/$soname" ] || die "no '$soname' is there"

case_ 'nothing but the public functions is visible, each with a version'
nm -D --defined-only "$lib/libnegbank.so" | awk '$2 != "A" { print $3 }' | sort >visible
grep -v '^negbank_[a-z_]*@@NEGBANK_0\.[13]$' visible && die 'other symbols are visible'
sed -n 's/^NEGBANK_API .*[ *]\(negbank_[a-z_]*\)(.*/\1/p' prefix/include/negbank.h | sort >declared
sed 's/@@.*//' visible | sort >names
same names declared
sed -n 's/@@NEGBANK_0\.3$//p' visible >since
printf 'negbank_%s\n' hint info scorer_corpus scorer_result_size store_class store_class_count store_close store_count \
    store_element_bytes store_floats store_labels store_name store_open store_provenance store_rows store_tag store_width \
    store_write stream_restore stream_save >since-0.3
same since since-0.3
nm -D --undefined-only "$lib/libnegbank.so" | grep ' MPI_' && die 'the library calls MPI'
ldd "$lib/libnegbank.so" | grep -E 'libmpi|libhdf5_(openmpi|mpich)' && die 'the library loads MPI'

case_ 'the header alone, in C and in C++'
echo '#include <negbank.h>' >alone.c
run 0 cc -std=c99 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -Iprefix/include alone.c
if command -v c++ >/dev/null; then
    run 0 c++ -x c++ -Wall -Wextra -Werror -fsyntax-only -Iprefix/include alone.c
fi

case_ 'built by pkg-config'
export PKG_CONFIG_PATH=$lib/pkgconfig LD_LIBRARY_PATH=$lib
# shellcheck disable=SC2046
run 0 cc -std=c11 -Wall -Wextra -Werror "$TESTS/library/example.c" -o by-pkg-config $(pkg-config --cflags --libs negbank) \
    -pthread -Wl,--export-dynamic
examples=$TESTS/../scoring/examples
mkdir examples
for source in "$examples"/*.c; do
    # shellcheck disable=SC2046
    run 0 cc -std=c11 -Wall -Wextra -Werror "$source" -o "examples/$(basename "$source" .c)" \
        $(pkg-config --cflags --libs negbank) -pthread
done

case_ 'built by CMake'
run 0 cmake -G Ninja -S "$examples" -B by-cmake -DCMAKE_PREFIX_PATH="$T/prefix"
run 0 cmake --build by-cmake
run 1 cmake -G Ninja -S "$examples" -B not-found -DCMAKE_PREFIX_PATH="$T/nowhere"

case_ 'the scores of the program'
done_ store export -q i.nbe --embeddings i.npy
for score in neglabel nested mcm max-logit energy dnm adaneg interneg oodd tins; do
    done_ score -q --bank b.nbank --images i.nbe --score "$score" --batch 32 -o "$score.tsv"
    grep -v '^#' "$score.tsv" | tail -n +2 | cut -f 3-5 >want
    run 0 ./by-pkg-config b.nbank i.npy "$score"
    same out want
    case $score in
    adaneg | interneg)
        grep -v '^#' "$score.tsv" | tail -n +2 | cut -f 1,3-5 >want
        run 0 by-cmake/image_stream b.nbank i.nbe "$score"
        same out want
        ;;
    esac
done
case_ 'the examples'
done_ score -q --bank b.nbank --images i.nbe -o suggested.tsv
grep -v '^#' suggested.tsv | tail -n +2 | cut -f 1,3-5 >want
for program in {examples,by-cmake}/{image_set,image_threads}; do
    run 0 "$program" b.nbank i.nbe
    same out want
done
run 0 examples/image_stream b.nbank i.nbe adaneg groups=2,beta=5
run 2 examples/image_stream b.nbank i.nbe adaneg betta=5
says "'betta' is no parameter"
run 2 examples/image_set
run 3 examples/image_set i.nbe b.nbank
run 3 examples/image_threads b.nbank c.nbc
run 0 "$TOOLS/add_proxies" b.nbank p.nbank
for class in text both; do
    done_ score -q --force --bank p.nbank --images i.nbe --score debiased --class $class -o debiased.tsv
    grep -v '^#' debiased.tsv | tail -n +2 | cut -f 3-5 >want
    run 0 ./by-pkg-config p.nbank i.npy debiased class=$class
    same out want
done
done_ score -q --bank b.nbank --images i.nbe --score adaneg --groups 2 --proxies task --seed 3 -o parameters.tsv
grep -v '^#' parameters.tsv | tail -n +2 | cut -f 3-5 >want
run 0 ./by-pkg-config b.nbank i.npy adaneg groups=2,proxies=task,seed=3
same out want
case_ 'what is refused'
run 3 ./by-pkg-config nowhere.nbank i.npy
says nowhere.nbank
head -c 1000 b.nbank >short.nbank
run 3 ./by-pkg-config short.nbank i.npy
cp b.nbank flipped.nbank
flip flipped.nbank 5000
run 7 ./by-pkg-config flipped.nbank i.npy
run 2 ./by-pkg-config b.nbank i.npy best
says "'best' is none of the scores"
run 2 ./by-pkg-config b.nbank i.npy debiased
says 'the bank has no proxies, which the score debiased needs (mine it again with --criterion debiased'
run 2 ./by-pkg-config b.nbank i.npy neglabel groups
says "'groups' is not name=value"
run 2 ./by-pkg-config b.nbank i.npy neglabel groups=0
says "groups: '0' is no number within"
run 2 ./by-pkg-config b.nbank i.npy neglabel grops=1
says "'grops' is no parameter"
run 2 ./by-pkg-config b.nbank i.npy mcm groups=1
says "does not use 'groups'"
run 2 ./by-pkg-config b.nbank i.npy neglabel groups=100000
says 'cannot be cut from'
head -c $(($(bytes_of i.npy) - 4)) i.npy >nan.npy
printf '\0\0\300\177' >>nan.npy
run 6 ./by-pkg-config b.nbank nan.npy
says 'cannot be normalised'
run 6 ./by-pkg-config b.nbank nan.npy adaneg

case_ "beside the host's own HDF5, which stays as the host has it"
# damaged behind a seal that is right, so that it is HDF5's part that is refused
cp b.nbank unlike.nbank
poke unlike.nbank 520 '\377\377\377\377'
run 0 "$TOOLS/reseal" unlike.nbank
run 3 ./by-pkg-config unlike.nbank i.npy
says 'not stored as negbank stores it'
run 0 "$TOOLS/beside_hdf5" b.nbank unlike.nbank
[ ! -s out ] || die 'HDF5 is not as it was'
[ ! -s err ] || die 'something is printed'

case_ 'from Python'
if command -v python3 >/dev/null; then
    done_ score -q --force --bank b.nbank --images i.nbe -o suggested.tsv
    grep -v '^#' suggested.tsv | tail -n +2 | cut -f 3-5 >want
    run 0 python3 "$TESTS/library/example.py" "$lib/libnegbank.so" b.nbank i.npy
    same out want
    case_ 'results of another size than this version has'
    member='("accepted", c.c_int32)'
    sed "s/$member/&, (\"later\", c.c_double * 5)/; s/^for r in results:/&\n    assert list(r.later) == [0] * 5/" \
        "$TESTS/library/example.py" >later.py
    run 0 python3 later.py "$lib/libnegbank.so" b.nbank i.npy
    same out want
    sed 's/, ("label".*\]$/]/; s/%d.t//; s/r.label, //' "$TESTS/library/example.py" >short.py
    run 1 python3 short.py "$lib/libnegbank.so" b.nbank i.npy
    says '2: a result has at least 24 bytes, not'
    cat >stream.py <<'PY'
import ctypes as c, struct, sys
lib = c.CDLL(sys.argv[1])
lib.negbank_width.argtypes, lib.negbank_width.restype = [c.c_void_p], c.c_size_t
bank, scorer = c.c_void_p(), c.c_void_p()
assert not lib.negbank_open(c.byref(bank), b"b.nbank", None, c.c_size_t(0))
assert not lib.negbank_scorer_create(c.byref(scorer), bank, b"adaneg", None, None, c.c_size_t(0))
data = open("i.npy", "rb").read()
data = data[10 + struct.unpack_from("<H", data, 8)[0]:]
count = len(data) // (4 * lib.negbank_width(bank))
def push(stride):
    stream, results = c.c_void_p(), c.create_string_buffer(b"\xff" * (count * 100), count * 100)
    assert not lib.negbank_scorer_result_size(scorer, c.c_size_t(stride), None, c.c_size_t(0))
    assert not lib.negbank_stream_create(c.byref(stream), scorer, None, c.c_size_t(0))
    code = lib.negbank_stream_push(stream, data, c.c_size_t(count), results, None, c.c_size_t(0))
    lib.negbank_stream_destroy(stream)
    return code, [results.raw[i * stride:(i + 1) * stride] for i in range(count)], results.raw[count * stride:]
code, plain, rest = push(24)
wide_code, wide, _ = push(64)
assert code == wide_code == 0 and len(set(plain)) > 1 and set(rest) == {255}
assert wide == [p + bytes(40) for p in plain]
assert lib.negbank_scorer_result_size(scorer, c.c_size_t(23), None, c.c_size_t(0)) == 2
PY
    run 0 python3 stream.py "$lib/libnegbank.so"
fi
finish
