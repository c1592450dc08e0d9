#!/usr/bin/env bash
# eval: groups, runs, streams, intervals, every table, the report and its plots, on the demo world and on score files
# written here; and what it says about bad ones.
. "$TESTS/cli/world.bash" || exit 1
case_ 'stores of the demo world'
make_stores
done_ embed images -q --model w/model -o near.nbe w/ood-near.txt
done_ embed images -q --model w/model -o far.nbe w/ood-far.txt
for set in near far; do
    done_ score -q --bank b.nbank --images $set.nbe -o $set.tsv
done

# json PATH FILE: a value as text, by python3 where it is there; else the check is left out.
json() {
    command -v python3 >/dev/null || return 0
    python3 - "$1" "$2" <<'P'
import json, sys
value = json.load(open(sys.argv[2]))
for key in sys.argv[1].split("/"):
    value = value[int(key) if isinstance(value, list) else key]
print(value)
P
}
# rows_of FILE head|body: the header line, or the lines behind it.
rows_of() { awk -F '\t' -v want="$2" '/^#/ { next } !seen++ { if (want == "head") print; next } want == "body"' "$1"; }
equal() { [ "$1" = "$2" ] || die "'$1' is not '$2'"; }

ood=(--ood near:n=near.tsv --ood far:f=far.tsv)
case_ 'score files, a bank with stores: the same figures but for the nine digits of a score file'
run 0 "${NB[@]}" eval --id s.tsv "${ood[@]}"
cp out files.txt
run 0 "${NB[@]}" eval --bank b.nbank --id s.nbe --ood near:n=near.nbe --ood far:f=far.nbe
same out files.txt
grep -q '^near  ' out || die 'the group has no line'
case_ 'score files in HDF5: every digit'
for set in s near far; do done_ score -q --bank b.nbank --images $set.nbe -o $set.h5; done
run 0 "${NB[@]}" eval --id s.h5 --ood near:n=near.h5 --ood far:f=far.h5
same out files.txt
refused 3 out.json eval -o out.json --id b.nbank --ood n=near.h5
case_ 'images of another checkpoint than the bank'
model other
flip other/model.safetensors $(($(bytes_of other/model.safetensors) - 40))
done_ embed images -q --model other -o other.nbe w/ood-near.txt
refused 3 out.json eval -o out.json --bank b.nbank --id s.nbe --ood n=other.nbe
says_all "'other.nbe' is of checkpoint" --allow-mismatch
refused 3 out.json eval -o out.json --bank b.nbank --id s.nbe --ood n=other.nbe --score adaneg
says '--allow-mismatch'
run 0 "${NB[@]}" eval --bank b.nbank --id s.nbe --ood n=other.nbe --allow-mismatch
says "'other.nbe' is of checkpoint"

case_ 'groups, intervals and images in JSON'
run 0 "${NB[@]}" eval -q --id s.tsv "${ood[@]}" --ood far:g=near.tsv --bootstrap 50 --seed 3 -o m.json
if command -v python3 >/dev/null; then
    equal "$(json groups/far/datasets m.json)" "['f', 'g']"
    equal "$(json images/n/ood m.json)" "$(json images/g/ood m.json)"
    equal "$(json intervals/resamples m.json) $(json intervals/seed m.json)" '50 3'
    equal "$(json provenance/command m.json)" eval
    equal "$(json intervals/datasets/n/auroc m.json | tr -d '[],' | awk '{ print ($1 < $2) }')" 1
fi
run 0 "${NB[@]}" eval -q --id s.tsv "${ood[@]}" --ood far:g=near.tsv --bootstrap 50 --seed 3 -o again.json
same m.json again.json
run 0 "${NB[@]}" eval -q --id s.tsv "${ood[@]}" --ood far:g=near.tsv --bootstrap 50 --seed 4 -o other.json
cmp -s m.json other.json && die 'another seed gives the same intervals'

