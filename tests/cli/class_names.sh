#!/usr/bin/env bash
# Images whose classes have names get the numbers of the labels of these names, whatever the order of folders and lines.
source "$TESTS/cli/world.bash" || exit 1

labels=(yellow_star 'Red Circle' blue_square)
sets=('yellow star' 'red circle' 'blue square')
printf '%s\n' "${labels[@]}" >labels.txt
for set in train test; do
    for i in 0 1 2; do
        mkdir -p "$set/${sets[i]}" "members/$set"
        k=0
        while read -r file; do
            cp "$file" "$set/${sets[i]}/$k.png"
            cp "$file" "members/$set/$i-$k.png"
            printf '%s\n' "${sets[i]}" >"members/$set/$i-$k.txt"
            printf '"%s"\n' "${sets[i]}" | sed 's/.*/{"class": &}/' >"members/$set/$i-$k.json"
            printf '%s\n' "${sets[i]}" >"members/$set/$i-$k.cls"
            printf '%s/%s.png\t%s\n' "$set/${sets[i]}" "$k" "$i" >>$set.list
            k=$((k + 1))
        done < <(find "w/images/id-$set/${sets[i]// /_}" -name '*.png' | LC_ALL=C sort | head -8)
        [ $k = 8 ] || die "the demo world has $k images of ${sets[i]}"
    done
    tar -C "members/$set" -cf $set.tar .
done
make_stores
for set in train test; do
    done_ embed images -q --model w/model --labels-from folder -o $set.folder.nbe $set
    for from in txt cls; do
        done_ embed images -q --model w/model --labels-from $from -o $set.$from.nbe $set.tar
    done
    done_ embed images -q --model w/model --labels-from json --label-key class -o $set.json.nbe $set.tar
done
mined() { # STORE BANK
    run 0 "${NB[@]}" mine -q --force --texts t.nbe --model w/model --labels labels.txt --criterion interneg --count 5 \
        --id-images "$1" --calibrate "${1/train/test}" -o "$2"
}
# The label that a score file has for the images of each set, by the bank's names.
labelled() { awk -F'\t' '!/^#/ && $1 != "image" { print $2 }' "$1" | sort | uniq -c | tr -s ' \n' ' '; }

case_ 'mine, score and eval go by the names'
run 0 "${NB[@]}" store export -q --embeddings e.npy --names n.txt train.folder.nbe
python3 - <<'PY' || die 'no labels by numbers'
import struct
names = open("n.txt").read().splitlines()
order = {"yellow star": 0, "red circle": 1, "blue square": 2}
labels = [order[name.split("/")[-2]] for name in names]
head = "{'descr': '<i4', 'fortran_order': False, 'shape': (%d,), }" % len(labels)
head += " " * (-(len(head) + 11) % 64) + "\n"
open("l.npy", "wb").write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() + struct.pack("<%di" % len(labels), *labels))
PY
run 0 "${NB[@]}" store import -q --embeddings e.npy --names n.txt --labels l.npy -o train.numbers.nbe
for from in folder txt cls json; do
    mined train.$from.nbe $from.nbank
done
run 0 "${NB[@]}" mine -q --texts t.nbe --model w/model --labels labels.txt --criterion interneg --count 5 \
    --id-images train.numbers.nbe -o numbers.nbank
for bank in folder txt cls json numbers; do
    run 0 "${NB[@]}" inspect export $bank.nbank --force --texts $bank.texts --prototypes $bank.npy
    same_bytes $bank.texts folder.texts || die "$bank: other negatives"
    if [ $bank = numbers ] || [ $bank = folder ]; then
        same_bytes $bank.npy folder.npy || die "$bank: other prototypes"
    fi
done
for from in folder txt cls json; do
    run 0 "${NB[@]}" score -q --force --bank folder.nbank --images test.$from.nbe -o s.tsv
    awk -F'\t' '!/^#/ && $1 != "image" {
        want = $1 ~ /yellow|\/0-/ ? 0 : $1 ~ /red|\/1-/ ? 1 : 2
        if ($2 != want) { print; bad = 1 } n++ } END { exit bad || n != 24 }' s.tsv || die "$from: labels by another order"
done
run 0 "${NB[@]}" score -q --force --bank folder.nbank --model w/model --labels-from folder -o d.tsv test
run 0 "${NB[@]}" score -q --force --bank folder.nbank --images test.folder.nbe -o s.tsv
[ "$(labelled d.tsv)" = "$(labelled s.tsv)" ] || die 'images that are embedded on the way have other labels'
run 0 "${NB[@]}" eval -q --bank folder.nbank --id test.folder.nbe --ood o=i.nbe --bootstrap 10 -o m.json
run 0 "${NB[@]}" eval -q --id s.tsv --ood o=s.tsv --bootstrap 10 -o n.json

case_ 'a class that lacks shifts no other'
mkdir some
cp -r 'test/blue square' some
done_ embed images -q --model w/model --labels-from folder -o some.nbe some
run 0 "${NB[@]}" score -q --force --bank folder.nbank --images some.nbe -o s.tsv
[ "$(labelled s.tsv)" = ' 8 2 ' ] || die "labels are '$(labelled s.tsv)'"

case_ 'a class more is refused, with both lists'
cp -r train more
mkdir 'more/green star'
cp 'train/red circle/0.png' 'more/green star'
done_ embed images -q --model w/model --labels-from folder -o more.nbe more
mine=(mine --texts t.nbe --model w/model --labels labels.txt --criterion interneg --count 5 -o out.nbank)
refused 3 out.nbank "${mine[@]}" --id-images more.nbe
says_all "class 'green star' is no label" "'blue square', 'green star', 'red circle'" "'yellow_star', 'Red Circle'"
refused 3 out.nbank "${mine[@]}" --id-images train.folder.nbe --calibrate more.nbe
says "class 'green star' is no label"
refused 3 out.tsv score --bank folder.nbank --images more.nbe -o out.tsv
says "class 'green star' is no label"
refused 3 - eval --bank folder.nbank --id more.nbe --ood o=i.nbe -o out.json
says "class 'green star' is no label"
refused 3 - tune --model w/model --images more --labels labels.txt --steps 1 -o out.nbm
says "class 'green star' is no label"

case_ 'images of other classes alone have no label, and that is said'
mkdir other
cp -r 'more/green star' other
done_ embed images -q --model w/model --labels-from folder -o other.nbe other
run 0 "${NB[@]}" score -q --force --bank folder.nbank --images other.nbe -o s.tsv
says "warning: no class of 'other.nbe' is a label"
[ "$(labelled s.tsv)" = ' 1 -1 ' ] || die "labels are '$(labelled s.tsv)'"
refused 3 out.nbank "${mine[@]}" --id-images other.nbe
finish
