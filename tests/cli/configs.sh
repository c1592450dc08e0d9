#!/usr/bin/env bash
# The ready run files and label sets (configs/): every run file resolves and is planned, label sets have their sizes, and
# published figures stand beside ours.
. "$TESTS/cli/lib.sh" || exit 1
export OMPI_MCA_ess_singleton_isolated=1 OMPI_MCA_btl=self OMPI_MCA_pml=ob1 # starts four times faster
ln -s "$TESTS/../configs" configs
rates=(--rate texts=1000 --rate images=10 --rate gflops=50 --rate corpus=5)

case_ 'label sets: sizes, no name twice, no stray blanks'
while read -r set size; do
    list=configs/labels/$set.txt
    [ "$(wc -l <"$list")" = "$size" ] || die "$set has not $size names"
    [ "$(sort -u "$list" | wc -l)" = "$size" ] || die "$set has a name twice"
    grep -nE '^ | $|  |^$|	' "$list" && die "$set has stray blanks"
    grep -q "^| \`$set.txt\` | $size |" configs/labels/README.md || die "$set has no line in the page"
done <<'L'
cifar-10 10
cifar-100 100
imagenet-1k 1000
imagenet-100 100
imagenet-200 200
pets-37 37
food-101 101
dtd 47
flowers-102 102
L
for set in imagenet-100 imagenet-200; do # subsets, in the order of the whole
    awk 'NR == FNR { at[$0] = FNR; next } !($0 in at) || at[$0] <= last { exit 1 } { last = at[$0] }' \
        configs/labels/imagenet-1k.txt "configs/labels/$set.txt" || die "$set is no part of imagenet-1k in its order"
done

case_ 'every run file resolves and is planned'
export DATA=data MODEL=$GOLDEN/tiny-quickgelu WORK=work
mkdir work
sed -nE 's/^ *(inputs|images): \$\{DATA\}\/(.*)$/\2/p' configs/*/*.yaml | sort -u | while read -r list; do
    mkdir -p "data/$(dirname "$list")"
    printf 'a.png 0\nb.png 1\nc.png 2\n' >"data/$list"
done
count=0
for file in configs/*/*.yaml; do
    run 0 "$NEGBANK" plan "$file" "${rates[@]}" --items corpus=1000
    [ "$(awk '$1 == "embed-images-id" { print $3 }' out)" = 3 ] || [ "$file" = configs/papers/cma.yaml ] ||
        die "$file does not read its ID list"
    grep -q '^eval  ' out || die "$file has no evaluation"
    count=$((count + 1))
done
[ "$count" -ge 16 ] || die "only $count run files"
run 3 env -u DATA "$NEGBANK" run configs/papers/mcm.yaml --print-stages
says DATA

case_ 'parameters of a paper'
run 0 "$NEGBANK" eval --config configs/papers/adaneg.yaml --print-config
for line in 'score: *"?adaneg' 'groups: *"?5\b' 'beta: *"?5\b' 'batch: *"?256' 'memory: *"?10\b'; do
    grep -Eq "^eval\.$line" out || die "'$line' is not resolved"
done

case_ 'published figures name sets of their run file'
for file in configs/papers/*.yaml; do
    words=()
    while read -r name; do words+=(--ood "$name=ood.tsv"); done < <(sed -nE 's/^    - ([a-z0-9:-]+)=\$\{WORK\}.*/\1/p' "$file")
    while read -r word; do words+=(--published "$word"); done < <(sed -nE 's/^    - "(.*)"$/\1/p' "$file")
    printf 'image\tlabel\tclass\tscore\tood_score\na\t0\t0\t0.9\t0.1\nb\t1\t1\t0.7\t0.3\n' >id.tsv
    printf 'image\tlabel\tclass\tscore\tood_score\nc\t-1\t0\t0.8\t0.2\nd\t-1\t1\t0.2\t0.8\n' >ood.tsv
    run 0 "$NEGBANK" eval -q --id id.tsv "${words[@]}"
    prints 'published; in brackets: ours less that'
done

case_ 'published figures in text, JSON and the report'
run 0 "$NEGBANK" eval -q --id id.tsv --ood near:n=ood.tsv --published n:auroc=70,fpr95_id_positive=52.5 --published near:auroc=71.25 \
    --published mean:auroc=72 --published-from 'a paper & <its> table' -o m.json --report r.html
prints 'published: a paper'
[ "$(awk '/^published/ { on = 1 } on && $1 == "n" { print $2, $3, $4, $5 }' out)" = '70.00 (+5.00) 52.50 (-2.50)' ] ||
    die 'the line of n is another'
[ "$(awk '/^published/ { on = 1 } on && $1 == "near" { print $2, $3, $4 }' out)" = '71.25 (+3.75) -' ] || die 'the group has another line'
tr -d ' \n' <m.json >flat.json
grep -Eq '"published":\{"source":"apaper&<its>table",' flat.json || die 'JSON does not name the source'
grep -Eq '"datasets":\{"n":\{"auroc":0\.(7|69)[0-9]*,"fpr95_id_positive":0\.52[0-9]*\}\},"groups":\{"near":\{"auroc":0\.71[0-9]*\}\},"mean":\{"auroc":0\.7[0-9]*\}' flat.json ||
    die 'JSON has other figures'
grep -q '<small>published 70.00</small>' r.html || die 'the report has no published figure'
grep -q 'Published: a paper &amp; &lt;its&gt; table' r.html || die 'the report does not name the source'
run 0 "$NEGBANK" eval -q --id id.tsv --ood n=ood.tsv
grep -q published out && die 'nothing is published, yet something is printed'
for word in n auroc=3 x:auroc=3 n:speed=3 n:auroc=101 n:auroc=much n:auroc= n:auroc=1,auroc=2 n:auroc; do
    case_ "refused: $word"
    run 2 "$NEGBANK" eval -q --id id.tsv --ood n=ood.tsv --published "$word"
    says '--published'
done
echo "configs: $CASES cases"