case_ 'the order of the rows does not matter, to intervals either'
{ grep '^#' near.tsv; rows_of near.tsv head; rows_of near.tsv body | tac; } >turned.tsv
run 0 "${NB[@]}" eval -q --id s.tsv --ood n=near.tsv --bootstrap 20
cp out straight.txt
run 0 "${NB[@]}" eval -q --id s.tsv --ood n=turned.tsv --bootstrap 20
same out straight.txt

case_ 'several runs: mean and deviation; the same run twice deviates by nothing'
run 0 "${NB[@]}" eval -q --id s.tsv --id s.tsv --ood n=near.tsv --ood n=near.tsv
prints 'standard deviation over 2 runs'
[ "$(awk '/^standard/ { on = 1 } on && $1 == "n" { print $2, $3 }' out)" = '0.00 0.00' ] || die 'it deviates'
printf 'eval:\n  id: [s.tsv, s.tsv]\n  ood: [n=near.tsv, n=far.tsv]\n' >runs.yaml
run 0 "${NB[@]}" eval -q --config runs.yaml
prints 'over 2 runs'
case_ 'a bank with several seeds'
run 0 "${NB[@]}" eval -q --bank b.nbank --id s.nbe --ood n=near.nbe --groups 10 --seed 5 --repeat 3 -o seeds.json
prints 'over 3 runs'
for seed in 5 6 7; do
    run 0 "${NB[@]}" eval -q --bank b.nbank --id s.nbe --ood n=near.nbe --groups 10 --seed $seed -o seed$seed.json
    equal "$(json datasets/n/auroc seed$seed.json)" "$(json runs/$((seed - 5))/datasets/n/auroc seeds.json)"
done

case_ 'a stream of ID and OOD images'
{ cat s.tsv; rows_of near.tsv body | awk -F '\t' -v OFS='\t' '{ $2 = -1; print }'; } >stream.tsv
run 0 "${NB[@]}" eval -q --stream n=stream.tsv
cp out stream.txt
run 0 "${NB[@]}" eval -q --id s.tsv --ood n=near.tsv
same out stream.txt
awk -F '\t' '/^#/ || $2 != -1' stream.tsv >onlyid.tsv
refused 3 out.json eval -o out.json --stream n=onlyid.tsv
says 'no OOD image'
awk -F '\t' '/^#/ || $1 == "image" || $2 == -1' stream.tsv >onlyood.tsv
refused 3 out.json eval -o out.json --stream n=onlyood.tsv
says 'no ID image'

case_ 'stores as streams: each OOD set mixed with the ID images, as score and --stream have it'
rows_of s.tsv body | cut -f 1 >id.names
for set in near far; do
    rows_of $set.tsv body | cut -f 1 >$set.names
    cat id.names $set.names | sort -R --random-source=b.nbank >$set.order
done
# scored SET OPTIONS...: the stream as score writes it, its OOD images with label -1.
scored() {
    local set=$1
    shift
    done_ score -q --force --bank b.nbank --images s.nbe --images $set.nbe --order $set.order "$@" -o raw.tsv
    awk -F '\t' -v OFS='\t' 'NR == FNR { ood[$1]; next } /^#/ || !($1 in ood) { print; next } { $2 = -1; print }' \
        $set.names raw.tsv >stream-$set.tsv
}
# at a temperature at which scores do not end in 1, where nine digits would make them equal
for options in '--score adaneg --temperature 0.1' '--score adaneg --temperature 0.1 --batch 7 --memory 4' '--score interneg --seed 3'; do
    # shellcheck disable=SC2086
    scored near $options
    # shellcheck disable=SC2086
    scored far $options
    run 0 "${NB[@]}" eval -q --stream near:n=stream-near.tsv --stream f=stream-far.tsv
    cp out want.txt
    # shellcheck disable=SC2086
    run 0 "${NB[@]}" eval --bank b.nbank --id s.nbe --ood near:n=near.nbe --ood f=far.nbe $options \
        --order n=near.order --order f=far.order
    says 'n: a stream of'
    same want.txt out
