#!/usr/bin/env bash
# The criterion `debiased` and its score on real CLIP ViT-B/32 embeddings, through files and by the program's own
# defaults: quality over three sets, in bounds relative to the best of MCM, NegLabel, InterNeg and DNM at their published
# defaults; precisions; the same bytes at 1 to 4 ranks; and the double-precision reference.
source "$TESTS/cli/lib.sh" || exit 1
need_shared data/real-imagenet500
need_shared data/real-food27
need_shared criterion/expected
NB=("$NEGBANK")
near() { python3 "$TESTS/support/near_reference.py" "$@" >near.out 2>&1 || die "$(cat near.out)"; }

import_set() { # FOLDER: its stores into the folder at hand
    local file import=("${NB[@]}" store import -q --force)
    D=$SHARED/data/$1
    rm -f ./*.nbe
    run 0 "${import[@]}" --embeddings "$D/corpus_text.npy" --names "$D/corpus_names.txt" -o texts.nbe
    run 0 "${import[@]}" --embeddings "$D/id_text.npy" --names "$D/id_labels.txt" -o labels.nbe
    run 0 "${import[@]}" --embeddings "$D/id_train.npy" --labels "$D/id_train_labels.npy" -o train.nbe
    run 0 "${import[@]}" --embeddings "$D/id_test.npy" --labels "$D/id_test_labels.npy" -o test.nbe
    run 0 "${import[@]}" --embeddings "$D/wild_images.npy" -o wild.nbe
    OOD=()
    for file in "$D"/ood_*.npy; do
        file=${file##*/ood_}
        OOD+=("${file%.npy}")
        run 0 "${import[@]}" --embeddings "$D/ood_$file" -o "${file%.npy}.nbe"
    done
}

mine() { # RANKS BANK OPTIONS...: without --criterion, --count, --score and --bank-precision, unless OPTIONS have them
    local nb=("${NB[@]}")
    # shellcheck disable=SC2207
    [ "$1" = 1 ] || nb=($(mpi "$1") "$NEGBANK")
    run 0 "${nb[@]}" mine -q --force --texts texts.nbe --labels "$D/id_labels.txt" \
        --label-embeddings labels.nbe --id-images train.nbe "${@:3}" -o "$2"
}

evaluate() { # BANK METRICS.json: straight from the bank
    local set of=()
    for set in "${OOD[@]}"; do
        of+=(--ood "$set=$set.nbe")
    done
    run 0 "${NB[@]}" eval -q --force --bank "$1" --id test.nbe "${of[@]}" -o "$2"
}

score_and_evaluate() { # BANK METRICS.json: by way of score files
    local set of=()
    for set in test "${OOD[@]}"; do
        run 0 "${NB[@]}" score -q --force --bank "$1" --images "$set.nbe" -o "$set.tsv"
        [ "$set" = test ] || of+=(--ood "$set=$set.tsv")
    done
    run 0 "${NB[@]}" eval -q --force --id test.tsv "${of[@]}" -o "$2"
}

within() { # WHAT METRICS.json RATIO BEST: the mean FPR95 is at most RATIO times the best published one
    near mean "$2" "$(awk -v r="$3" -v b="$4" 'BEGIN { printf "%.4f", r * b }')"
    echo "$NAME, $1: $(cat near.out)"
}

# against_reference EXPECTED CASE SUFFIX BANK SETS...: order, columns and scores are those of the reference; the bank is of
# fp32.
against_reference() {
    local set
    run 0 "${NB[@]}" inspect export -q --force "$4" --texts bank.txt
    same bank.txt "$SHARED/criterion/expected/$1/bank_$2.txt"
    near columns why.tsv "$SHARED/criterion/expected/$1" "$3"
    for set in "${@:5}"; do
        run 0 "${NB[@]}" score -q --force --bank "$4" --images "$set.nbe" -o "$set.tsv"
        near scores "$set.tsv" "$SHARED/criterion/expected/$1/scores_$2.npz" "$([ "$set" = test ] && echo id_)$set"
    done
}

while read -r FOLDER NAME EXPECTED ALL BEST WILD NONE FEW RANKS; do
    case_ "$NAME: import"
    import_set "$FOLDER"

    case_ "$NAME: the program's defaults, with wild images"
    mine 1 wild.nbank --wild-images wild.nbe
    score_and_evaluate wild.nbank wild.json
    within 'wild images' wild.json "$WILD" "$BEST"

    case_ "$NAME: without wild images"
    mine 1 none.nbank
    evaluate none.nbank none.json
    within 'no wild images' none.json "$NONE" "$BEST"

    case_ "$NAME: 500 negatives, with wild images"
    mine 1 few.nbank --wild-images wild.nbe --count 500
    evaluate few.nbank few.json
    within 'wild images, 500' few.json "$FEW" "$BEST"

    [ "$EXPECTED" = - ] && continue
    case_ "$NAME: precisions"
    mine 1 fp32.nbank --wild-images wild.nbe --bank-precision fp32 --explain why.tsv
    evaluate fp32.nbank fp32.json
    near auroc wild.json fp32.json 0.05
    if [ "$NAME" = pets24 ]; then # the larger set takes long
        mine 1 int8.nbank --wild-images wild.nbe --bank-precision int8
        evaluate int8.nbank int8.json
        near auroc int8.json fp32.json 0.1
    fi

    case_ "$NAME: the reference"
    against_reference "$EXPECTED" "wild_$ALL" '' fp32.nbank test "${OOD[@]}"
    if [ "$NAME" = pets24 ]; then # as above
        mine 1 fp32.nbank --bank-precision fp32 --explain why.tsv
        against_reference "$EXPECTED" "no_wild_$ALL" _no_wild fp32.nbank test dtd
        mine 1 fp32.nbank --wild-images wild.nbe --bank-precision fp32 --explain why.tsv --count 500
        against_reference "$EXPECTED" wild_500 '' fp32.nbank test dtd
        mine 1 fp32.nbank --bank-precision fp32 --explain why.tsv --count 500
        against_reference "$EXPECTED" no_wild_500 _no_wild fp32.nbank test dtd
    fi

    case_ "$NAME: the same bytes at other numbers of ranks"
    # shellcheck disable=SC2086
    for ranks in $RANKS; do
        mine $ranks ranks.nbank --wild-images wild.nbe
        same ranks.nbank wild.nbank
    done
done <<'SETS'
real-clip-vit-b-32 pets24      pets24      2256 13.07 0.73 1.0  0.65 2 3 4
real-food27        food27      -           -    8.87  0.73 0.80 0.73
real-imagenet500   imagenet500 imagenet500 1780 40.74 0.48 0.68 0.54
SETS
finish
