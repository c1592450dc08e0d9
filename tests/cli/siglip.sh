#!/usr/bin/env bash
# A SigLIP from checkpoint to scores: check, tokens, stores of the same bytes on 1 and 3 ranks, a bank, scores; what is
# computed of CLIP's own towers alone is refused.
source "$TESTS/cli/lib.sh"
cp -r "$GOLDEN/siglip/hugging-face" model
run 0 "$NEGBANK" demo -q --random-weights -o world
head -40 world/corpus/noun.demo.txt >noun.few.txt

case_ "check names family and tokenizer"
run 0 "$NEGBANK" check --model model
grep -q '^family  *SigLIP$' out || die "no family"
grep -q '^tokenizer  *sentencepiece, unigram$' out || die "no tokenizer"
run 0 "$NEGBANK" check --json --model model
grep -q '"family": "SigLIP"' out || die "no family in the JSON"

case_ "tokens of every layout"
for layout in hugging-face siglip2; do
    timeout 60 "$NEGBANK" inspect tokens --model "$GOLDEN/siglip/$layout" --jsonl <"$GOLDEN/siglip/cases.jsonl" >got ||
        die "inspect tokens failed"
    # those of 64 tokens; the model has 16
    sed "s/.*\"$layout\": \(\[[^]]*\]\).*/\1/" "$GOLDEN/siglip/cases.jsonl" |
        awk -F', ' -v OFS=', ' 'NF > 16 { for (i = 1; i < 16; i++) printf "%s, ", $i; print "1]"; next } 1' >want
    same got want
done

case_ "stores have the same bytes on any number of ranks, in fp32 and bf16"
run 0 "$NEGBANK" corpus -q --exclude world/labels.txt -o words.nbc noun.few.txt
for precision in fp32 bf16; do
    export NEGBANK_AMX=emulate
    for ranks in 1 3; do
        # shellcheck disable=SC2046
        run 0 $(mpi $ranks) "$NEGBANK" embed text -q --precision $precision --model model -o texts-$ranks.nbe words.nbc
        # shellcheck disable=SC2046
        run 0 $(mpi $ranks) "$NEGBANK" embed images -q --precision $precision --model model --labels-from list \
            -o images-$ranks.nbe world/id-test.txt
    done
    same texts-1.nbe texts-3.nbe
    same images-1.nbe images-3.nbe
    mv texts-1.nbe texts-$precision.nbe
    rm texts-3.nbe images-?.nbe
    unset NEGBANK_AMX
done
cmp -s texts-fp32.nbe texts-bf16.nbe && die "bf16 changes nothing"

case_ "a bank and its scores"
run 0 "$NEGBANK" mine -q --criterion neglabel --texts texts-fp32.nbe --labels world/labels.txt --model model -o b.nbank
run 0 "$NEGBANK" score -q --bank b.nbank --model model -o id.tsv world/id-test.txt
run 0 "$NEGBANK" score -q --bank b.nbank --model model -o near.tsv world/ood-near.txt
run 0 "$NEGBANK" eval --id id.tsv --ood near=near.tsv
prints AUROC

case_ "what is written for CLIP's own towers alone"
run 3 "$NEGBANK" tune --model model --labels world/labels.txt --images world/id-train.txt --batch 32 --steps 1 -o tuned
says "of such towers are not computed"
sed -i 's/"model_type": "siglip",/"model_type": "siglip2",/' model/config.json
run 3 "$NEGBANK" check --model model
says "NaFlex"
finish
