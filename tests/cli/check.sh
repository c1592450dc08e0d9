#!/usr/bin/env bash
# negbank check: what it says of a checkpoint, as text and as JSON, and its exit codes.
. "$TESTS/cli/world.bash" || exit 1

check=("${NB[@]}" check --model)

case_ 'a checkpoint of no known shape'
run 0 "${check[@]}" w/model
prints 'hugging face names, 78 tensors in 1 file: 78 F32'
prints 'width 64, 2 layers, 4 heads, mlp 256, quick_gelu, context 32, vocabulary 1014'
prints 'no known answers for this shape'
prints 'sanity         passed'
prints 'texts/s'
[ ! -s "$T/err" ] || die 'something is on standard error'
digest=$(sed -n 's/^digest *//p' "$T/out")

case_ 'as JSON'
run 0 "${check[@]}" w/model --json
prints "\"digest\": \"$digest\""
prints '"verdict": "none"'
prints '"names": "hugging face"'

case_ 'known answers are required'
run 7 "${check[@]}" w/model --require-known-answers
says 'no known answers for a checkpoint of this shape'

case_ 'weights beside it that are not read'
model m
cp m/model.safetensors m/open_clip_model.safetensors
run 0 "${check[@]}" m
prints "$digest"

case_ 'a logit scale that is none'
model m
data=$(($(od -An -tu8 -N 8 m/model.safetensors) + 8))
poke m/model.safetensors "$data" '\000\000\300\100' # 6
refused 6 - check --model m
says 'logit_scale is 6'

case_ 'weights of zeros'
model m
head -c "$(($(bytes_of m/model.safetensors) - data - 4))" /dev/zero |
    dd of=m/model.safetensors bs=1M oflag=seek_bytes seek=$((data + 4)) conv=notrunc status=none
refused 6 - check --model m
says 'norm 0'

case_ 'shards outside the folder'
model m
mv m/model.safetensors elsewhere.safetensors
echo '{"weight_map": {"logit_scale": "../elsewhere.safetensors"}}' >m/model.safetensors.index.json
refused 3 - check --model m
says_all m/model.safetensors.index.json "'../elsewhere.safetensors' of tensor 'logit_scale' is not a plain file name"

case_ 'another model'
model m
edit m/config.json '"model_type": "clip",' '"model_type": "blip",'
refused 3 - check --model m
says "model_type 'blip' is not 'clip'"

case_ 'no checkpoint'
refused 3 - check --model nowhere
refused 2 - check
says "'check' needs --model DIR, or --cpu"

case_ 'the CPU'
run 0 "${NB[@]}" check --cpu
prints 'fp32 products  OpenBLAS'
grep -Eq '^(engines)? +fp32 +--precision fp32' out || die 'fp32 is not among the engines'
[ "$(grep -c ', and auto$' out)" = 1 ] || die 'auto is not one of the engines'
family=$(sed -n 's/^family *\([a-z0-9-]*\):.*/\1/p' out)
run 0 "${NB[@]}" check --cpu --json
python3 -c 'import json; d = json.load(open("out")); assert d["family"] == d["found"] == "'"$family"'", d; assert [e for e in d["engines"] if e["precision"] == "auto"], d'
refused 2 - check --cpu --model w/model

case_ 'NEGBANK_CPU takes another family that the CPU runs, and no other'
NEGBANK_CPU=generic run 0 "${NB[@]}" check --cpu
prints 'family         generic'
prints "by NEGBANK_CPU; found: $family"
prints 'loops          plain'
NEGBANK_CPU=emulated-avx512bf16 run 0 "${NB[@]}" check --cpu
grep -Eq 'bf16 by emulated AVX512-BF16 +--precision bf16, and auto' out || die 'auto is not the emulation'
NEGBANK_CPU=emulated-bfmmla run 0 "${NB[@]}" check --cpu
grep -Eq 'bf16 by emulated BFMMLA +--precision bf16, and auto' out || die 'auto is not the emulation'
NEGBANK_CPU=vax refused 2 - check --cpu
says_all 'NEGBANK_CPU=vax: there is no such family' 'this CPU runs ' 'generic'
for name in $(sed -n 's/.*this CPU runs //p' err | tr -d ,); do
    grep -q "^|.*\`$name\`" "$TESTS/../jobs/README.md" || die "the page has no row of '$name'"
done
if ! grep -qw avx512_bf16 /proc/cpuinfo; then
    NEGBANK_CPU=zen4 refused 2 - check --cpu
    says 'NEGBANK_CPU=zen4: this CPU lacks instructions of that family'
elif ! grep -qw amx_bf16 /proc/cpuinfo; then
    NEGBANK_CPU=amx refused 2 - check --cpu
    says 'NEGBANK_CPU=amx: this CPU lacks instructions of that family'
fi
NEGBANK_CPU=generic run 0 "${NB[@]}" check --model w/model
[ "$(grep -c 'warning: NEGBANK_CPU=generic: engines and kernels are those of that family' err)" = 1 ] || die 'not told'
finish
