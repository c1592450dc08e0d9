#!/usr/bin/env bash
# The demo world's own CLIP: what it knows; and training one on captions in shards.
source "$TESTS/cli/lib.sh"

# figure NAME: a number of metrics.json, the first of that name.
figure() { grep -o "\"$1\": *[0-9.]*" metrics.json | head -1 | grep -o '[0-9.]*$'; }
# more A B: whether A > B.
more() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a > b) }'; }

case_ "the model is trained: it tells the classes apart, and mined labels find what is none of them"
run 0 "$NEGBANK" demo -q -o world
grep -q 'was trained' world/README.txt || die "README.txt does not say that the model was trained"
absent world/train.tar
run 0 "$NEGBANK" check -q --model world/model
run 0 "$NEGBANK" corpus -q --exclude world/labels.txt -o words.nbc world/corpus/*.txt
run 0 "$NEGBANK" embed text -q --model world/model -o words.nbe words.nbc
for set in id-test ood-near ood-far; do
    run 0 "$NEGBANK" embed images -q --model world/model --labels-from list -o $set.nbe world/$set.txt
done
run 0 "$NEGBANK" mine -q --criterion neglabel --texts words.nbe --labels world/labels.txt --model world/model \
    --count 300 -o demo.nbank
run 0 "$NEGBANK" eval -q --bank demo.nbank --id id-test.nbe --ood near=ood-near.nbe --ood far=ood-far.nbe -o metrics.json
more "$(figure id_accuracy)" 0.9 || die "ID accuracy is $(figure id_accuracy)"
more "$(figure auroc)" 0.7 || die "the AUROC is $(figure auroc)"

case_ "random weights on request"
run 0 "$NEGBANK" demo -q --random-weights -o random
grep -q 'RANDOM' random/README.txt || die "README.txt does not say that the weights are random"
cmp -s random/model/model.safetensors world/model/model.safetensors && die "the weights are the trained ones"

case_ "scripts refuse words they do not know, before they build or install anything"
for script in quickstart train-demo; do
    run 2 env NEGBANK_BUILD=/dev/null/none "$TESTS/../jobs/$script" --foo
    says "unknown option '--foo'"
done
run 2 "$TESTS/../jobs/packages" build foo
says 'jobs/packages build'

case_ "jobs/train-demo, for two steps; run again, nothing is left to do"
run 0 env STEPS=2 PICTURES=300 "$TESTS/../jobs/train-demo" new
says "2 steps of 256 pairs"
[ "$(tar -tf new/world/train.tar | grep -c '\.png$')" = 300 ] || die "train.tar has not 300 pictures"
tar -xOf new/world/train.tar --wildcards '*.txt' | grep -qE 'spiral|lightning|hourglass|static|clouds' &&
    die "a caption names what the training leaves out"
run 0 "$NEGBANK" check -q --model new/model
run 0 env STEPS=2 PICTURES=300 "$TESTS/../jobs/train-demo" new
says "nothing is left to do"

case_ "from scratch on captions, in half precision"
tune=("$NEGBANK" tune -q --images new/world/train.tar --batch 32 --warmup 0 --steps 2)
scratch=("${tune[@]}" --from-scratch world/model/config.json --vocabulary 700 --captions)
run 0 "${scratch[@]}" -o full
run 0 "${scratch[@]}" --store fp16 --labels world/labels.txt --eval-images world/id-test.txt -o half
run 0 "$NEGBANK" check -q --model half
[ "$(stat -c %s half/model.safetensors)" -lt $(($(stat -c %s full/model.safetensors) * 6 / 10)) ] ||
    die "half precision takes more than 0.6 of the bytes"
run 0 "$NEGBANK" tune -q --model half --images world/id-train.txt --labels world/labels.txt --batch 16 --steps 1 -o on
# shellcheck disable=SC2046
run 0 $(mpi 2) "${scratch[@]}" -o ranks
same full/model.safetensors ranks/model.safetensors

case_ "a compressed shard: the same, and a warning"
gzip -k new/world/train.tar
run 0 "$NEGBANK" tune -q --images new/world/train.tar.gz --batch 32 --warmup 0 --steps 2 --captions \
    --from-scratch world/model/config.json --vocabulary 700 --seed none -o packed
says "compressed shard"
run 0 "${scratch[@]}" --seed none -o plain
same packed/model.safetensors plain/model.safetensors

case_ "captions that are missing, labels that are missing"
run 3 "$NEGBANK" tune --model world/model --captions --images world/id-train.txt --batch 8 --steps 1 -o x
says "no image has one"
run 3 "${tune[@]}" --model world/model --captions --images world/id-train.txt -o x
says "has no label"
run 2 "${scratch[@]}" --eval-images world/id-test.txt -o x
says "--labels is missing"
run 2 "${tune[@]}" --model world/model -o x
says "--labels is missing"
run 2 "$NEGBANK" demo -q --scale 0 -o x
absent x
finish