done
run 0 "${NB[@]}" eval -q --bank b.nbank --id s.nbe --ood n=near.nbe --score adaneg --order near.order -o ordered.json
for seed in 3 3 4; do
    run 0 "${NB[@]}" eval -q --force --bank b.nbank --id s.nbe --ood n=near.nbe --score adaneg --seed $seed --csv mixed$seed.csv
    [ ! -e before$seed.csv ] || same before$seed.csv mixed$seed.csv
    cp mixed$seed.csv before$seed.csv
done
cmp -s mixed3.csv mixed4.csv && die 'another seed mixes alike'
run 0 "${NB[@]}" eval -q --bank b.nbank --id s.nbe --ood n=near.nbe --score adaneg --seed 3 --repeat 2 --report streams.html
prints 'over 2 runs'
grep -q 'Quality against the bank' streams.html && die 'a stream has curves about the bank'
refused 3 out.json eval -o out.json --bank b.nbank --id s.nbe --ood n=near.nbe --ood f=far.nbe --score adaneg --order near.order
says "no image is named"
run 0 "${NB[@]}" eval --bank b.nbank --id s.nbe --ood n=near.nbe --batch 3
says '--batch has no effect: the score does not use it'
run 0 "${NB[@]}" eval --id s.tsv --ood n=near.tsv --order near.order
says '--order has no effect: score files are read'
run 0 "${NB[@]}" eval --bank b.nbank --id s.nbe --ood n=near.nbe --score mcm --gamma 0.3 --temperature 2 --seed 1
says '--gamma has no effect: the score does not use it'
grep -Eq -- '--(seed|temperature|score) has no effect' err && die 'what is used is taken for idle'
run 0 "${NB[@]}" eval --id s.tsv --ood n=near.tsv --score mcm --tau 0.3
says '--score has no effect: score files are read'
says '--tau has no effect: score files are read'

case_ 'visual negatives along the streams need a checkpoint or a bank that has some'
refused 2 out.json eval -o out.json --bank b.nbank --id s.nbe --ood n=near.nbe --score interneg --visual 5
says '--visual 5 needs --model'

case_ 'tables'
run 0 "${NB[@]}" eval -q --id s.tsv "${ood[@]}" --bootstrap 10 --csv m.csv --markdown m.md --latex m.tex
grep -q '^| \*\*far\*\* | ' m.md || die 'no far in Markdown'
[ "$(grep -c '^|' m.md)" = 7 ] || die 'not seven rows of Markdown'
grep -q '\\bottomrule' m.tex || die 'no LaTeX'
[ "$(grep -c ',' m.csv)" = $((1 + 5 * 7 + 1)) ] || die 'rows are missing in CSV'
present m.csv.run.json m.md.run.json m.tex.run.json
refused 2 - eval --id s.tsv --ood n=near.tsv --csv m.csv
says "output 'm.csv' exists"
refused 2 - eval --id s.tsv --ood n=near.tsv --csv new.x --latex new.x
says 'given for two outputs'
absent new.x

case_ 'the report: one page with drawings and thumbnails, and plots'
run 0 "${NB[@]}" eval --bank b.nbank --id s.nbe --ood near:n=near.nbe --ood far:f=far.nbe --bootstrap 10 --image-folder w \
    --report r.html --plots plots
for word in '<h2>Summary' '<h2>Scores' '<h2>Curves' '<h2>Quality against the bank' '<h2>Most confused' '<h2>ID accuracy' \
    '<h2>Parameters and provenance' 'nearest negatives' 'log-odds of the score' 'bank size (negative labels' \
    'src="data:image/png;base64,' '95 % of ID above'; do
    grep -qF -- "$word" r.html || die "the page has no '$word'"
