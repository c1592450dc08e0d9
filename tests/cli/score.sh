#!/usr/bin/env bash
# Scores, streams and predictions by command line: golden data, orders, parameters and their origin, decisions, formats,
# and what is refused. Same bytes on any number of ranks.
. "$TESTS/cli/world.bash" || exit 1
make_stores
count=$(bytes_of s.tsv >/dev/null && grep -vc '^#' s.tsv)
count=$((count - 1))
score=(score --bank b.nbank --images s.nbe)

# rows FILE: the table below its header.
rows() { grep -v '^#' "$1" | tail -n +2; }
# origin WORDS: the log says that a parameter comes from there.
origin() { says "$1 ($2)"; }

# ---- parameters ----

case_ 'every parameter and where it comes from'
done_ "${score[@]}" -o a.tsv
origin 'temperature 0.01' 'the bank'
origin 'groups 1' 'the bank'
origin 'seed none' 'the bank'
done_ "${score[@]}" --score adaneg --beta 3 --proxies task -o b.tsv
origin 'groups 5' 'published default'
origin 'beta 3' 'command line'
origin 'proxies task' 'command line'
origin 'combine sum' 'published default'
grep -q '^# score adaneg, temperature 0.01, groups 5, gamma 0.5, gap 0.5, beta 3, lambda 0.1, memory 10, proxies task, combine sum' b.tsv ||
    die 'the score file does not say its parameters'
NEGBANK_SCORE_TAU=0.9 run 0 "$NEGBANK" "${score[@]}" --score dnm --groups 50 -o c.tsv
origin 'tau 0.9' environment
printf 'score:\n  images: s.nbe\n  score: mcm\n  temperature: 0.5\n' >run.yaml
done_ score --config run.yaml --bank b.nbank -o d.tsv
origin 'temperature 0.5' 'run file'

case_ 'dnm raises the groups and says so'
done_ "${score[@]}" --score dnm --groups 1 --tau 0.1 -o e.tsv
says 'groups raised from 1 to'
refused 2 out.tsv "${score[@]}" --score dnm --tau 0.01 -o out.tsv
says 'rho'

case_ 'a parameter the score does not use'
done_ "${score[@]}" --score mcm --gamma 0.1 -o f.tsv
says '--gamma has no effect'

case_ 'more groups than negatives, and values that are none'
refused 2 out.tsv "${score[@]}" --groups 51 -o out.tsv
says '51 groups cannot be cut from 50 negatives'
refused 2 out.tsv "${score[@]}" --seed some -o out.tsv
says "--seed: 'some' is neither a number nor 'none'"
refused 2 out.tsv "${score[@]}" --score adaneg --gamma 1.5 -o out.tsv
refused 2 out.tsv "${score[@]}" --score adaneg --memory 1 -o out.tsv
refused 2 out.tsv "${score[@]}" --score adaneg --batch 0 -o out.tsv
refused 2 out.tsv "${score[@]}" --combine mean -o out.tsv

case_ 'a seed permutes, none does not'
done_ "${score[@]}" -q --groups 5 --seed none -o none.tsv
done_ "${score[@]}" -q --groups 5 --seed 1 -o one.tsv
done_ "${score[@]}" -q --groups 5 --seed 1 -o again.tsv
same one.tsv again.tsv
cmp -s <(rows none.tsv) <(rows one.tsv) && die 'the seed changes nothing'

# ---- orders ----

case_ 'row numbers and names'
seq 0 $((count - 1)) | sort -R --random-source=b.nbank >numbers.txt
rows a.tsv | cut -f 1 >names.txt
while read -r row; do sed -n "$((row + 1))p" names.txt; done <numbers.txt >order.txt
done_ "${score[@]}" -q --order numbers.txt -o by-number.tsv
done_ "${score[@]}" -q --order order.txt -o by-name.tsv
same by-number.tsv by-name.tsv
while read -r row; do rows a.tsv | sed -n "$((row + 1))p"; done <numbers.txt >want
rows by-number.tsv >got
same got want

case_ 'a stream depends on its order, and its rows are in it'
done_ "${score[@]}" -q --score adaneg --batch 4 --order order.txt -o stream.tsv
rows stream.tsv | cut -f 1 >got
same got order.txt
done_ "${score[@]}" -q --score adaneg --batch 4 -o stream0.tsv
cmp -s <(rows stream.tsv | sort) <(rows stream0.tsv | sort) && die 'the order changes nothing'

