#!/usr/bin/env bash
# inspect info, verify, diff and export on every kind of file: what a script reads of them, where a damaged file broke,
# and what two files differ in.
. "$TESTS/cli/world.bash" || exit 1
make_stores
mine=(mine -q --texts t.nbe --labels w/labels.txt --model w/model --id-images i.nbe --criterion dnm --reject none)
done_ "${mine[@]}" --count 50 --bank-precision int8 --calibrate s.nbe -o eight.nbank

# field NAME: the value of a member in what --json printed.
field() { /usr/bin/python3 -c 'import json,sys; v=json.load(open("out"))
for k in sys.argv[1].split("/"): v = v[int(k)] if isinstance(v, list) else v[k]
print(json.dumps(v))' "$1"; }
is() { [ "$(field "$1")" = "$2" ] || die "'$1' is $(field "$1"), not $2"; }

# ---- whole files ----

for file in c.nbc t.nbe b.nbank eight.nbank s.tsv; do
    case_ "$file is whole"
    run 0 "${NB[@]}" inspect verify "$file"
    prints 'whole          true'
    run 0 "${NB[@]}" inspect verify --json "$file"
    is whole true
    is damage '[]'
    is sha256 "\"$([ $file = s.tsv ] && sha256sum <$file | cut -d' ' -f1 || od -An -tx1 -v -j 56 -N 32 $file | tr -d ' \n')\""
    run 0 "${NB[@]}" inspect info --json "$file"
    is bytes "$(bytes_of "$file")"
    case_ "$file is identical with itself"
    run 0 "${NB[@]}" inspect diff --exit-code --json "$file" "$file"
    is content '"identical"'
    cp "$file" copy
    run 0 "${NB[@]}" inspect diff "$file" copy
    prints 'content        identical'
done
case_ 'what verify read'
run 0 "${NB[@]}" inspect verify --json t.nbe
[ "$(field checked/tiles)" -ge 1 ] || die 'no tile was read'
run 0 "${NB[@]}" inspect verify --json eight.nbank
is checked/datasets 18
run 0 "${NB[@]}" inspect verify --json s.tsv
is checked/rows "$(($(grep -vc '^#' s.tsv) - 1))"

case_ 'what info says of a bank'
run 0 "${NB[@]}" inspect info --json eight.nbank
is precision '"int8"'
is suggested/score '"neglabel"'
is calibration/recall 0.95
[ "$(field calibration/images)" -ge 20 ] || die 'too few images'
is source/label_prompts '["The nice {}."]'
is source/adjective_prompts '["This is a {} photo"]'
[ "$(field source/checkpoint)" != null ] || die 'no checkpoint'
run 0 "${NB[@]}" inspect info eight.nbank
grep -qE '^bytes_per_negative +[0-9.]+$' out || die 'no bytes a negative'
case_ 'what info says of a score file'
run 0 "${NB[@]}" inspect info --json s.tsv
is kind '"score file"'
is odds true

# ---- damaged files ----

# broken FILE WHERE: verify exits with 7 and names the place.
broken() {
    run 7 "${NB[@]}" inspect verify --json "$1"
    is whole false
    grep -qF "\"where\": \"$2" out || die "'$2' is not where it broke"
    [ "$(grep -c '^error: ' err)" = 1 ] || die 'not one error line'
    says "'$1' is not whole"
}
at_of() { h5dump -p -H -d "$2" "$1" | sed -n 's/.*OFFSET \([0-9]*\).*/\1/p' | head -1; }

case_ 'a tile of a store'
at=$(($(od -An -tu8 -j 40 -N 8 t.nbe) + 40))
cp t.nbe bad.x
flip bad.x $at
broken bad.x 'tile 0 (rows 0 to '
case_ 'the checksum of a tile'
cp t.nbe bad.x
at=$(at_of t.nbe /tiles/checksum)
flip bad.x "$at"
broken bad.x seal
broken bad.x 'tile 0'
case_ 'a dataset of a bank'
for file in b.nbank eight.nbank; do
    for name in suggested provenance labels/names/bytes negatives/tags source; do
        cp $file bad.x
        flip bad.x "$(($(at_of $file /$name) + 5))"
        broken bad.x "dataset '$name'"
    done
done
case_ 'a chunk of a bank: somewhere in its middle lie the embeddings'
cp b.nbank bad.x
flip bad.x "$(($(bytes_of b.nbank) / 2))"
broken bad.x "dataset '"
case_ 'bytes at random, in every kind'
for file in c.nbc t.nbe eight.nbank; do
    full=$(bytes_of $file)
    for i in $(seq 1 25); do
        cp $file bad.x
        flip bad.x $((512 + (i * 7919 * 104729) % (full - 512))) $((1 << i % 8))
        run 7 "${NB[@]}" inspect verify bad.x
        prints 'whole          false'
    done
done
case_ 'cut at every sixteenth'
for file in c.nbc t.nbe b.nbank eight.nbank; do
    full=$(bytes_of $file)
    for i in $(seq 1 15); do
        cp $file bad.x
        truncate -s $((full * i / 16)) bad.x
        if [ $((full * i / 16)) -ge 512 ]; then
            broken bad.x seal
            says 'seal'
        fi
        refused 3 - inspect info bad.x
    done
done
case_ 'a score file cut inside a line'
cp s.tsv bad.x
truncate -s -3 bad.x
broken bad.x rows
case_ 'a score file with a bad number'
sed '$s/^\(\([^\t]*\t\)\{4\}\)[^\t]*/\1none/' s.tsv >bad.x
broken bad.x rows
case_ 'no file of ours'
refused 3 - inspect verify few.txt
says 'is not a negbank file'
refused 3 - inspect verify absent.x
refused 3 - inspect verify w

# ---- differences ----

case_ 'banks that differ in size'
done_ "${mine[@]}" --count 40 -o fewer.nbank
run 0 "${NB[@]}" inspect diff --json b.nbank fewer.nbank
is content '"different"'
is negatives/in_both 40
is negatives/only_a 10
is negatives/only_b 0
is negatives/embeddings_differing 0
is labels/moved 0
is parameters '{}'
[ "$(field negatives/first_only_a | tr ',' '\n' | wc -l)" = 10 ] || die 'the ten are not named'
run 7 "${NB[@]}" inspect diff --exit-code b.nbank fewer.nbank
says 'differ in content'
prints 'content        different'
case_ 'banks that differ in precision and suggestion'
done_ "${mine[@]}" --count 50 --bank-precision fp32 --groups 5 --group-seed 3 --temperature 0.02 -o other.nbank
run 0 "${NB[@]}" inspect diff --json b.nbank other.nbank
is parameters/precision/a '"fp16"'
is parameters/precision/b '"fp32"'
grep -q '"suggested/groups"' out || die 'groups are not listed'
grep -q '"suggested/seed"' out || die 'the seed is not listed'
is negatives/moved 0
is negatives/in_both 50
case_ 'a bank in another order'
done_ "${mine[@]}" --count 50 --criterion neglabel -o neglabel.nbank
run 0 "${NB[@]}" inspect diff --json b.nbank neglabel.nbank
is content '"different"'
[ "$(field negatives/only_a)" = "$(field negatives/only_b)" ] || die 'equal sizes, unequal differences'
case_ 'corpora'
grep -v lantern few.txt >fewer.txt
done_ corpus -q -o fewer.nbc fewer.txt
run 0 "${NB[@]}" inspect diff --json few.nbc fewer.nbc
is texts/first_only_a '["red lantern"]'
is texts/only_b 0
is content '"different"'
case_ 'stores'
done_ store export -q t.nbe --embeddings t.npy --names names.txt
sed '3s/.*/another name/' names.txt >other.txt
done_ store import -q --embeddings t.npy --names names.txt -o one.nbe
done_ store import -q --embeddings t.npy --names other.txt -o two.nbe
run 7 "${NB[@]}" inspect diff --exit-code --json one.nbe two.nbe
is names/rows_differing 1
is names/first 2
is embeddings/rows_differing 0
run 0 "${NB[@]}" inspect diff --json i.nbe s.nbe
is content '"different"'
case_ 'score files'
done_ score -q --bank b.nbank --images s.nbe --temperature 0.05 -o warm.tsv
run 0 "${NB[@]}" inspect diff --json s.tsv warm.tsv
is images/rows_differing 0
[ "$(field scores/rows_differing)" -ge 1 ] || die 'no score differs'
done_ score -q --bank b.nbank --images s.nbe -o s.h5
done_ score -q --bank b.nbank --images s.nbe --temperature 0.05 -o warm.h5
run 7 "${NB[@]}" inspect diff --exit-code --json s.h5 warm.h5
is images/rows_differing 0
is classes/rows_differing 0
[ "$(field scores/rows_differing)" -ge 1 ] || die 'no score differs'
case_ 'score files in HDF5'
run 0 "${NB[@]}" inspect info --json s.tsv
rows=$(field rows) lowest=$(field lowest)
run 0 "${NB[@]}" inspect info --json s.h5
is kind '"scores"'
is rows "$rows"
is odds true
[ "$(field comments/2)" = "\"$(sed -n '3s/^# //p' s.tsv)\"" ] || die 'the comments differ'
awk -v a="$lowest" -v b="$(field lowest)" 'BEGIN { d = a - b; exit !(d < 1e-8 && d > -1e-8) }' || die 'the lowest score differs'
run 0 "${NB[@]}" inspect verify --json s.h5
is whole true
run 0 "${NB[@]}" inspect export -q s.h5 --texts h5-images.txt
cut -f 1 s.tsv | grep -v '^#' | tail -n +2 >want.txt
same want.txt h5-images.txt
cp s.h5 bad.h5
flip bad.h5 3000
run 7 "${NB[@]}" inspect verify --json bad.h5
is whole false
refused 7 - inspect info bad.h5
case_ 'what does not compare'
refused 3 - inspect diff s.h5 s.tsv
says 'they do not compare'
refused 3 - inspect diff b.nbank t.nbe
says 'they do not compare'
refused 2 - inspect diff b.nbank
refused 2 - inspect diff b.nbank b.nbank b.nbank
cp b.nbank bad.x
flip bad.x 2000
refused 7 - inspect diff b.nbank bad.x

# ---- export ----

case_ 'all of a bank'
run 0 "${NB[@]}" inspect export -q --json eight.nbank --texts x.txt --embeddings x.npy --labels l.txt \
    --label-embeddings l.npy --prototypes p.npy
is rows 50
present x.npy l.npy p.npy
[ "$(wc -l <x.txt)" = 50 ] || die 'not 50 texts'
same l.txt w/labels.txt
case_ 'what a file has not'
refused 3 out.npy inspect export t.nbe --label-embeddings out.npy
says 'it has no label embeddings'
refused 3 out.txt inspect export c.nbc --labels out.txt
case_ 'images of a score file'
done_ inspect export -q s.tsv --texts images.txt
[ "$(wc -l <images.txt)" = "$(($(grep -vc '^#' s.tsv) - 1))" ] || die 'not all images'

# ---- calibration and suggestions of mine ----

case_ 'held-out images'
refused 2 out.nbank mine --texts t.nbe --labels w/labels.txt --model w/model --id-images i.nbe --reject none --count 50 \
    --calibrate i.nbe -o out.nbank
says 'hold some out'
/usr/bin/python3 - <<'PYTHON'
import struct
head = b"\x93NUMPY\x01\x00" + struct.pack("<H", 118)
head += b"{'descr': '<f4', 'fortran_order': False, 'shape': (30, 3), }".ljust(117) + b"\n"
open("narrow.npy", "wb").write(head + struct.pack("<f", 1.0) * 90)
PYTHON
done_ store import -q --embeddings narrow.npy -o narrow.nbe
refused 3 out.nbank "${mine[@]}" --count 50 --calibrate narrow.nbe -o out.nbank
says "'narrow.nbe' has width 3"
refused 2 out.nbank "${mine[@]}" --count 50 --groups 51 -o out.nbank
says 'cannot be cut'
refused 2 out.nbank "${mine[@]}" --count 50 --group-seed x -o out.nbank
says "--group-seed: 'x'"
refused 2 out.nbank "${mine[@]}" --count 50 --bank-precision int4 -o out.nbank
case_ 'the same bank on three ranks'
run 0 "${NB3[@]}" "${mine[@]}" --count 50 --bank-precision int8 --calibrate s.nbe -o three.nbank
same three.nbank eight.nbank
finish
