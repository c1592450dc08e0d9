#!/usr/bin/env bash
# --precision and the kernels: what is said of slower ones, what is recorded, and what a store begun by another engine
# comes to. bf16 runs on emulated AMX, so everywhere.
. "$TESTS/cli/world.bash" || exit 1

embed=("${NB[@]}" embed text --model w/model --force -o t.nbe few.nbc)
engine() { "${NB[@]}" inspect info t.nbe --json | grep -o '"engine": "[^"]*"'; }
recorded() { [ "$(engine)" = "\"engine\": \"$1\"" ] || die "recorded is $(engine), not $1"; }
count() { [ "$(grep -c -- "$2" err)" = "$1" ] || die "'$2' is not said $1 time(s)"; }

case_ 'fp32 is the default'
run 0 "${embed[@]}"
recorded fp32
cp t.nbe default.nbe
run 0 "${embed[@]}" --precision fp32
same t.nbe default.nbe

case_ 'OpenBLAS has kernels for what this CPU can, though it be younger than OpenBLAS'
count 0 warning
if grep -qw avx2 /proc/cpuinfo; then
    "${NB[@]}" inspect info t.nbe --json | grep -Eq 'OpenBLAS (Haswell|Zen|Excavator|SkylakeX|Cooperlake|SapphireRapids)' ||
        die 'the kernels are of before AVX2'
fi

case_ 'the choice is for this CPU: what runs elsewhere does not inherit it, but does inherit the choice of a user'
cat >run.yaml <<C
corpus:
  inputs: few.nbc.txt
  output: again.nbc
C
echo pear >few.nbc.txt
printf '#!/bin/sh\necho "${OPENBLAS_CORETYPE:-none}" >seen\nexec "$@"\n' >launch
chmod +x launch
OPENBLAS_CORETYPE=Nehalem NEGBANK_KERNELS_CHOSEN=1 run 0 "${NB[@]}" run run.yaml --launcher ./launch
[ "$(cat seen)" = none ] || die "stages get $(cat seen)"
rm again.nbc
OPENBLAS_CORETYPE=Nehalem run 0 "${NB[@]}" run run.yaml --launcher ./launch
[ "$(cat seen)" = Nehalem ] || die "stages get $(cat seen)"

case_ 'no bf16 in hardware: bf16 falls back with a warning, auto with a word; both give what fp32 gives'
without=generic
! grep -qw avx2 /proc/cpuinfo || without=haswell
NEGBANK_CPU=$without run 0 "${embed[@]}"
cp t.nbe older.nbe
NEGBANK_CPU=$without run 0 "${embed[@]}" --precision bf16
count 1 'there is no bf16 engine here, fp32 is used'
same t.nbe older.nbe
NEGBANK_CPU=$without run 0 "${embed[@]}" --precision auto
says '--precision auto means fp32'
count 0 'no bf16 engine'
same t.nbe older.nbe

case_ 'NEGBANK_AMX=off: AVX512-BF16 where there is one, else fp32'
NEGBANK_AMX=off run 0 "${embed[@]}" --precision bf16
if grep -qw avx512_bf16 /proc/cpuinfo; then
    recorded 'bf16 by AVX512-BF16'
    cp t.nbe hardware.nbe
    NEGBANK_CPU=emulated-avx512bf16 run 0 "${embed[@]}" --precision bf16
    recorded 'bf16 by emulated AVX512-BF16'
    run 0 "${NB[@]}" store export hardware.nbe --force --embeddings hardware.npy
    run 0 "${NB[@]}" store export t.nbe --force --embeddings emulated.npy
    # AMD's hardware has not been compared with the manual's arithmetic
    ! grep -q GenuineIntel /proc/cpuinfo || same hardware.npy emulated.npy
else
    count 1 'warning: NEGBANK_AMX=off hides AMX: there is no bf16 engine here, fp32 is used'
    same t.nbe default.nbe
fi