case_ 'orders that are none'
refuse_order() { refused 3 out.tsv "${score[@]}" --score adaneg --order x.txt -o out.tsv && says_all x.txt "$@"; }
(cat order.txt && head -1 order.txt) >x.txt
refuse_order "line $((count + 1))" 'stands in line 1 already'
head -n -2 order.txt >x.txt
refuse_order "leaves out 2 of $count images"
(echo nobody.png && cat order.txt) >x.txt
refuse_order 'line 1' "no image is named 'nobody.png'"
(cat numbers.txt && echo "$count") >x.txt
refuse_order "row $count is not within"
(cat numbers.txt && echo -1) >x.txt
refuse_order 'row -1 is not within'
: >x.txt
refuse_order "leaves out $count of $count"
refused 3 out.tsv "${score[@]}" --order nowhere.txt -o out.tsv

case_ 'a stream that is stopped goes on from its state'
done_ score -q --bank b.nbank --images s.nbe --images i.nbe --score adaneg --batch "$count" -o whole.tsv
done_ score --bank b.nbank --images s.nbe --score adaneg --batch "$count" --state a.state -o first.tsv
says 'state -> a.state'
cp a.state half.state
done_ score --bank b.nbank --images i.nbe --score adaneg --batch "$count" --state a.state -o second.tsv
says "goes on from 'a.state', behind $count images"
(rows first.tsv && rows second.tsv) >got
rows whole.tsv >want
same got want
refused 3 out.tsv score --bank b.nbank --images i.nbe --score adaneg --gamma 0.4 --state half.state -o out.tsv
says_all 'half.state' 'with gamma=0.5, this one has gamma=0.4'
refused 3 out.tsv score --bank b.nbank --images i.nbe --score interneg --state half.state -o out.tsv
says 'with score=adaneg, this one has score=interneg'
refused 2 out.tsv score --bank b.nbank --images i.nbe --score neglabel --state half.state -o out.tsv
says 'has none'
refused 3 out.tsv score --bank b.nbank --images i.nbe --score adaneg --state b.nbank -o out.tsv
says 'a negbank stream state is needed'
flip half.state 700
refused 7 out.tsv score --bank b.nbank --images i.nbe --score adaneg --state half.state -o out.tsv

case_ 'several stores; names that two images have'
done_ score -q --bank b.nbank --images s.nbe --images i.nbe -o both.tsv
rows both.tsv | head -n "$count" | cut -f 1-3 >got
rows a.tsv | cut -f 1-3 >want
same got want
run 0 "$NEGBANK" score -q --bank b.nbank --images s.nbe --images s.nbe -o twice.tsv
head -1 names.txt >x.txt
refused 3 out.tsv score --bank b.nbank --images s.nbe --images s.nbe --order x.txt -o out.tsv
says_all 'are both named' 'row numbers'

# ---- decisions and formats ----

case_ 'decisions by a threshold'
head -1 <(grep -v '^#' a.tsv) | grep -q decision && die 'decisions without a threshold'
done_ "${score[@]}" --threshold 0.5 -o t.tsv
says 'by the threshold 0.5 (as asked)'
[ "$(grep -v '^#' t.tsv | head -1)" = "$(printf 'image\tlabel\tclass\tscore\tood_score\tclass_name\tdecision')" ] || die 'the header differs'
rows t.tsv | awk -F '\t' '($4 >= 0.5) != ($7 == "in") { exit 1 }' || die 'a decision is not what the score says'
cut -f 1-6 <(rows t.tsv) >got
rows a.tsv >want
same got want
paste -d '\t' <(rows t.tsv | cut -f 3) <(rows t.tsv | cut -f 6) | while IFS=$'\t' read -r class name; do
    [ "$(sed -n "$((class + 1))p" w/labels.txt)" = "$name" ] || exit 1
done || die 'a class name is not that of its number'

case_ 'JSON lines and HDF5'
done_ "${score[@]}" -q --threshold 0.5 -o t.jsonl
[ "$(wc -l <t.jsonl)" = "$count" ] || die 'not a line an image'
[ "$(grep -c '"decision":"in"' t.jsonl)" = "$(rows t.tsv | grep -c 'in$')" ] || die 'decisions differ'
done_ "${score[@]}" -q --format jsonl --threshold 0.5 -o other.name
same other.name t.jsonl
done_ "${score[@]}" -q --threshold 0.5 -o t.h5
if command -v h5dump >/dev/null; then
    for set in image label class score ood_score class_name decision; do
        run 0 h5dump -d "/$set" t.h5
        prints "( $count )"
    done
fi
refused 2 out.tsv "${score[@]}" --format xml -o out.tsv

case_ 'eval reads what score wrote'
run 0 "$NEGBANK" eval -q --id t.tsv --ood x=t.tsv --as-released
case_ 'eval does not compare different scores'
run 3 "$NEGBANK" eval -q --id t.tsv --ood x=b.tsv
says 'do not compare'

# ---- visual negatives along a stream ----

