#!/usr/bin/env bash
# The demo world through every stage on RANKS ranks and alone: the same bytes at every step.
source "$TESTS/cli/lib.sh"
: "${RANKS:?}"

case_ "demo world"
run 0 "$NEGBANK" demo -q --random-weights -o world

# pipeline FOLDER PREFIX...: all stages into FOLDER, each under PREFIX.
pipeline() {
    dir=$1
    shift
    mkdir "$dir"
    run 0 "$@" "$NEGBANK" corpus -q --exclude world/labels.txt -o "$dir/words.nbc" world/corpus/noun.demo.txt \
        world/corpus/adj.demo.txt
    run 0 "$@" "$NEGBANK" embed text -q --model world/model -o "$dir/words.nbe" "$dir/words.nbc"
    run 0 "$@" "$NEGBANK" embed text -q --model world/model --store fp16 --prompt 'a photo of a {}.' \
        --prompt 'a {} here' -o "$dir/two-prompts.nbe" "$dir/words.nbc"
    for set in id-train wild id-test; do
        run 0 "$@" "$NEGBANK" embed images -q --model world/model --labels-from list -o "$dir/$set.nbe" "world/$set.txt"
    done
    for criterion in debiased activation-only interneg neglabel dnm random; do
        run 0 "$@" "$NEGBANK" mine -q --criterion "$criterion" --texts "$dir/words.nbe" --model world/model \
            --labels world/labels.txt --id-images "$dir/id-train.nbe" --wild-images "$dir/wild.nbe" \
            --explain "$dir/$criterion.explain" -o "$dir/$criterion.nbank"
    done
    run 0 "$@" "$NEGBANK" mine -q --criterion neglabel --fraction 0.1 --texts "$dir/two-prompts.nbe" --model world/model \
        --labels world/labels.txt -o "$dir/half.nbank"
    run 0 "$@" "$NEGBANK" mine -q --criterion interneg --count 20 --visual 10 --visual-theta 1 --texts "$dir/words.nbe" \
        --model world/model --labels world/labels.txt --id-images "$dir/id-train.nbe" --wild-images "$dir/wild.nbe" \
        -o "$dir/visual.nbank"
    run 0 "$@" "$NEGBANK" score -q --bank "$dir/debiased.nbank" --images "$dir/id-test.nbe" --score neglabel --groups 4 --seed 3 \
        -o "$dir/store.tsv"
    run 0 "$@" "$NEGBANK" score -q --bank "$dir/debiased.nbank" --score mcm --model world/model --labels-from list \
        -o "$dir/files.tsv" world/id-test.txt
}

case_ "one rank, without mpirun"
pipeline alone
case_ "$RANKS ranks"
# shellcheck disable=SC2046
pipeline ranks $(mpi "$RANKS")

case_ "the same bytes"
for file in alone/*; do
    case $file in
    *.run.json) continue ;; # the record of the run: host, ranks, times
    esac
    same "$file" "ranks/${file#alone/}"
done

case_ "visual negatives need wild images"
run 2 "$NEGBANK" mine -q --criterion interneg --visual 10 --texts alone/words.nbe --model world/model \
    --labels world/labels.txt --id-images alone/id-train.nbe -o none.nbank
says "--visual 10 needs --wild-images"

case_ "the record of the run says how many ranks"
grep -q "\"ranks\": $RANKS" ranks/debiased.nbank.run.json || die "no ranks in the run record"

case_ "what a rank hands to MPI while it embeds: a constant for texts, the list and 52 bytes an image for images"
# sent OUTPUT BYTES: the record of the run says this
sent() {
    grep -q "\"collective_bytes\": $2\b" "ranks/$1.run.json" ||
        die "$1: $(grep -o '"collective_bytes": *[0-9]*' "ranks/$1.run.json") instead of $2"
}
run 0 $(mpi "$RANKS") "$NEGBANK" corpus -q --limit 300 -o ranks/few.nbc world/corpus/noun.demo.txt
run 0 $(mpi "$RANKS") "$NEGBANK" embed text -q --model world/model -o ranks/few.nbe ranks/few.nbc
pipes=$([ "$RANKS" = 1 ] || echo 8) # several ranks learn that no input is a pipe
sent words.nbe $((738 + pipes))
sent few.nbe $((738 + pipes))
for set in id-train wild id-test; do
    sent "$set.nbe" "$(awk '{ sum += 52 + length($1) + length("world/" $1) } END { print 1002 + '"$((pipes))"' + sum }' "world/$set.txt")"
done

case_ "one failing rank ends all with its code"
printf 'a\n# b\nc\n' >comment.txt
# shellcheck disable=SC2046
run 3 $(mpi "$RANKS") "$NEGBANK" mine -q --texts alone/words.nbe --labels comment.txt --model world/model --criterion neglabel -o x.nbank
says "comment.txt"
absent x.nbank x.nbank.partial
finish
