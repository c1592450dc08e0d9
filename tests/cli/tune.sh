#!/usr/bin/env bash
# negbank tune: what it learns, what it refuses, full disks.
if [ -z "${NB_OWN_MOUNTS:-}" ] && unshare -rm true 2>/dev/null; then
    # mounts made here end with the test, whatever ends it
    NB_OWN_MOUNTS=1 exec unshare -rm bash "$0"
fi
source "$TESTS/cli/lib.sh"
run 0 "$NEGBANK" demo -q --random-weights -o world
base=("$NEGBANK" tune --model world/model --labels world/labels.txt)
tune=("${base[@]}" --images world/id-train.txt)

case_ "it learns the demo's ten classes"
run 0 "${tune[@]}" --eval-images world/id-test.txt --batch 32 --steps 80 --warmup 20 --lr 1e-3 --seed 1 -o tuned
says "ID accuracy"
awk -F'\t' 'END { exit !($NF > 0.4) }' tuned/tune.tsv || die "ID accuracy is $(tail -1 tuned/tune.tsv | cut -f11)"
run 0 "$NEGBANK" embed images -q --model tuned --labels-from list -o tuned.nbe world/id-test.txt
present tuned.run.json

case_ "lambda 0 and CMA differ; the list's order is an order"
run 0 "${tune[@]}" -q --batch 32 --steps 3 --warmup 0 --seed none -o a
run 0 "${tune[@]}" -q --batch 32 --steps 3 --warmup 0 --seed none --lambda 0 -o b
cmp -s a/model.safetensors b/model.safetensors && die "lambda changes nothing"
run 0 "${tune[@]}" -q --batch 32 --steps 3 --warmup 0 --seed 5 -o c
cmp -s a/model.safetensors c/model.safetensors && die "the seed changes nothing"

case_ "an output that exists"
run 2 "${tune[@]}" --batch 32 --steps 1 -o a
says "'a' exists"
run 0 "${tune[@]}" -q --batch 32 --steps 3 --warmup 0 --seed 5 --force -o a/
same a/model.safetensors c/model.safetensors
absent a.partial
echo text >file
run 2 "${tune[@]}" --batch 32 --steps 1 -o file
says "no folder"
run 4 "${tune[@]}" --batch 32 --steps 1 -o /proc/none/out

case_ "half-precision and open_clip checkpoints come out as Hugging Face's"
mkdir open half
for f in config.json vocab.json merges.txt preprocessor_config.json; do
    cp "$GOLDEN/tiny-quickgelu/$f" half/
    cp "$GOLDEN/tiny-quickgelu/$f" open/
done
weights=$GOLDEN/tiny-quickgelu/model.safetensors
run 0 "$TOOLS/make_weights" "$weights" model.f16.safetensors half/model.safetensors
run 0 "$TOOLS/make_weights" "$weights" open_clip_model.safetensors open/open_clip_model.safetensors
for model in half open; do
    run 0 "$NEGBANK" tune -q --model $model --images world/id-train.txt --labels world/labels.txt --batch 8 \
        --steps 1 -o "from-$model"
    run 0 "$NEGBANK" check -q --model "from-$model"
    grep -qa 'text_model.encoder.layers.0.self_attn.q_proj.weight' "from-$model/model.safetensors" ||
        die "no Hugging Face names"
done

case_ "options that do not fit"
run 2 "${tune[@]}" --batch 1000 --steps 1 -o x
says "larger than the data, 160 pairs"
run 2 "${tune[@]}" --batch 8 --epochs 2 --steps 3 -o x
says "choose one"
run 2 "${tune[@]}" --batch 8 --prompt 'no place' --steps 1 -o x
says "has no {}"
run 2 "${tune[@]}" --batch 8 --seed two --steps 1 -o x
says "neither a number nor 'none'"
run 2 "${tune[@]}" --batch 0 --steps 1 -o x

case_ "labels without images, images without labels"
sed 's/ [0-9]*$//' world/id-train.txt >world/bare.txt
run 3 "${base[@]}" --images world/bare.txt --batch 8 --steps 1 -o x
says "has no label"
sed '7s/ [0-9]*$/ 10/' world/id-train.txt >world/beyond.txt
run 3 "${base[@]}" --images world/beyond.txt --batch 8 --steps 1 -o x
says "has label 10, the label file has 10 labels"
: >world/empty.txt
run 3 "${base[@]}" --images world/empty.txt --batch 8 --steps 1 -o x
run 3 "${base[@]}" --images world/none.txt --batch 8 --steps 1 -o x
absent x

case_ "an image that cannot be decoded is left out and counted"
{
    cat world/id-train.txt
    echo "labels.txt.jpg 0"
} >world/damaged.txt
cp world/labels.txt world/labels.txt.jpg
run 0 "${base[@]}" --images world/damaged.txt --batch 8 --steps 1 -o damaged
says "1 training images could not be decoded"

case_ "from scratch: drawn weights, a vocabulary learned from the captions"
scratch=("$NEGBANK" tune -q --from-scratch world/model/config.json --images world/id-train.txt --labels world/labels.txt
    --batch 32 --warmup 0 --vocabulary 540)
run 0 "${scratch[@]}" --steps 2 -o new
run 0 "$NEGBANK" check -q --model new
echo 'a photo of a red circle' >text
run 0 "$NEGBANK" inspect tokens --model new <text
run 0 "${scratch[@]}" --steps 2 -o new2
same new/model.safetensors new2/model.safetensors
grep -q '"vocab_size": 540' new/config.json || die "the vocabulary has not the size asked for"
run 2 "${scratch[@]}" --model world/model --steps 2 -o x
says "one of them"
run 3 "${scratch[@]}" --from-scratch world/labels.txt --steps 2 -o x

case_ "a full disk while the state is saved: the one before stays"
mkdir disk
size=$(stat -c %s world/model/model.safetensors)
if mount -t tmpfs -o size=$((size * 5 / 1024))k none disk 2>/dev/null; then
    # one state (three times the weights) fits, a second one beside it does not
    run 4 "${tune[@]}" --batch 32 --steps 30 --warmup 0 --checkpoint-every 5 -o disk/out
    says "No space left"
    present disk/out.partial/state.safetensors
    absent disk/out.partial/state.safetensors.partial disk/out
    cp -r disk/out.partial final.partial
    umount disk
    run 0 "${tune[@]}" --batch 32 --steps 30 --warmup 0 --checkpoint-every 0 --resume -o final
    says "behind step 5"
    run 0 "${tune[@]}" --batch 32 --steps 30 --warmup 0 -o undisturbed
    same final/model.safetensors undisturbed/model.safetensors
else
    echo 'no full disk: mounting is not permitted here'
fi
finish