case_ 'without a checkpoint the bank has the only visual negatives'
done_ "${score[@]}" --score interneg -o plain.tsv
says "without --model: the bank's own 0 visual negatives"
refused 2 out.tsv "${score[@]}" --score interneg --visual 10 -o out.tsv
says_all '--visual 10 needs --model' 'no visual negatives of its own'
done_ mine -q --texts t.nbe --labels w/labels.txt --model w/model --criterion neglabel --count 20 -o bare.nbank
refused 3 out.tsv score --bank bare.nbank --images s.nbe --model w/model --score interneg -o out.tsv
says_all 'no image prototypes' --id-images '--visual 0'
refused3 3 out.tsv score --bank bare.nbank --images s.nbe --model w/model --score interneg -o out.tsv
done_ score --bank bare.nbank --images s.nbe --model w/model --score interneg --visual 0 -o bare.tsv
says 'no visual negatives: none are to be kept'
done_ "${score[@]}" --model w/model -o effect.tsv
says '--model has no effect'

case_ 'with one, confident OOD images change the scores of what follows'
# the demo's towers are drawn by chance: a little training brings labels and their images together
done_ tune -q --model w/model --labels w/labels.txt --images w/id-train.txt --batch 32 --steps 80 --warmup 20 --lr 1e-3 \
    --seed 1 -o tuned
done_ embed text -q --model tuned -o tt.nbe c.nbc
for set in id-train id-test ood-far; do
    done_ embed images -q --model tuned -o "t-$set.nbe" "w/$set.txt"
done
done_ mine -q --texts tt.nbe --labels w/labels.txt --model tuned --id-images t-id-train.nbe --criterion neglabel --count 50 -o t.nbank
visual=(score --bank t.nbank --images t-id-test.nbe --images t-ood-far.nbe --score interneg --groups 1 --theta 0.9)
done_ "${visual[@]}" -o without.tsv
done_ "${visual[@]}" --model tuned -o with.tsv
says_all 'become visual negatives' 'confident OOD images inverted'
grep -q "^# visual negatives by model $("$NEGBANK" check --model tuned 2>/dev/null | sed -n 's/^digest *//p')\$" with.tsv ||
    die 'the score file does not say the checkpoint'
grep -q '; 0 visual negatives stand' err && die 'no image became a visual negative'
[ "$(paste <(rows without.tsv | cut -f 4) <(rows with.tsv | cut -f 4) | awk '$1 != $2 { n++ } END { print (n > 20) }')" = 1 ] ||
    die "the stream's negatives change no scores"
done_ score --bank t.nbank --images t-id-test.nbe --images t-ood-far.nbe --score tins --groups 1 --theta 0.9 --steps 3 --model tuned -o tins.tsv
says_all 'become visual negatives' 'dynamic negatives of'
run 0 "$NEGBANK" eval -q --bank t.nbank --id t-id-test.nbe --ood far=t-ood-far.nbe --score tanl --texts tt.nbe --beta 40 --model tuned
run 2 "$NEGBANK" eval -q --bank t.nbank --id t-id-test.nbe --ood far=t-ood-far.nbe --score tanl --beta 40 --model tuned
says 'needs an embedded corpus'
run 3 "$NEGBANK" eval -q --bank t.nbank --id t-id-test.nbe --ood far=t-ood-far.nbe --score tanl --texts t.nbe --beta 40 --model tuned
says_all 't.nbe' 'is of checkpoint' # a corpus of another one
done_ mine -q --texts tt.nbe --labels w/labels.txt --model tuned --id-images t-id-train.nbe --wild-images t-ood-far.nbe \
    --criterion neglabel --count 20 --visual 5 --visual-method tins --visual-theta 1 --visual-groups 1 -o words.nbank
run 0 "${NB3[@]}" "${visual[@]}" -q --model tuned -o three.tsv
same with.tsv three.tsv
done_ "${visual[@]}" -q --model tuned --batch 16 -o batch.tsv
cmp -s <(rows with.tsv) <(rows batch.tsv) && die 'the batch changes nothing'
awk -F '\t' -v OFS='\t' '!/^#/ && $1 != "image" && ++row > n { $2 = -1 } { print }' n="$(rows s.tsv | wc -l)" with.tsv >stream.tsv
seq 0 $(($(rows with.tsv | wc -l) - 1)) >rows.txt
run 0 "$NEGBANK" eval -q --stream far=stream.tsv
cp out want
run 0 "$NEGBANK" eval --bank t.nbank --score interneg --groups 1 --theta 0.9 --model tuned --id t-id-test.nbe --ood far=t-ood-far.nbe --order rows.txt
says 'become visual negatives'
same want out
run 0 "$NEGBANK" eval -q --bank t.nbank --score interneg --groups 1 --theta 0.9 --id t-id-test.nbe --ood far=t-ood-far.nbe --order rows.txt
cmp -s want out && die 'visual negatives do not change the figures'
refused 3 out.json eval --bank t.nbank --score interneg --model w/model --id t-id-test.nbe --ood far=t-ood-far.nbe -o out.json
says 'is of checkpoint'
files=(score -q --bank t.nbank --model tuned --score interneg --groups 1 --theta 0.9)
done_ "${files[@]}" -o visual-one.tsv w/id-test.txt w/ood-far.txt
run 0 "${NB3[@]}" "${files[@]}" -o visual-three.tsv w/id-test.txt w/ood-far.txt
same visual-one.tsv visual-three.tsv

