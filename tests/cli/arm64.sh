#!/usr/bin/env bash
# The kernels of arm64 on another machine: common/linear and its unit tests, compiled for arm64 and run under qemu-user on
# a CPU with BFMMLA, USMMLA and SDOT, the loops on one without. tests/support/arm64 stands in for cmocka and
# OpenBLAS, so that no library of arm64 is needed but the C library. The whole program: jobs/README.md.
source "$TESTS/cli/lib.sh"
root=$TESTS/..
qemu=$(command -v qemu-aarch64 || command -v qemu-aarch64-static) || {
    echo 'skipped: qemu-user is not installed'
    exit 77
}
echo 'int main(void) { return 0; }' >none.c
cc=
for try in "clang --target=aarch64-linux-gnu -fuse-ld=lld" aarch64-linux-gnu-gcc gcc; do
    # shellcheck disable=SC2086
    if $try -static -o none none.c -lm 2>/dev/null && "$qemu" ./none 2>/dev/null; then
        cc=$try
        break
    fi
done
[ -n "$cc" ] || {
    echo 'skipped: no compiler makes programs for arm64 (lld, libgcc-12-dev-arm64-cross and libc6-dev-arm64-cross are needed)'
    exit 77
}
export cc root

# What common/CMakeLists.txt builds, and how. -O1: the kernels are written out, and compiling takes longest here.
compile() { # OBJECT SOURCE FLAGS...
    local object=$1 source=$2
    shift 2
    # shellcheck disable=SC2086
    $cc -std=c17 -O1 -D_GNU_SOURCE -I"$root" -I"$root/tests" -I"$root/tests/support/arm64" -ffp-contract=off -Wall -Wextra -Werror \
        -Wno-unused-command-line-argument -DNEGBANK_BFMMLA -DNEGBANK_SDOT -DNEGBANK_USMMLA "$@" -c -o "$object.o" "$root/$source"
}
export -f compile
{
    for file in linear/{blas,engine_bf16,engine_fp32,engine_panels,engine_int8,engine_table} linear/cpu/{cpu,cpu_arm64} \
        linear/exact/{exact,exact_sum} linear/int8/{int8,int8_plain,int8_vnni,int8_amx_emulated} linear/simd/instruction_set \
        linear/reference/{half,kernels,kernels_backward} linear/tiles/{tiles,tiles_amx_emulated,tiles_avx512bf16_emulated} \
        linear/tiles/tiles_bfmmla_emulated base/{random,status}; do
        echo "compile ${file##*/} common/$file.c"
    done
    for family in vector window_loops affinity gradient weight_panels exact_products; do
        echo "compile ${family}_plain common/linear/simd/$family.c -DNB_INSTRUCTION_SET=plain"
        contract=fast
        case $family in weight_panels | exact_products) contract=off ;; esac
        echo "compile ${family}_neon common/linear/simd/$family.c -DNB_INSTRUCTION_SET=neon -ffp-contract=$contract"
    done
    echo 'compile tiles_bfmmla common/linear/tiles/tiles_bfmmla.c -march=armv8.2-a+bf16'
    echo 'compile int8_sdot common/linear/int8/int8_sdot.c -march=armv8.2-a+dotprod'
    echo 'compile int8_usmmla common/linear/int8/int8_usmmla.c -march=armv8.2-a+i8mm'
    for test in engine int8 vector affinity gradient; do
        echo "compile test_$test tests/unit/common/linear/test_$test.c"
    done
} >jobs
case_ 'compiled for arm64'
xargs -P 2 -I{} bash -c '{}' <jobs >out 2>err || die 'it does not compile'
rm none*
mkdir tests
mv test_*.o tests
for test in tests/*.o; do
    # shellcheck disable=SC2086
    $cc -static -o "${test%.o}" "$test" ./*.o -lm >out 2>err || die "$test is not linked"
done

case_ 'bf16 by BFMMLA'
run 0 "$qemu" -cpu max tests/test_engine BFMMLA
prints '0 of 3700 elements differ between BFMMLA and its emulation'

case_ 'int8 by USMMLA and by SDOT'
run 0 "$qemu" -cpu max tests/test_int8
prints 'by 4 tables, the last of them USMMLA'

case_ 'the loops of our own'
for test in vector affinity gradient; do
    run 0 "$qemu" -cpu cortex-a72 tests/test_$test
done
finish
