#!/usr/bin/env bash
# Real CLIP ViT-B/32 embeddings through files: import, mine with each criterion, score, eval, at 1 and at 4 ranks;
# banks, AUROC and FPR95 against the expected ones.
source "$TESTS/cli/lib.sh"
import_real_embeddings

case_ "export gives back what was imported, bit for bit"
run 0 "$NEGBANK" store export -q test.nbe --embeddings back.npy --labels back-labels.npy
same back.npy "$D/id_test.npy"
same back-labels.npy "$D/id_test_labels.npy"

# Lines of a bank beside the expected ones: the same set; the same order but for candidates within 1e-5 relative.
same_bank() {
    sort "$1" >a.sorted
    sort "$2" >b.sorted
    same a.sorted b.sorted
    paste -d '\t' "$1" "$2" | awk -F '\t' -v column="$4" '
        FNR == NR { if (FNR == 1) { for (i = 1; i <= NF; i++) if ($i == column) c = i } else value[$2] = $c; next }
        $1 != $2 { d = value[$1] - value[$2]; m = value[$2]; if (d < 0) d = -d; if (m < 0) m = -m; if (d > 1e-5 * m) bad++ }
        END { exit bad > 0 }' "$3" - || die "the order of '$1' differs from the expected one"
}

check() { # METHOD DATASET METRICS.json
    "$TOOLS/json_near" "$3" "datasets/$2/auroc" "$D/expected.json" "results/$2/$1/auroc" 100 0.001 >near.out || die "$(cat near.out)"
    "$TOOLS/json_near" "$3" "datasets/$2/fpr95_id_positive" "$D/expected.json" "results/$2/$1/fpr95_id_positive" 100 0.15 \
        >near.out || die "$(cat near.out)"
}

evaluate() { # RANKS METHOD BANK OPTIONS...: through score files
    ranks=$1 method=$2 bank=$3
    shift 3
    for set in test dtd flowers cars other_breeds; do
        # shellcheck disable=SC2046
        run 0 $(mpi "$ranks") "$NEGBANK" score -q --force --bank "$bank" --images "$set.nbe" "$@" -o "$set.tsv"
    done
    run 0 "$NEGBANK" eval -q --force --id test.tsv --ood dtd=dtd.tsv --ood flowers=flowers.tsv --ood cars=cars.tsv \
        --ood other_breeds=other_breeds.tsv -o metrics.json
    for set in dtd flowers cars other_breeds; do
        check "$method" "$set" metrics.json
    done
    "$TOOLS/json_near" metrics.json id_accuracy "$D/expected.json" id_zero_shot_accuracy 1 1e-9 >near.out || die "$(cat near.out)"
}

for ranks in 1 4; do
    for job in neglabel:1000:quantile interneg:500:margin dnm:500:density activation-only:500:activation activation-only:1000:activation; do
        IFS=: read -r criterion count column <<<"$job"
        case_ "$criterion $count at $ranks ranks"
        # shellcheck disable=SC2046
        run 0 $(mpi "$ranks") "$NEGBANK" mine -q --force --texts texts.nbe --labels "$D/id_labels.txt" \
            --label-embeddings labels.nbe --id-images train.nbe --wild-images wild.nbe --criterion "$criterion" \
            --count "$count" --neighbours 20 --explain why.tsv -o "$criterion$count.$ranks.nbank"
        same "$criterion$count.$ranks.nbank" "$criterion$count.1.nbank"
        run 0 "$NEGBANK" inspect export -q --force "$criterion$count.$ranks.nbank" --texts bank.txt
        same_bank bank.txt "$D/expected_bank_${criterion/activation-only/debiased}_$count.txt" why.tsv "$column"
        # the banks are the same bytes: the scores of one show what ranks do to scores
        [ "$ranks" = 1 ] || [ "$criterion" = dnm ] || continue
        evaluate "$ranks" "${criterion/activation-only/debiased}_$count" "$criterion$count.$ranks.nbank"
    done
done
case_ MCM
evaluate 1 mcm_T1 activation-only500.1.nbank --score mcm
evaluate 1 mcm_T0.01 activation-only500.1.nbank --score mcm --temperature 0.01

case_ "density with InterNeg's rejection, which activation-only falls back to without wild images"
run 0 "$NEGBANK" mine --texts texts.nbe --labels "$D/id_labels.txt" --label-embeddings labels.nbe --id-images train.nbe \
    --criterion activation-only --count 500 --neighbours 20 -o fallback.nbank
says "falls back to dnm density"
run 0 "$NEGBANK" inspect export -q --force fallback.nbank --texts bank.txt
same bank.txt "$D/expected_bank_dnm_interneg_500.txt"

case_ "eval straight from a bank"
run 0 "$NEGBANK" eval -q --force --bank activation-only500.1.nbank --id test.nbe --ood dtd=dtd.nbe -o direct.json
check debiased_500 dtd direct.json
finish