case_ 'a checkpoint that is not the bank'"'"'s, or none'
refused 3 out.tsv "${visual[@]}" --model w/model -o out.tsv
says_all 'is of checkpoint' --allow-mismatch
refused3 3 out.tsv "${visual[@]}" --model nowhere -o out.tsv

# ---- checkpoints and widths ----

case_ 'images of another checkpoint'
model other
tail=$(($(bytes_of other/model.safetensors) - 40))
flip other/model.safetensors $tail
done_ embed images -q --model other -o other.nbe w/id-test.txt
ours=$("$NEGBANK" check --model w/model 2>/dev/null | sed -n 's/^digest *//p')
theirs=$("$NEGBANK" check --model other 2>/dev/null | sed -n 's/^digest *//p')
[ -n "$ours" ] && [ "$ours" != "$theirs" ] || die 'the checkpoints have the same digest'
refused 3 out.tsv score --bank b.nbank --images other.nbe -o out.tsv
says_all "$ours" "$theirs" --allow-mismatch
refused 3 out.tsv score --bank b.nbank --model other -o out.tsv w/id-test.txt
says_all "$ours" "$theirs"
refused3 3 out.tsv score --bank b.nbank --images other.nbe -o out.tsv
done_ score --bank b.nbank --images other.nbe --allow-mismatch -o allowed.tsv
says_all "$ours" "$theirs"

# ---- ranks ----

case_ 'the same bytes on three ranks'
for name in neglabel dnm mcm max-logit energy adaneg interneg; do
    done_ score -q --bank b.nbank --images s.nbe --images i.nbe --score $name --threshold 0.3 -o "one-$name.tsv"
    run 0 "${NB3[@]}" score -q --bank b.nbank --images s.nbe --images i.nbe --score $name --threshold 0.3 -o "three-$name.tsv"
    same "one-$name.tsv" "three-$name.tsv"
done
for suffix in tsv jsonl h5; do
    done_ score -q --bank b.nbank --model w/model --score adaneg --order order.txt -o "files-one.$suffix" w/id-test.txt
    run 0 "${NB3[@]}" score -q --bank b.nbank --model w/model --score adaneg --order order.txt -o "files-three.$suffix" w/id-test.txt
    same "files-one.$suffix" "files-three.$suffix"
done
head -3 order.txt >x.txt
refused3 3 out.tsv "${score[@]}" --order x.txt -o out.tsv

# ---- the authors' numbers, through files ----

case_ 'golden AdaNeg'
G=$GOLDEN/methods
seq -f 'label %g' 0 39 >labels40.txt
done_ store import -q --embeddings "$G/texts.npy" -o texts.nbe
done_ store import -q --embeddings "$G/id_text.npy" --names labels40.txt -o labels.nbe
done_ store import -q --embeddings "$G/images_id.npy" --labels "$G/images_id_labels.npy" -o id.nbe
done_ store import -q --embeddings "$G/images_ood.npy" -o ood.nbe
(for _ in $(seq 1200); do echo noun; done && for _ in $(seq 300); do echo adj; done) >tags.txt
done_ store import -q --force --embeddings "$G/texts.npy" --tags tags.txt -o texts.nbe
done_ mine -q --texts texts.nbe --labels labels40.txt --label-embeddings labels.nbe --criterion neglabel --bank-precision fp32 --fraction 0.15 -o golden.nbank
done_ score -q --bank golden.nbank --images id.nbe --images ood.nbe --score adaneg --memory 4 --beta 5 --seed none --batch 32 \
    --order "$G/stream_order.npy" -o golden.tsv
# scores in stream order, floats behind a header of 128 bytes
od -An -tf4 -w4 -v -j 128 "$G/score_adaneg_sample.npy" | paste - <(rows golden.tsv | cut -f 4) |
    awk '{ d = $1 - $2; if (d < 0) d = -d; if (d > 1e-5) bad++ } END { exit NR != 640 || bad > 0 }' ||
    die 'scores differ from the golden ones'
od -An -td4 -w4 -v -j 128 "$G/pred_adaneg_sample.npy" | tr -d ' ' >want
rows golden.tsv | cut -f 3 >got
same got want
finish
