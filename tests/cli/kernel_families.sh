#!/usr/bin/env bash
# The same bank whichever kernels OpenBLAS and our own loops run on, on real CLIP ViT-B/32 embeddings: neglabel, interneg and
# debiased (which is in double precision at this size) identical, in order; dnm and activation-only but for candidates whose criterion lies within 1e-5 relative of the cut, counted.
source "$TESTS/cli/lib.sh"
need_shared data/real-clip-vit-b-32
D=$SHARED/data/real-clip-vit-b-32
run 0 "$NEGBANK" store import -q --embeddings "$D/corpus_text.npy" --names "$D/corpus_names.txt" -o texts.nbe
run 0 "$NEGBANK" store import -q --embeddings "$D/id_text.npy" --names "$D/id_labels.txt" -o labels.nbe
run 0 "$NEGBANK" store import -q --embeddings "$D/id_train.npy" --labels "$D/id_train_labels.npy" -o train.nbe
run 0 "$NEGBANK" store import -q --embeddings "$D/wild_images.npy" -o wild.nbe

# families this CPU can run: BLAS kernels, then our own loops
families=(Haswell:avx2 Nehalem:plain)
grep -qw avx2 /proc/cpuinfo || families=(Nehalem:plain)
grep -qw avx512f /proc/cpuinfo && families+=(SkylakeX:avx512)
grep -qw avx512_bf16 /proc/cpuinfo && families+=(Cooperlake:avx512)

# Lines that are in one of two lists only, and whose value is farther than 1e-5 relative from the last one kept.
far_from_cut() { # A.txt B.txt A.tsv COLUMN
    diff <(sort "$1") <(sort "$2") | sed -n 's/^[<>] //p' >differ
    awk -F '\t' -v column="$4" -v last="$(tail -1 "$1")" '
        FNR == NR { differ[$0] = 1; next }
        FNR == 1 { for (i = 1; i <= NF; i++) if ($i == column) c = i; next }
        $2 == last { cut = $c }
        $2 in differ { value[$2] = $c }
        END { for (t in value) { d = value[t] - cut; if (d < 0) d = -d; m = cut < 0 ? -cut : cut; if (d > 1e-5 * m) bad++ }
              print bad + 0 }' differ "$3"
}

for job in neglabel:1000:quantile interneg:500:margin dnm:500:density activation-only:500:activation debiased:500:; do
    IFS=: read -r criterion count column <<<"$job"
    first=
    for family in "${families[@]}"; do
        case_ "$criterion on $family"
        run 0 env OPENBLAS_CORETYPE="${family%:*}" NEGBANK_VECTOR="${family#*:}" "$NEGBANK" mine -q --force --texts texts.nbe \
            --labels "$D/id_labels.txt" --label-embeddings labels.nbe --id-images train.nbe --wild-images wild.nbe \
            --neighbours 20 --criterion "$criterion" --count "$count" --explain why.tsv -o bank.nbank
        run 0 "$NEGBANK" inspect export -q --force bank.nbank --texts now.txt
        if [ -z "$first" ]; then
            first=$family
            cp now.txt first.txt
            cp why.tsv first.tsv
        elif [ "$criterion" = neglabel ] || [ "$criterion" = interneg ] || [ "$criterion" = debiased ]; then
            same now.txt first.txt
        else
            [ "$(far_from_cut first.txt now.txt first.tsv "$column")" = 0 ] || die "$family keeps others than $first"
            echo "  $criterion: $(($(wc -l <differ) / 2)) of $count differ between $first and $family, all within 1e-5 of the cut"
        fi
    done
done
finish
