#!/usr/bin/env bash
# The inspecting commands against the reference tokens and crops.
source "$TESTS/cli/lib.sh"

for model in tiny-quickgelu tiny-gelu; do
    case_ "tokens of $model"
    # the texts were cut at the model's own number of tokens
    timeout 60 "$NEGBANK" inspect tokens --model "$GOLDEN/$model" --jsonl <"$GOLDEN/$model/texts.jsonl" >got ||
        die "inspect tokens failed"
    sed 's/.*"ids": \(\[[^]]*\]\).*/\1/' "$GOLDEN/$model/texts.jsonl" >want
    same got want
done

case_ "crops: through PNG and back, and those that are kept as pictures"
compared=0
while read -r name; do
    run 0 "$NEGBANK" inspect pixels -q --size 224 "$GOLDEN/images/$name" -o direct.npy --force
    run 0 "$NEGBANK" inspect pixels -q --size 224 "$GOLDEN/images/$name" -o crop.png --force
    run 0 "$NEGBANK" inspect pixels -q --size 224 crop.png -o got.npy --force
    same got.npy direct.npy
    if [ -e "$GOLDEN/images/expected/$name.png" ]; then
        run 0 "$NEGBANK" inspect pixels -q --size 224 "$GOLDEN/images/expected/$name.png" -o want.npy --force
        same got.npy want.npy
        compared=$((compared + 1))
    fi
done <"$GOLDEN/images/images.txt"
[ $compared = 26 ] || die "$compared crops were compared"

case_ "images that are none"
for name in empty.jpg flipped.png header_only.png text.jpg truncated.jpg truncated.png; do
    run 3 "$NEGBANK" inspect pixels --size 224 "$GOLDEN/images/bad/$name" -o bad.png
    says "$name"
    absent bad.png bad.png.partial
done
run 0 "$NEGBANK" inspect pixels --size 224 "$GOLDEN/images/bad/png_named.jpg" -o bad.png
finish