case_ 'bf16: recorded, near fp32'
NEGBANK_AMX=emulate run 0 "${embed[@]}" --precision bf16
recorded 'bf16 by emulated AMX'
cp t.nbe bf16.nbe
NEGBANK_AMX=emulate run 0 "${embed[@]}" --precision auto
same t.nbe bf16.nbe
same_bytes t.nbe default.nbe && die 'bf16 gives the bytes of fp32'
run 0 "${NB[@]}" store export default.nbe --embeddings fp32.npy
run 0 "${NB[@]}" store export bf16.nbe --embeddings bf16.npy
same_bytes fp32.npy bf16.npy && die 'bf16 gives the rows of fp32'

case_ 'this CPU, whatever it has'
run 0 "${embed[@]}" --precision auto
if grep -q 'means fp32' err; then
    same t.nbe default.nbe
elif grep -qw amx_bf16 /proc/cpuinfo; then
    recorded 'bf16 by AMX'
else
    recorded 'bf16 by AVX512-BF16'
fi
"${NB[@]}" check --cpu | grep ', and auto$' | grep -q "$(engine | sed 's/.*: "\(.*\)"/\1/')" || die 'check --cpu says otherwise'

case_ 'images, mine, score and check take it too'
export NEGBANK_AMX=emulate
run 0 "${NB[@]}" embed images -q --precision bf16 --model w/model --labels-from list -o i.nbe w/id-train.txt
run 0 "${NB[@]}" mine -q --precision bf16 --criterion random --count 2 --texts bf16.nbe --labels w/labels.txt \
    --model w/model -o b.nbank
grep -q 'bf16 by emulated AMX' b.nbank.run.json || die 'the bank does not say how its labels were embedded'
run 0 "${NB[@]}" score -q --precision bf16 --bank b.nbank --model w/model --labels-from list -o s.tsv w/id-test.txt
grep -q '^# model [0-9a-f]*, bf16 by emulated AMX' s.tsv || die 'the scores do not say how images were embedded'
run 0 "${NB[@]}" check --model w/model --precision bf16
prints 'bf16 by emulated AMX'
prints 'sanity         passed'
unset NEGBANK_AMX

case_ 'a finished store of another engine'
run 3 "${NB[@]}" embed text --model w/model --resume -o bf16.nbe few.nbc
says_all "'bf16.nbe' was begun with engine bf16 by emulated AMX, this run has fp32" --precision
NEGBANK_AMX=emulate run 0 "${NB[@]}" embed text --model w/model --resume --precision bf16 -o bf16.nbe few.nbc
says 'nothing is left to do'

case_ 'a precision there is not'
run 2 "${embed[@]}" --precision fp8
says fp8

case_ 'OpenBLAS made slower'
for family in Haswell Nehalem; do
    OPENBLAS_CORETYPE=$family run 0 "${embed[@]}"
    grep -qw avx2 /proc/cpuinfo || continue
    if [ $family = Nehalem ] || grep -qw avx512bw /proc/cpuinfo; then
        count 1 "OPENBLAS_CORETYPE=$family has OpenBLAS use its $family kernels, this CPU has those of"
        count 1 'unset it'
        OPENBLAS_CORETYPE=$family run 0 "${NB[@]}" check --model w/model
        count 1 "OPENBLAS_CORETYPE=$family"
    fi
    "${NB[@]}" inspect info t.nbe --json | grep -q "OpenBLAS $family" || die "the record does not name $family"
done

case_ 'vectors made slower, or none of that name'
NEGBANK_VECTOR=plain run 0 "${embed[@]}"
if grep -qw avx2 /proc/cpuinfo; then
    count 1 'NEGBANK_VECTOR=plain has the small kernels use plain, this CPU has avx'
fi
NEGBANK_VECTOR=avx9 run 0 "${embed[@]}"
count 1 'NEGBANK_VECTOR=avx9 names no kernels that this CPU has'
finish
