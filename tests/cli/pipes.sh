#!/usr/bin/env bash
# Standard input, named pipes and <(...) give what a file of the same bytes gives, on any number of ranks; what is given
# twice, or does not go to standard output, is refused; a reader that leaves ends a command quietly; nothing stays behind.
. "$TESTS/cli/world.bash" || exit 1
make_stores
mkdir tmp
export TMPDIR=$T/tmp
nothing_left() { [ -z "$(ls -A tmp | grep -v '^ompi\|^pmix\|^prte')" ] || die "left behind: $(ls -A tmp)"; }

# piped FILE CODE COMMAND...: as run, with a file through a pipe on standard input.
piped() {
    local file=$1 want=$2
    shift 2
    cat "$file" | timeout -k 5 $LIMIT "$@" >"$T/out" 2>"$T/err"
    got=${PIPESTATUS[1]}
    [ "$got" = "$want" ] || die "exit code $got instead of $want: $*"
    nothing_left
}
words=w/corpus/noun.demo.txt
mkdir dash
cp $words dash/-
done_ corpus -q -o file.nbc dash/-

case_ 'a corpus through pipes'
piped $words 0 "${NB[@]}" corpus -q -o x.nbc -
same file.nbc x.nbc
grep -q '"path": "-"' x.nbc.run.json || die 'the record of the run lacks the name'
for n in 2 4; do
    piped $words 0 mpirun --bind-to none -np $n "$NEGBANK" corpus -q --force -o x.nbc -
    same file.nbc x.nbc
done
run 0 "${NB[@]}" corpus -q --force -o x.nbc <(gzip -c $words)
gzip -c $words >some
piped some 0 "${NB[@]}" corpus -q --force -o y.nbc -
same x.nbc y.nbc
mkfifo noun.demo.txt
done_ corpus -q --force -o file.nbc $words
cat $words >noun.demo.txt &
run 0 "${NB3[@]}" corpus -q --force -o x.nbc noun.demo.txt
same file.nbc x.nbc
case_ 'a manifest through a pipe begins in this folder'
for manifest in "@<" "--manifest=<"; do
    echo $words >list
    piped list 0 "${NB[@]}" corpus -q --force -o x.nbc "${manifest%<}-"
    same file.nbc x.nbc
done
case_ 'the format is told by content'
printf '[{"text": "cat"}, {"text": "dog"}]' | gzip >some
piped some 0 "${NB[@]}" corpus -q --force --key text -o x.nbc -
piped "$GOLDEN/parquet/duckdb-snappy.parquet" 0 "${NB[@]}" corpus -q --force -o x.nbc -
printf '<html>' >some
piped some 3 "${NB[@]}" corpus -q --force -o z.nbc -
says "'-' is an HTML or XML page, not text"
refusal z.nbc

case_ 'labels, stop lists and stores'
mine=(mine -q --force --criterion dnm --reject none --count 50 --id-images i.nbe --model w/model)
piped w/labels.txt 0 "${NB[@]}" "${mine[@]}" --texts t.nbe --labels - -o x.nbank
same b.nbank x.nbank
piped t.nbe 0 "${NB3[@]}" "${mine[@]}" --texts - --labels w/labels.txt -o x.nbank
same b.nbank x.nbank
head -n 3 $words >stop.txt
run 0 "${NB[@]}" "${mine[@]}" --texts t.nbe --labels w/labels.txt --stop-list stop.txt -o x.nbank
run 0 "${NB[@]}" "${mine[@]}" --texts t.nbe --labels <(cat w/labels.txt) --stop-list <(cat stop.txt) -o y.nbank
same x.nbank y.nbank
piped w/labels.txt 0 "${NB[@]}" corpus -q --force --exclude - -o x.nbc $words
done_ corpus -q --force --exclude w/labels.txt -o y.nbc $words
same y.nbc x.nbc
piped c.nbc 0 "${NB[@]}" embed text -q --model w/model -o x.nbe -
same t.nbe x.nbe

case_ 'score files in and out'
piped s.nbe 0 "${NB[@]}" score -q --bank b.nbank --images - -o -
same s.tsv out
run 0 "${NB3[@]}" score -q --bank b.nbank --images s.nbe -o -
same s.tsv out
run 0 "${NB[@]}" score -q --bank b.nbank --images s.nbe --format jsonl -o -
[ "$(head -c 10 out)" = '{"image":"' ] || die 'these are no JSON lines'
sed "s#^#$T/w/#" w/id-test.txt | head -9 >shots
run 0 "${NB[@]}" score -q --bank b.nbank --model w/model -o shots.tsv shots
piped shots 0 "${NB[@]}" score -q --bank b.nbank --model w/model -o - -
same shots.tsv out
piped shots 0 "${NB3[@]}" score -q --bank b.nbank --model w/model --force -o shots3.tsv -
same shots.tsv shots3.tsv
[ ! -e shots3.tsv.inputs ] || die 'what came through the pipe was left'
cp s.tsv near.tsv
run 0 "${NB[@]}" eval -q --id s.tsv --ood near=near.tsv -o m.json
piped s.tsv 0 "${NB[@]}" eval -q --id - --ood near=<(cat s.tsv) -o -
same m.json out
says 'AUROC' # the table, which is for people
run 0 "${NB[@]}" inspect export b.nbank --texts n.txt
piped b.nbank 0 "${NB[@]}" inspect export - --texts -
same n.txt out
piped b.nbank 0 "${NB[@]}" inspect info - --json
prints '"file": "-"'
run 0 "${NB[@]}" store export s.nbe --embeddings e.npy --names names.txt
run 0 "${NB[@]}" store export s.nbe --embeddings -
same e.npy out
piped e.npy 0 "${NB[@]}" store import -q --force --embeddings - --names <(cat names.txt) -o x.nbe
nothing_left

case_ 'a reader that leaves'
seq 300000 >many.txt
done_ corpus -q -o many.nbc many.txt
timeout $LIMIT "${NB[@]}" inspect export many.nbc --texts - 2>err | head -n 1 >out
[ "${PIPESTATUS[0]}" = 4 ] || die 'the exit code is not 4'
! grep -q 'error' err || die 'it spoke of an error'
nothing_left

case_ 'what is refused'
twice() { piped $words 2 "${NB[@]}" "$@"; says 'given twice'; }
twice corpus -o z.nbc - -
twice corpus -o z.nbc - --exclude /dev/stdin
twice corpus -o z.nbc @- --manifest -
twice eval --id - --ood near=-
cat $words >noun.demo.txt & # for the one of them that is opened
run 2 "${NB[@]}" corpus -o z.nbc noun.demo.txt --exclude noun.demo.txt
says 'given twice'
wait
run 2 "${NB[@]}" eval --id s.tsv --ood near=s.tsv --csv - -o -
says 'given twice'
refused 2 - corpus --force -o - $words
says 'does not go to standard output'
refused 2 - inspect export b.nbank --json --texts -
piped $words 2 "${NB[@]}" corpus -o x.nbc - # before a byte is read
says "'x.nbc' exists"
piped /dev/null 3 "${NB[@]}" corpus --force -o z.nbc -
says "'-' is empty"
run 3 "${NB3[@]}" corpus -o z.nbc /dev/fd/77
says 'standard input alone'
printf 'cat\n# dog\n' >some
piped some 3 "${NB[@]}" eval --id s.tsv --ood near=s.tsv --labels -
says "'-' line 2 is a comment"
absent z.nbc z.nbc.partial
nothing_left
finish
