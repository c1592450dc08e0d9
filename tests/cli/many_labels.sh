#!/usr/bin/env bash
# 2 000 labels in nested classes, near and far OOD images (support/nested_world.py): InterNeg's rule rejects nearly all
# candidates there, and the criteria with it are hardly better than MCM; `debiased` keeps all and uses them.
source "$TESTS/cli/lib.sh" || exit 1
NB=("$NEGBANK")

case_ "the world"
run 0 python3 "$TESTS/support/nested_world.py" world --seed "${NEGBANK_WORLD_SEED:-1}"
imported() { # STORE ARRAY OPTIONS...
    run 0 "${NB[@]}" store import -q --embeddings "world/$2.npy" "${@:3}" -o "$1.nbe"
}
imported texts text --names world/names.txt
imported labels label_text --names world/labels.txt
imported id id --labels world/id_classes.npy
imported test test --labels world/test_classes.npy
for set in near far wild; do
    imported $set $set
done

mined() { # NAME OPTIONS...
    run 0 "${NB[@]}" mine --texts texts.nbe --labels world/labels.txt --label-embeddings labels.nbe --id-images id.nbe \
        "${@:2}" -o "$1.nbank"
}

# evaluated NAME BANK OPTIONS...: through score files; prints a row and sets $fpr, in hundredths of a percent.
evaluated() {
    local set row
    for set in test near far; do
        run 0 "${NB[@]}" score -q --force --bank "$2.nbank" --images $set.nbe "${@:3}" -o $set.tsv
    done
    run 0 "${NB[@]}" eval -q --force --id test.tsv --ood near=near.tsv --ood far=far.tsv -o m.json
    row=$(awk '$1 == "near" { n = $3 } $1 == "far" { f = $3 } $1 == "mean" { print n, f, $3, $2 }' "$T/out")
    # shellcheck disable=SC2086
    printf '%-22s FPR95 near %6s far %6s mean %6s  AUROC %6s\n' "$1" $row
    fpr=$(awk '$1 == "mean" { printf "%d", 100 * $3 + 0.5 }' "$T/out")
}

case_ "activation-only keeps under a tenth, and says so"
mined activation-only --criterion activation-only --wild-images wild.nbe
says 'warning: interneg rejects'
kept=$(sed -n 's/.* by interneg, \([0-9]*\) accepted$/\1/p' "$T/err")
[ "${kept:-250}" -lt 250 ] || die "'$kept' candidates are accepted"
echo "activation-only keeps $kept of 2500"
evaluated activation-only activation-only
old=$fpr

case_ "interneg"
mined interneg --criterion interneg --wild-images wild.nbe
evaluated interneg interneg
[ "$fpr" -lt "$old" ] && old=$fpr

case_ "debiased keeps all, and halves the errors"
mined debiased --wild-images wild.nbe
says '2500 candidates: 0 rejected as labels, 0 by the stop list, 0 by none, 2500 accepted'
! grep -q 'rejects' "$T/err" || die "there is a warning of rejection"
evaluated debiased debiased
new=$fpr
[ $((2 * new)) -le "$old" ] || die "FPR95 $new is over half of $old"

case_ "and is ahead of MCM"
for temperature in 0.01 1; do
    evaluated "mcm, temperature $temperature" debiased --score mcm --temperature $temperature
    [ "$new" -lt "$fpr" ] || die "FPR95 $new, and MCM's $fpr"
done

case_ "a small bank, and without wild images"
mined few --wild-images wild.nbe --count 500
evaluated "debiased, 500" few
[ "$fpr" -lt "$old" ] || die "FPR95 $fpr, and without debiasing $old"
mined none
evaluated "debiased, no wild" none
[ $((2 * fpr)) -le "$old" ] || die "FPR95 $fpr is over half of $old"
finish