done
grep -qE '(src|href)="?(http|//|file|/)' r.html && die 'the page needs something beside it'
grep -qi '<script' r.html && die 'the page has a script'
for plot in scores-1-n scores-2-f roc precision-recall-in precision-recall-out bank-size-auroc groups-fpr95 class-accuracy; do
    present plots/$plot.svg plots/$plot.png
    [ "$(head -c 4 plots/$plot.png | tail -c 3)" = PNG ] || die "'$plot.png' is no PNG"
done
run 2 "${NB[@]}" eval -q --id s.tsv --ood n=near.tsv --plots plots
says 'exists'
case_ 'the same report again, byte for byte'
for i in 1 2; do
    run 0 env SOURCE_DATE_EPOCH=1700000000 "${NB[@]}" eval -q --bank b.nbank --id s.nbe --ood n=near.nbe --image-folder w \
        --report again$i.html
done
same again1.html again2.html
case_ 'a score without negatives has no curves about the bank'
run 0 "${NB[@]}" eval -q --bank b.nbank --id s.nbe --ood n=near.nbe --score mcm --report mcm.html
grep -q 'Quality against the bank' mcm.html && die 'there are curves that say nothing'

case_ 'names that are markup stay names'
mkdir evil
evil='<script>alert(1)<|script>&"'\''x.png'
cp w/images/ood-far/*/000.png "evil/$evil" 2>/dev/null || cp "$(head -n 1 w/ood-far.txt | sed 's|^|w/|; s| .*||')" "evil/$evil"
head -c 100 "evil/$evil" >evil/cut.png
{ printf 'image\tlabel\tclass\tscore\tood_score\n'; printf '%s\t-1\t0\t0.99\t0.01\n' "$evil" cut.png /etc/hostname nowhere.png
  printf 'bad\xff\x01name\t-1\t0\t0.98\t0.02\n'; } >evil.tsv
awk -F '\t' -v OFS='\t' '/^#/ || $1 == "image" { print; next } { $4 = 0.5; $5 = 0.5; print }' s.tsv >half.tsv
printf '</title><script>\nb&c\n' >evil.txt
seq -f 'class %.0f' 3 100 >>evil.txt
run 0 "${NB[@]}" eval --id half.tsv --ood '<i>&"=evil.tsv' --image-folder evil --labels evil.txt --report evil.html --plots evilplots
says '1 thumbnails'
grep -qi -e '<script' -e '<i>' -e '</title><' evil.html && die 'a name became markup'
grep -qF '&lt;script&gt;alert(1)&lt;|script&gt;&amp;&quot;&#39;x.png' evil.html || die 'the name is not there'
cat evilplots/*.svg | grep -qi -e '<script' -e '<i>' && die 'a name became markup in a drawing'
if command -v xmllint >/dev/null; then
    for svg in evilplots/*.svg plots/*.svg; do run 0 xmllint --noout "$svg"; done
elif command -v python3 >/dev/null; then
    run 0 python3 -c 'import sys, xml.dom.minidom; [xml.dom.minidom.parse(f) for f in sys.argv[1:]]' evilplots/*.svg plots/*.svg
fi
run 0 "${NB[@]}" eval -q --id half.tsv --ood 'a=evil.tsv' --image-folder '' --report none.html
grep -qF 'data:image' none.html && die 'there is a thumbnail'

# ---- bad input ----

case_ 'one class alone'
refused 2 out.json eval -o out.json --id s.tsv
says "'eval' needs --ood"
refused 2 out.json eval -o out.json --ood a=s.tsv
says "'eval' needs --id"
: >empty.tsv
refused 3 out.json eval -o out.json --id empty.tsv --ood a=s.tsv
says "'empty.tsv' has no header line"
case_ 'all scores equal'
awk -F '\t' -v OFS='\t' '/^#/ || $1 == "image" { print; next } { $4 = 0.5; $5 = 0.5; print }' near.tsv >flat.tsv
run 0 "${NB[@]}" eval --id half.tsv --ood a=flat.tsv --bootstrap 20 --report flat.html --plots flatplots
says 'are equal: the figures say nothing'
[ "$(awk '$1 == "a" { print $2; exit }' out)" = 50.00 ] || die 'the AUROC of equal scores is not 50'
case_ 'scores of 0 and 1'
{ printf 'image\tlabel\tclass\tscore\tood_score\n'; printf '%s\t0\t0\t1\t0\n' a b; printf 'c\t0\t0\t0.5\t0.5\n'; } >ones.tsv
{ printf 'image\tlabel\tclass\tscore\tood_score\n'; printf '%s\t-1\t0\t0\t1\n' a b; } >zeros.tsv
run 0 "${NB[@]}" eval --id ones.tsv --ood a=zeros.tsv --bootstrap 20 --report ends.html --plots endsplots
[ ! -s err ] || says 'report with'
grep -qi -e '[^a-z]nan[^a-z]' -e '[^a-z]inf[^a-z]' ends.html endsplots/*.svg && die 'a drawing has no numbers'
case_ 'images named twice'
{ cat ones.tsv; printf 'b\t0\t0\t0.25\t0.75\n'; } >twice.tsv
run 0 "${NB[@]}" eval --id twice.tsv --ood a=zeros.tsv
says "'twice.tsv': 1 rows name an image again, 'b' in row 4"
case_ 'labels out of range'
{ printf '# bank 00: 2 labels, 5 negatives\nimage\tlabel\tclass\tscore\tood_score\n'; printf 'a\t0\t1\t1\t0\nb\t2\t1\t1\t0\n'; } >range.tsv
refused 3 out.json eval -o out.json --id range.tsv --ood a=zeros.tsv
says_all "'range.tsv' row 2" "image 'b': label 2, the bank's 2 labels end at 1"
sed 's/^b\t2\t1/b\t1\t7/' range.tsv >class.tsv
refused 3 out.json eval -o out.json --id class.tsv --ood a=zeros.tsv
says 'class 7'
printf 'one\n' >one.txt
refused 3 out.json eval -o out.json --id ones.tsv --ood a=range.tsv --labels one.txt
says "'range.tsv' row 1"
case_ 'labels out of the range of the bank'
head -n 2 w/labels.txt >two.txt
done_ mine -q --texts t.nbe --labels two.txt --model w/model --criterion neglabel --count 20 -o two.nbank
refused 3 out.json eval -o out.json --bank two.nbank --id s.nbe --ood a=near.nbe
says "the bank's 2 labels end at 1"
case_ 'files of different banks, or of different scores'
done_ score -q --bank b.nbank --score mcm --images near.nbe -o mcm.tsv
refused 3 out.json eval -o out.json --id s.tsv --ood a=mcm.tsv
says_all "'s.tsv' and 'mcm.tsv' do not compare" 'score mcm'
done_ mine -q --force --texts t.nbe --labels w/labels.txt --model w/model --criterion neglabel --count 20 -o c.nbank
done_ score -q --bank c.nbank --images near.nbe -o c.tsv
refused 3 out.json eval -o out.json --id s.tsv --ood a=c.tsv
says_all "do not compare: 'bank "
case_ 'runs that do not fit'
refused 2 out.json eval -o out.json --id s.tsv --id s.tsv --ood a=near.tsv
says "'a' has fewer files than there are runs (2)"
refused 2 out.json eval -o out.json --id s.tsv --ood a=near.tsv --repeat 2
says '--repeat scores one set of stores again'
refused 2 out.json eval -o out.json --bank b.nbank --id s.nbe --ood a=near.nbe --repeat 2 --seed none
says '--seed none has none'
refused 2 out.json eval -o out.json --id s.tsv --ood :a=near.tsv
says 'is not NAME=FILE'
refused 2 out.json eval -o out.json --stream a=s.tsv --id s.tsv
says '--stream stands for'

case_ 'leakage: without the negatives that are names, the figures are those of the smaller bank'
few=(mine -q --texts t.nbe --labels w/labels.txt --model w/model --criterion neglabel --seed 0)
done_ "${few[@]}" --count 40 -o b40.nbank
done_ "${few[@]}" --count 34 -o b34.nbank
for n in 34 40; do done_ inspect export -q b$n.nbank --texts b$n.txt; done
grep -vxFf b34.txt b40.txt | tr a-z A-Z >names.txt # case does not count
[ "$(wc -l <names.txt)" = 6 ] || die "$(wc -l <names.txt) negatives instead of 6 are in the larger bank alone"
echo 'in no bank' >>names.txt
sides=(--id s.nbe --ood n=near.nbe --ood f=far.nbe --groups 1 --seed none)
run 0 "${NB[@]}" eval -q --bank b34.nbank "${sides[@]}"
awk '$1 == "f" { print $2, $3, $4 }' out >smaller.txt
run 0 "${NB[@]}" eval -q --bank b40.nbank "${sides[@]}" --ood-names f=names.txt -o leak.json --report leak.html
awk '$1 == "f" { print $2, $3, $4 }' out >whole.txt
prints 'f, 7 names'
[ "$(awk '$1 == "whole" { print $3, $4, $5 }' out)" = "$(cat whole.txt)" ] || die 'the whole bank has other figures'
[ "$(awk '$1 == "without" && $3 == "equal" { print $2, $4, $5, $6 }' out)" = "6 $(cat smaller.txt)" ] ||
    die "without six it is not the smaller bank: $(cat smaller.txt)"
grep -q '6 negatives equal, 0 nearest' leak.html || die 'the report says nothing of it'
grep -q '"without_equal"' leak.json || die 'JSON says nothing of it'
case_ 'leakage: a store of names also finds the nearest'
head -5 b34.txt >five.txt
done_ corpus -q -o five.nbc five.txt
done_ embed text -q --model w/model -o five.nbe five.nbc
run 0 "${NB[@]}" eval -q --bank b40.nbank "${sides[@]}" --ood-names n=five.nbe -o near.json
prints 'without 5 equal'
prints 'none is nearest either' # each name's nearest negative is itself
case_ 'one label: a softmax over labels says nothing, and eval says so'
head -1 w/labels.txt >one.txt
done_ mine -q --texts t.nbe --labels one.txt --model w/model --criterion random --count 5 -o one.nbank
done_ embed images -q --model w/model --labels-from none -o unlabelled.nbe w/id-test.txt
run 0 "${NB[@]}" eval --bank one.nbank --score mcm --id unlabelled.nbe --ood n=near.nbe
says 'with one label a softmax over the labels is always 1'
case_ 'leakage: refused'
refused 2 out.json eval -o out.json --bank b40.nbank "${sides[@]}" --ood-names x=names.txt
says "there is no OOD set 'x'"
refused 2 out.json eval -o out.json --bank b40.nbank "${sides[@]}" --ood-names f=names.txt --ood-names f=names.txt
says 'named twice'
refused 2 out.json eval -o out.json --bank b40.nbank "${sides[@]}" --ood-names names.txt
says 'is not NAME=FILE'
refused 2 out.json eval -o out.json --id s.tsv --ood n=near.tsv --ood-names n=names.txt
says 'needs --bank'
refused 2 out.json eval -o out.json --bank b40.nbank "${sides[@]}" --score adaneg --ood-names n=names.txt
says 'needs --bank'
refused 2 out.json eval -o out.json --bank b40.nbank "${sides[@]}" --ood-names f=b40.txt
says 'every negative'
refused 3 out.json eval -o out.json --bank b40.nbank "${sides[@]}" --ood-names f=nothing.txt
finish
