#!/usr/bin/env bash
# The inspecting commands against the reference tokens and crops.
source "$TESTS/cli/lib.sh"
need_shared

case_ "tokens"
timeout 60 "$NEGBANK" inspect tokens --model "$SHARED/data/clip-bpe" --jsonl <"$SHARED/golden/tokenizer/cases.jsonl" >got ||
    die "inspect tokens failed"
sed 's/.*"ids": \(\[[^]]*\]\).*/\1/' "$SHARED/golden/tokenizer/cases.jsonl" >want
same got want

case_ "plain lines"
printf 'a photo of a cat.\n' | timeout 60 "$NEGBANK" inspect tokens --model "$SHARED/data/clip-bpe" >got
[ "$(cat got)" = "[49406, 320, 1125, 539, 320, 2368, 269, 49407]" ] || die "$(cat got)"

case_ "crops, through PNG and back"
while read -r name; do
    run 0 "$NEGBANK" inspect pixels -q --size 224 "$SHARED/golden/images/$name" -o crop.png --force
    run 0 "$NEGBANK" inspect pixels -q --size 224 crop.png -o got.npy --force
    run 0 "$NEGBANK" inspect pixels -q --size 224 "$SHARED/golden/images/expected/$name.png" -o want.npy --force
    same got.npy want.npy
done <"$SHARED/golden/images/images.txt"

case_ "images that are none"
for name in empty.jpg flipped.png header_only.png text.jpg truncated.jpg truncated.png; do
    run 3 "$NEGBANK" inspect pixels --size 224 "$SHARED/golden/images/bad/$name" -o bad.png
    says "$name"
    absent bad.png bad.png.partial
done
run 0 "$NEGBANK" inspect pixels --size 224 "$SHARED/golden/images/bad/png_named.jpg" -o bad.png
finish
