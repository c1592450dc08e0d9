#!/usr/bin/env bash
# --precision int8: the gate that measures it on one's own texts and images, what is recorded, and that its embeddings are
# not compared with others unaware.
. "$TESTS/cli/world.bash" || exit 1

head -20 w/id-test.txt >w/some.txt
head -400 w/corpus/noun.demo.txt >words.txt
check=("${NB[@]}" check --precision int8 --images w/some.txt)
texts=words.txt
engine() { "${NB[@]}" inspect info "$1" --json | grep -o '"engine": "[^"]*"'; }

case_ 'the gate measures, and passes'
run 0 "${check[@]}" --model w/model --texts $texts
prints 'accuracy       int8 beside fp32: passed (cosine at least 0.999, shared nearest at least 0.90)'
grep -q 'nearest texts 0\.9[0-9]* are the same' out || die 'no ranks are compared'
run 0 "${check[@]}" --model w/model --texts $texts --json
python3 - <<'P' || die 'the JSON does not hold what the text says'
import json
a = json.load(open("out"))["accuracy"]
assert a["passed"] is True and a["images"] == 20 and 300 < a["texts"] <= 400 and a["nearest"] == 10, a
assert 0.999 <= a["text_least"] < a["text_mean"] < 1 and 0.999 <= a["image_least"] < a["image_mean"] < 1, a
assert 0.9 <= a["shared"] < 1, a
P

case_ 'one channel far larger than all others: the other ones vanish in 8 bits, and the gate refuses'
cp -r w/model wide
python3 - wide/model.safetensors <<'P'
import json, struct, sys
with open(sys.argv[1], "r+b") as f:
    size = struct.unpack("<Q", f.read(8))[0]
    header = json.loads(f.read(size))
    name = next(k for k in sorted(header) if k.startswith("text_model") and k.endswith("layers.0.layer_norm1.weight"))
    assert header[name]["dtype"] == "F32", header[name]
    f.seek(8 + size + header[name]["data_offsets"][0])
    f.write(struct.pack("<f", 30))
P
run 7 "${check[@]}" --model wide --texts $texts
prints 'accuracy       int8 beside fp32: FAILED'
says_all 'int8 is too far from fp32 on these texts and images' 'embed them with --precision fp32'

case_ 'what the gate needs'
refused 2 - check --precision int8 --model w/model --texts $texts
says '--texts and --images go together'
refused 2 - check --model w/model --texts $texts --images w/some.txt
says '--precision fp32 is fp32 here'
head -5 $texts >few.txt
refused 3 - check --precision int8 --model w/model --texts few.txt --images w/some.txt
says "'few.txt' has 5 texts"
refused 3 - check --precision int8 --model w/model --texts $texts --images nowhere

case_ 'stores and banks record it; auto does not take it'
run 0 "${NB[@]}" corpus -q -o words.nbc $texts
for p in fp32 int8; do
    run 0 "${NB[@]}" embed text -q --precision $p --model w/model -o $p.nbe words.nbc
    run 0 "${NB[@]}" embed images -q --precision $p --model w/model --labels-from list -o $p.images.nbe w/some.txt
    [ "$(engine $p.nbe)" = "\"engine\": \"$p\"" ] || die "recorded is $(engine $p.nbe)"
done
run 0 "${NB[@]}" embed text -q --precision auto --model w/model -o auto.nbe words.nbc
engine auto.nbe | grep -q int8 && die 'auto takes int8'
mine=("${NB[@]}" mine -q --force --criterion neglabel --count 50 --labels w/labels.txt --model w/model)
run 0 "${mine[@]}" --precision int8 --texts int8.nbe -o int8.nbank
run 0 "${mine[@]}" --precision fp32 --texts fp32.nbe -o fp32.nbank
"${NB[@]}" inspect info int8.nbank --json | grep -q '"texts engine": "int8"' || die 'the bank does not say int8'
"${NB[@]}" inspect info fp32.nbank --json | grep -q 'texts engine' && die 'a bank in fp32 says more than before'

case_ 'int8 with int8'
run 0 "${NB[@]}" score -q --bank int8.nbank --images int8.images.nbe -o s.tsv
run 0 "${NB[@]}" score -q --force --bank int8.nbank --precision int8 --model w/model --labels-from list -o s.tsv w/some.txt

case_ 'int8 with another precision is refused, unless allowed'
refused 3 x.nbank mine -q --criterion neglabel --count 50 --labels w/labels.txt --model w/model --texts int8.nbe -o x.nbank
says_all "'int8.nbe' was embedded in int8, 'w/model' in fp32" --precision --allow-mismatch
refused 3 x.nbank mine -q --criterion neglabel --count 50 --labels w/labels.txt --model w/model --texts fp32.nbe \
    --id-images int8.images.nbe -o x.nbank
says "'fp32.nbe' was embedded in fp32, 'int8.images.nbe' in int8"
run 0 "${mine[@]}" --texts int8.nbe --allow-mismatch -o x.nbank
says "'int8.nbe' was embedded in int8, 'w/model' in fp32: mined as --allow-mismatch asks"
refused 3 x.tsv score -q --bank int8.nbank --images fp32.images.nbe -o x.tsv
says_all "'fp32.images.nbe' embeds images in fp32, the bank's texts are in int8" --allow-mismatch
refused 3 x.tsv score -q --bank fp32.nbank --images int8.images.nbe -o x.tsv
says "'int8.images.nbe' embeds images in int8, the bank's texts are in another precision"
refused 3 x.tsv score -q --bank fp32.nbank --precision int8 --model w/model --labels-from list -o x.tsv w/some.txt
run 0 "${NB[@]}" score -q --bank int8.nbank --images fp32.images.nbe --allow-mismatch -o x.tsv
says 'scored as --allow-mismatch asks'
finish
