#!/usr/bin/env bash
# Text inputs, image lists, matrices and score files that do not say what they should, and choices that leave nothing.
. "$TESTS/cli/world.bash" || exit 1
make_stores
done_ store export -q t.nbe --embeddings t.npy --names t.txt
done_ store export -q i.nbe --embeddings i.npy --labels l.npy
rows=$(wc -l <t.txt)

# ---- the label file ----

mine=(mine --texts t.nbe --model w/model --criterion neglabel --count 5 -o out.nbank)
# labels TEXT WORDS...: a label file of this text (as printf has it) is refused.
labels() {
    # shellcheck disable=SC2059
    printf "$1" >l.txt
    refused 3 out.nbank "${mine[@]}" --labels l.txt
    shift
    says_all "'l.txt'" "$@"
}
case_ 'a label twice, but for case and underscores too: a warning, and each line stays a class'
for criterion in neglabel random; do
    for text in 'cat\ndog\ncat\n' 'cat\ndog\nC\302\255at\n' 'tabby cat\ndog\nTabby_Cat\n'; do
        # shellcheck disable=SC2059
        printf "$text" >l.txt
        run 0 "${NB[@]}" mine -q --force --texts t.nbe --model w/model --criterion $criterion --count 5 --labels l.txt -o twice.nbank
        says_all "warning: 'l.txt': 1 labels have the name of one before them" "line 3 '" 'is line 1'
        run 0 "${NB[@]}" inspect export --force twice.nbank --labels twice.txt
        [ "$(wc -l <twice.txt)" = 3 ] || die "the bank has $(wc -l <twice.txt) labels"
    done
done
run 0 "${NB[@]}" score -q --force --bank twice.nbank --images i.nbe -o twice.tsv
case_ 'label files of other forms'
labels '["cat", "dog"]\n' 'line 1 begins JSON' 'one class name a line'
labels '# pets\ncat\n' 'line 1 is a comment'
labels '0 cat\n1 dog\n' 'line 1 has a number beside its name'
labels 'n02123045 tabby\n' 'WordNet number'
case_ 'a blank line in the middle'
labels 'cat\n\ndog\n' 'line 2 is blank' 'remove blank lines'
case_ 'a blank line at the end'
labels 'cat\ndog\n\n' 'line 3 is blank'
case_ 'a line of blanks'
labels 'cat\n \t \ndog\n' 'line 2 is blank'
case_ 'labels that are not UTF-8'
labels 'cat\nk\xe4fer\n' 'line 2 is not UTF-8 text'
case_ 'labels in UTF-16'
labels '\xff\xfec\0a\0t\0\n\0' 'is UTF-16 text, which is not read'
case_ 'a label with a NUL'
labels 'cat\nd\0g\n' 'line 2 is not UTF-8 text'
case_ 'a label with a control character'
labels 'cat\nd\033[31mg\n' 'line 2 is no text'
case_ 'a label of 10 MB'
long_line >l.txt
refused 3 out.nbank "${mine[@]}" --labels l.txt
says_all "'l.txt' line 1" 'bytes'
refused 3 out.nbc corpus --exclude l.txt -o out.nbc few.txt
says_all "'l.txt' line 1" 'bytes'
case_ 'excluded labels twice'
printf 'quiet\nQUIET\n' >l.txt
printf 'quiet\nqu\342\200\213iet\nloud\302\255\nloud\n\357\273\277 \n' >invisible.txt
done_ corpus -q --exclude l.txt -o invisible.nbc invisible.txt
run 0 "${NB[@]}" inspect export invisible.nbc --texts out.txt
[ "$(cat out.txt)" = loud ] || die "the corpus has '$(cat out.txt)'"

# ---- labels and what belongs to them ----

case_ 'embeddings of other labels'
refused 3 out.nbank mine --texts t.nbe --labels w/labels.txt --label-embeddings t.nbe --criterion neglabel -o out.nbank
says_all "'t.nbe' has $rows label embeddings" 'the label file has'
case_ 'label embeddings in another order'
done_ corpus -q -o k.nbc w/labels.txt
done_ embed text -q --model w/model -o k.nbe k.nbc
done_ inspect export -q k.nbc --texts k.txt
tac k.txt >r.txt
refused 3 out.nbank mine --texts t.nbe --labels r.txt --label-embeddings k.nbe --criterion neglabel -o out.nbank
says_all "label 0 is '$(head -1 r.txt)'" "'k.nbe' is '$(head -1 k.txt)'"
case_ 'label embeddings of another checkpoint'
model other
flip other/model.safetensors $(($(bytes_of other/model.safetensors) - 40))
done_ embed text -q --model other -o elsewhere.nbe k.nbc
refused 3 out.nbank mine --texts t.nbe --labels k.txt --label-embeddings elsewhere.nbe --criterion neglabel -o out.nbank
says_all "'t.nbe' was embedded with checkpoint $("$NEGBANK" check --model w/model 2>/dev/null | sed -n 's/^digest *//p')" \
    "'elsewhere.nbe' with $("$NEGBANK" check --model other 2>/dev/null | sed -n 's/^digest *//p')"
refused3 3 out.nbank mine --texts t.nbe --labels k.txt --label-embeddings elsewhere.nbe --criterion neglabel -o out.nbank
case_ 'labels to be embedded with another checkpoint'
mine_other=(mine --texts t.nbe --labels w/labels.txt --model other --criterion neglabel --count 5)
refused 3 out.nbank "${mine_other[@]}" -o out.nbank
says_all "'t.nbe' was embedded with checkpoint" "'other' with" --allow-mismatch
run 0 "${NB[@]}" "${mine_other[@]}" --allow-mismatch -o mismatch.nbank
says 'mined as --allow-mismatch asks'
case_ 'held-out images of another checkpoint'
done_ embed images -q --model other -o held.nbe w/id-test.txt
refused 3 out.nbank mine --texts t.nbe --labels w/labels.txt --model w/model --criterion neglabel --count 5 \
    --calibrate held.nbe -o out.nbank
says "'held.nbe' with"
case_ 'a criterion that falls back says so in the bank'
done_ embed images -q --model w/model -o shots.nbe w/id-test.txt
run 0 "${NB[@]}" mine --texts t.nbe --labels w/labels.txt --model w/model --id-images shots.nbe --count 5 \
    --criterion activation-only -o fallen.nbank
says 'falls back to dnm density'
grep -q '"criterion used": "dnm"' fallen.nbank.run.json || die 'its record does not say so'
case_ 'parameters of other criteria, from the command line, a run file and the environment'
printf 'mine:\n  criterion: dnm\n  quantile: 0.9\n  neighbours: 5\n' >idle.yaml
run 0 env NEGBANK_MINE_AFFINITY_TEMPERATURE=0.1 "${NB[@]}" mine --config idle.yaml --texts t.nbe --labels w/labels.txt \
    --model w/model --count 5 --tau 0.3 -o idle.nbank
for option in quantile affinity-temperature tau; do
    says "--$option has no effect: the criterion dnm does not use it"
done
grep -q -- '--neighbours has no effect' err && die 'its own parameter is taken for idle'
run 0 "${NB[@]}" mine --config idle.yaml --texts t.nbe --labels w/labels.txt --model w/model --count 5 --tau 0.3 \
    --explain idle.tsv -o explained.nbank
says '--tau has no effect'
grep -q -- '--quantile has no effect' err && die "a parameter of the table's columns is taken for idle"
case_ 'label embeddings that fit'
done_ mine -q --texts t.nbe --labels k.txt --label-embeddings k.nbe --criterion neglabel --count 5 -o good.nbank

interneg=("${mine[@]}" --criterion interneg --labels w/labels.txt --reject none --id-images)
case_ 'ID images without labels'
refused 3 out.nbank "${interneg[@]}" t.nbe
says_all "'t.nbe' has no labels" '--labels-from'
case_ 'a class number beyond the label set'
sed '3s/ [0-9]*$/ 99/' w/id-train.txt >w/beyond.txt
done_ embed images -q --model w/model -o beyond.nbe w/beyond.txt
refused 3 out.nbank "${interneg[@]}" beyond.nbe
says_all "'beyond.nbe' has class 99" 'the label file has' "image '$(sed -n 's/ [0-9]*$//;3p' w/beyond.txt)'"
case_ 'a class without images'
grep -v ' 2$' w/id-train.txt >w/without.txt
done_ embed images -q --model w/model -o without.nbe w/without.txt
refused 3 out.nbank "${interneg[@]}" without.nbe
says_all "class 2 ('$(sed -n 3p w/labels.txt)') has no image in 'without.nbe'"

# ---- image lists and images ----

images=(embed images --model w/model -o out.nbe)
# list WORDS...: the list w/x.txt is refused.
list() {
    refused 3 out.nbe "${images[@]}" w/x.txt
    says_all 'w/x.txt' "$@"
}
case_ 'a list that names a missing image'
{ head -2 w/id-test.txt; echo 'images/nowhere.png 1'; } >w/x.txt
list "'w/x.txt' line 3" "images/nowhere.png': No such file"
case_ 'a list that names a folder'
echo 'images/id-test 0' >w/x.txt
list 'line 1' 'is a directory'
case_ 'a list that names a pipe'
mkfifo w/images/pipe.png
echo 'images/pipe.png 0' >w/x.txt
list 'line 1' 'is not a regular file'
rm w/images/pipe.png
case_ 'a list with a label over all bounds'
echo "$(sed -n '1s/ [0-9]*$//p' w/id-test.txt) 99999999999" >w/x.txt
list 'line 1' 'label 99999999999 is over'
case_ 'a list with a label that is no number'
echo "$(sed -n '1s/ [0-9]*$//p' w/id-test.txt) cat" >w/x.txt
list 'line 1' 'No such file'
case_ 'a list with a label below -1'
echo "$(sed -n '1s/ [0-9]*$//p' w/id-test.txt) -2" >w/x.txt
list 'line 1'
case_ 'a list of nothing but remarks'
printf '# nothing\n\n' >w/x.txt
list 'names no images'
case_ 'a list that is not UTF-8'
printf 'images/\xe9.png 0\n' >w/x.txt
list 'line 1 is not UTF-8'
case_ 'a list line of 10 MB'
long_line >w/x.txt
list 'line 1 has 10000000 bytes'
case_ 'an image whose name has a control character'
mkdir odd
cp w/images/id-test/red_circle/000.png $'odd/a\nb.png'
refused 3 out.nbe "${images[@]}" odd
says_all "'odd' holds no images" "left out of 'odd': a?b.png"
case_ 'an image whose name is not UTF-8'
mv $'odd/a\nb.png' $'odd/\xe9.png'
refused 3 out.nbe "${images[@]}" odd
says_all "'odd' holds no images" "left out of 'odd': ?.png"
rm -r odd
case_ 'labels from folders where there are none'
refused 3 out.nbe "${images[@]}" --labels-from folder w/images/id-test/red_circle
says 'no input is a folder with subfolders'
case_ 'labels from lists where there are none'
refused 3 out.nbe "${images[@]}" --labels-from list w/images/id-test
says 'no line of an image list has a label'
case_ 'labels from both'
refused 2 out.nbe "${images[@]}" w/images/id-test w/id-train.txt
says '--labels-from'

picture=w/images/id-test/red_circle/000.png
size=$(bytes_of $picture)
mkdir p
cp $picture p/good.png
for at in 0 1 8 16 20 25 29 33 40 $((size / 2)) $((size - 20)) $((size - 12)) $((size - 5)) $((size - 1)); do
    case_ "a bit of a PNG, byte $at"
    cp $picture p/bad.png
    flip p/bad.png "$at"
    refused 3 out.png inspect pixels --size 32 p/bad.png -o out.png
    says "'p/bad.png'"
done
for to in 1 7 8 20 33 60 $((size / 2)) $((size - 13)) $((size - 1)); do
    case_ "a PNG cut to $to bytes"
    head -c "$to" $picture >p/bad.png
    refused 3 out.npy inspect pixels --size 32 p/bad.png -o out.npy
    says "'p/bad.png'"
done
case_ 'a PNG that claims four thousand million pixels'
cp $picture p/bad.png
poke p/bad.png 16 '\0\1\0\0\0\1\0\0'
refused 3 out.png inspect pixels --size 32 p/bad.png -o out.png
says "'p/bad.png'"
case_ 'a text that is named as a picture'
cp few.txt p/bad.png
refused 3 out.png inspect pixels --size 32 p/bad.png -o out.png
says 'it is text, not a JPEG, PNG, WebP, GIF, BMP or TIFF image'
case_ 'an empty picture'
: >p/bad.png
refused 3 out.png inspect pixels --size 32 p/bad.png -o out.png
says 'the file is empty'
case_ 'a damaged picture among good ones: named, counted, left out'
head -c 60 $picture >p/bad.png
done_ "${images[@]}" p
says_all 'warning: skipped:' "'p/bad.png'" '1 images -> out.nbe; 1 could not be decoded'
rm out.nbe out.nbe.run.json
case_ 'nothing but damaged pictures'
rm p/good.png
refused 3 out.nbe "${images[@]}" p
says_all 'none of 1 images can be decoded' "'p/bad.png'"
refused 3 out.tsv score --bank b.nbank --model w/model -o out.tsv p
says 'none of 1 images can be decoded'

# ---- the corpus ----

corpus=(corpus -o out.nbc)
case_ 'a corpus of which nothing is left'
printf '\n  \n\t\n' >x.txt
refused 3 out.nbc "${corpus[@]}" x.txt
says_all 'dropped 3: blank' 'no candidate is left of 3 read'
case_ 'a corpus whose texts are all labels'
refused 3 out.nbc "${corpus[@]}" --exclude k.txt k.txt
says_all 'excluded' 'no candidate is left'
case_ 'a corpus of one line of 10 MB'
long_line >x.txt
refused 3 out.nbc "${corpus[@]}" x.txt
says_all 'dropped 1: too-long' 'no candidate is left of 1 read'
case_ 'a corpus with a line of 10 MB among others'
{ echo one; long_line; echo; echo two; } >x.txt
done_ "${corpus[@]}" x.txt
says_all 'dropped 1: too-long' 'kept 2 of 3'
rm out.nbc out.nbc.run.json
case_ 'a corpus with lines that are not UTF-8'
printf 'caf\xe9\n' >x.txt
refused 3 out.nbc "${corpus[@]}" x.txt
says 'dropped 1: '
case_ 'a packed corpus cut short'
{ cat few.txt; seq 100; } | gzip >x.gz
head -c $(($(bytes_of x.gz) - 1)) x.gz >y.gz
refused 3 out.nbc "${corpus[@]}" few.txt y.gz
says_all "'y.gz' is cut short" 'gzip data break off at byte'
case_ 'a packed corpus with a byte changed'
{ head -c $(($(bytes_of x.gz) - 6)) x.gz; printf '\0\0\0\0\0\0'; } >y.gz
refused 3 out.nbc "${corpus[@]}" few.txt y.gz
says_all "'y.gz' is damaged near byte"
case_ 'csv without a column, with one it has not, with a quote left open'
printf 'id,word\n1,one\n2,"two\n' >x.csv
refused 2 out.nbc "${corpus[@]}" x.csv
says_all "'x.csv' is csv, and no column is given" '--column NAME or NUMBER'
refused 3 out.nbc "${corpus[@]}" --column words x.csv
says_all "'x.csv' has no column 'words'" "its first line is 'id,word'"
refused 3 out.nbc "${corpus[@]}" --column word x.csv
says_all "'x.csv' line 3: the quote that begins here is never closed" '--no-quotes'
case_ 'jsonl without a key, or with a line that is none'
printf '{"text": "a"}\n{"text": "b"\n' >x.jsonl
refused 2 out.nbc "${corpus[@]}" x.jsonl
says "'x.jsonl' is jsonl, and no key is given"
refused 3 out.nbc "${corpus[@]}" --key text --strict x.jsonl
says "'x.jsonl' line 2 is no JSON object"
done_ "${corpus[@]}" --key text x.jsonl
says_all 'dropped 1: bad-json' 'kept 1 of 2'
rm out.nbc out.nbc.run.json
case_ 'a pipe in a pattern'
mkfifo pipe
refused 3 out.nbc "${corpus[@]}" 'pip?'
says_all "'pipe' is not a regular file" 'not in patterns'
rm pipe
case_ 'tsv that was written without quoting'
printf '"starts with a quote\tu1\nplain\tu2\nanother"\tu3\nlast\tu4\n' >x.tsv
done_ "${corpus[@]}" --column 1 x.tsv
says_all 'warning: 1 quoted fields of tsv hold tabs and line ends' '--no-quotes' 'kept 2 of 2'
done_ "${corpus[@]}" --force --column 1 --no-quotes x.tsv
says 'kept 4 of 4'
grep -q warning err && die 'it warns of nothing'
rm out.nbc out.nbc.run.json
case_ 'a column or a key that no input has'
refused 2 out.nbc "${corpus[@]}" --column word few.txt
says_all "--column 'word' applies to no input: 'few.txt' is read as lines" '--format'
refused 2 out.nbc "${corpus[@]}" --key word few.txt
says "--key 'word' applies to no input"
refused 2 out.nbc "${corpus[@]}" --key word --column word few.txt x.csv
says "--key 'word' applies to no input"
case_ 'files that hold no text'
printf 'PK\3\4\24\0\0\0' >x.txt
refused 3 out.nbc "${corpus[@]}" x.txt
says_all "'x.txt' is a ZIP archive, not text" 'unpack it'
refused 3 out.nbc "${corpus[@]}" --format lines x.txt
printf 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n' >x.csv
refused 3 out.nbc "${corpus[@]}" --column 1 x.csv
says_all "'x.csv' is a Git LFS pointer" 'git lfs pull'
printf '\n<!DOCTYPE html>\n<html>\n' >x.jsonl
refused 3 out.nbc "${corpus[@]}" --key 1 x.jsonl
says "'x.jsonl' is an HTML or XML page, not text"
cp few.txt x.parquet
refused 3 out.nbc "${corpus[@]}" x.parquet
says "'x.parquet' is a damaged Parquet file"
case_ 'a pattern nothing matches, a manifest that lists what is not there'
refused 3 out.nbc "${corpus[@]}" 'none*.txt'
says "no file matches 'none*.txt'"
printf 'few.txt\nabsent.txt\n' >x.list
refused 3 out.nbc "${corpus[@]}" @x.list
says_all "'x.list' line 2" 'absent.txt'
refused 3 out.nbc "${corpus[@]}" --manifest absent.list
says 'absent.list'
case_ 'a manifest with another digest'
printf '%064d  few.txt\n' 0 >x.list
refused 7 out.nbc "${corpus[@]}" @x.list
says_all "'few.txt' has SHA-256" 'its manifest says 0000000000000000'
case_ 'a size that is none, scratch that is nowhere'
refused 2 out.nbc "${corpus[@]}" --memory 5X few.txt
says "--memory: '5X' is no size"
refused 2 out.nbc "${corpus[@]}" --memory 1K few.txt
refused 4 out.nbc "${corpus[@]}" --scratch absent few.txt
says "cannot make a scratch file in 'absent'"
case_ 'texts that are not UTF-8, replaced'
printf 'caf\351\nplain\n' >x.txt
done_ "${corpus[@]}" --invalid-utf8 replace x.txt
says_all 'sanitised 1' 'kept 2 of 2'
rm out.nbc out.nbc.run.json
case_ 'no WordNet file'
refused 3 out.nbc "${corpus[@]}" --format wordnet few.txt
says "'few.txt' line 1"
case_ 'a corpus file whose name is not UTF-8'
printf 'caf\n' >$'caf\xe9.txt'
done_ "${corpus[@]}" $'caf\xe9.txt'
rm out.nbc out.nbc.run.json

# ---- candidates ----

case_ 'more than there is'
refused 2 out.nbank mine --texts t.nbe --labels k.txt --model w/model --criterion neglabel --count 1000000 -o out.nbank
says_all '--count 1000000 is beyond the' "accepted of $rows"
case_ 'less than one'
refused 3 out.nbank mine --texts t.nbe --labels k.txt --model w/model --criterion neglabel --fraction 1e-9 -o out.nbank
says 'less than one of'
case_ 'all candidates are labels'
refused 3 out.nbank mine --texts k.nbe --labels k.txt --model w/model --criterion neglabel -o out.nbank
says_all "no candidate is left of $(wc -l <k.txt)" 'are ID labels'
case_ 'count and fraction'
refused 2 out.nbank "${mine[@]}" --labels k.txt --fraction 0.5
says '--count 5 and --fraction 0.5 are both given'
case_ 'no label embeddings'
refused 2 out.nbank mine --texts t.nbe --labels k.txt --criterion neglabel -o out.nbank
says '--model DIR or --label-embeddings FILE'
case_ 'both kinds of label embeddings'
refused 2 out.nbank "${mine[@]}" --labels k.txt --label-embeddings k.nbe
says '--model DIR or --label-embeddings FILE'
case_ 'a criterion without its ID images'
for criterion in debiased interneg; do
    refused 2 out.nbank "${mine[@]}" --labels k.txt --criterion $criterion
    says_all "--criterion $criterion" 'needs --id-images'
done
case_ 'rejection without its ID images'
refused 2 out.nbank "${mine[@]}" --labels k.txt --criterion random --reject interneg
says 'needs --id-images'
case_ 'a prompt without a place for the label'
refused 2 out.nbank "${mine[@]}" --labels k.txt --prompt 'a photo'
says "'a photo'"
case_ 'one file for two outputs'
refused 2 out.nbank "${mine[@]}" --labels k.txt --explain out.nbank
says "'out.nbank' is given for two outputs"

# ---- matrices ----

# npy TYPE SHAPE [ORDER]: the header of a matrix, for the bytes that follow.
npy() { printf '\223NUMPY\1\0v\0%-117s\n' "{'descr': '$1', 'fortran_order': ${3:-False}, 'shape': $2, }"; }
# floats 1 0 ...: ones and zeros as single-precision bytes.
floats() {
    for number in "$@"; do
        case $number in
            1) printf '\0\0\200\077' ;;
            0) printf '\0\0\0\0' ;;
            nan) printf '\0\0\300\177' ;;
            inf) printf '\0\0\200\177' ;;
        esac
    done
}
integers() { for number in "$@"; do printf '%b' "\\0$(printf %03o $((number & 255)))\\0$(printf %03o $((number >> 8 & 255)))\\0$(printf %03o $((number >> 16 & 255)))\\0$(printf %03o $((number >> 24 & 255)))"; done; }
printf 'a\nb\n' >ab.txt
{ npy '<f4' '(2, 3)'; floats 1 1 0 1 0 0; } >narrow.npy
{ npy '<f4' '(2, 3)'; floats 0 0 1 0 0 1; } >apart.npy
{ npy '<i4' '(2,)'; integers 0 1; } >01.npy
done_ store import -q -o narrow.nbe --embeddings narrow.npy
done_ store import -q -o apart.nbe --embeddings apart.npy --names ab.txt
{ npy '<f4' '(2, 3)'; floats 1 0 0 0 1 0; } >axes.npy
done_ store import -q -o axes.nbe --embeddings axes.npy --labels 01.npy
case_ 'all candidates are rejected'
refused 3 out.nbank mine --texts narrow.nbe --labels ab.txt --label-embeddings apart.nbe --id-images axes.nbe \
    --criterion interneg -o out.nbank
says 'no candidate is left of 2: 0 are ID labels, 0 on the stop list, 2 rejected by interneg'

# matrix WORDS...: the matrix x.npy is refused.
import=(store import -o out.nbe --embeddings)
matrix() {
    refused 3 out.nbe "${import[@]}" x.npy
    says_all "'x.npy'" "$@"
}
case_ 'no matrix'
cp few.txt x.npy
matrix 'is not a .npy file'
case_ 'a matrix without its header'
printf '\223NUMPY\1\0' >x.npy
matrix 'is not a .npy file'
case_ 'a matrix with half a header'
npy '<f4' '(2, 3)' | head -c 60 >x.npy
matrix 'damaged .npy header'
case_ 'a matrix with a header of 60 KB'
{ printf '\223NUMPY\1\0\377\377'; head -c 70000 /dev/zero; } >x.npy
matrix 'npy header'
case_ 'a matrix cut short'
head -c $(($(bytes_of narrow.npy) - 1)) narrow.npy >x.npy
matrix 'cut short or too long'
case_ 'a matrix with a byte more'
{ cat narrow.npy; printf '\0'; } >x.npy
matrix 'cut short or too long'
case_ 'a matrix of columns'
{ npy '<f4' '(2, 3)' True; floats 1 1 0 1 0 0; } >x.npy
done_ "${import[@]}" x.npy
rm out.nbe out.nbe.run.json
case_ 'a matrix of three dimensions'
{ npy '<f4' '(1, 2, 3)'; floats 1 1 0 1 0 0; } >x.npy
matrix 'is an array of 3 dimensions'
case_ 'a matrix of one dimension'
{ npy '<f4' '(6,)'; floats 1 1 0 1 0 0; } >x.npy
matrix 'is a vector of 6 numbers'
case_ 'a matrix without rows'
npy '<f4' '(0, 3)' >x.npy
matrix 'is not a matrix'
case_ 'a matrix without columns'
npy '<f4' '(3, 0)' >x.npy
matrix 'is not a matrix'
case_ 'a matrix of a size that overflows'
npy '<f4' '(999999999999999, 999999999999999)' >x.npy
matrix 'cut short or too long'
case_ 'a matrix of big-endian numbers'
{ npy '>f4' '(1, 3)'; printf '\077\200\0\0\0\0\0\0\077\200\0\0'; } >x.npy
done_ "${import[@]}" x.npy
rm out.nbe out.nbe.run.json
case_ 'a matrix of complex numbers'
{ npy '<c8' '(1, 3)'; floats 1 1 0 1 0 0; } >x.npy
matrix "elements of type '<c8'"
case_ 'NaN in a matrix'
{ npy '<f4' '(2, 3)'; floats 1 1 0 1 nan 0; } >x.npy
matrix 'row 1 has norm'
case_ 'infinity in a matrix'
{ npy '<f4' '(2, 3)'; floats inf 1 0 1 0 0; } >x.npy
matrix 'row 0 has norm'
case_ 'a row of zeros'
{ npy '<f4' '(2, 3)'; floats 1 1 0 0 0 0; } >x.npy
matrix 'row 1 has norm 0'
case_ 'rows that are too wide'
{ npy '<f4' '(1, 2000000)'; floats 1; head -c 7999996 /dev/zero; } >x.npy
refused 5 out.nbe "${import[@]}" x.npy
says 'width 2000000'
case_ 'names for other rows'
refused 3 out.nbe "${import[@]}" narrow.npy --names few.txt
says "'few.txt' has 3 entries for 2 embeddings"
case_ 'names on one line of 10 MB'
{ echo a; long_line; } >x.txt
refused 3 out.nbe "${import[@]}" narrow.npy --names x.txt
says "'x.txt' line 2 has 10000000 bytes"
case_ 'names that are not UTF-8'
printf 'a\n\xe9\n' >x.txt
refused 3 out.nbe "${import[@]}" narrow.npy --names x.txt
says "'x.txt' line 2 is not UTF-8"
case_ 'labels for other rows'
refused 3 out.nbe "${import[@]}" narrow.npy --labels l.npy
says_all "'l.npy' has" 'entries for 2 embeddings'
case_ 'a label below -1'
{ npy '<i4' '(2,)'; integers 0 -2; } >x.npy
refused 3 out.nbe "${import[@]}" narrow.npy --labels x.npy
says "'x.npy': label 1 is -2"
case_ 'a label that is no number'
{ npy '<f4' '(2,)'; floats 1 nan; } >x.npy
refused 3 out.nbe "${import[@]}" narrow.npy --labels x.npy
says "'x.npy': label 1 is"
case_ 'a tag that is none'
printf 'noun\nverb\n' >x.txt
refused 3 out.nbe "${import[@]}" narrow.npy --tags x.txt
says "'x.txt' line 2: 'verb' is none of none, noun, adj"
case_ 'rows beyond the store'
for range in 1:3 2:1 -1:1 1 a:b 1:1 :99999999999999999999; do
    refused 2 out.npy store export narrow.nbe --embeddings out.npy --rows=$range
    says "'$range' is not a:b within 0:2"
done

# ---- widths ----

case_ 'images of another width than the texts'
refused 3 out.nbank "${mine[@]}" --labels k.txt --wild-images narrow.nbe
says "'narrow.nbe' has width 3, 't.nbe' has width 32"
case_ 'labels of another width than the texts'
refused 3 out.nbank mine --texts t.nbe --labels ab.txt --label-embeddings apart.nbe --criterion neglabel -o out.nbank
says "'apart.nbe' has width 3, 't.nbe' has width 32"
case_ 'a checkpoint of another width than the texts'
refused 3 out.nbank mine --texts narrow.nbe --labels k.txt --model w/model --criterion neglabel -o out.nbank
says "'w/model' has width 32, 'narrow.nbe' has width 3"
case_ 'images of another width than the bank'
refused 3 out.tsv score --bank b.nbank --images narrow.nbe -o out.tsv
says "'narrow.nbe' has embeddings of width 3, the bank's are 32 wide"
refused 3 out.json eval --bank b.nbank --id narrow.nbe --ood far=s.nbe -o out.json
says "'narrow.nbe' has embeddings of width 3"
refused 3 out.json eval --bank b.nbank --id s.nbe --ood far=narrow.nbe -o out.json
says "'narrow.nbe' has embeddings of width 3"
case_ 'a checkpoint of another width than the bank'
done_ mine -q --texts narrow.nbe --labels ab.txt --label-embeddings apart.nbe --criterion random --count 1 -o narrow.nbank
refused 3 out.tsv score --bank narrow.nbank --model w/model -o out.tsv w/id-test.txt
says "'w/model' embeds to width 32, the bank's embeddings are 3 wide"

# ---- scoring ----

score=(score --bank b.nbank -o out.tsv)
case_ 'no images to score'
refused 2 out.tsv "${score[@]}"
says '--images I.nbe, or --model DIR and images'
case_ 'images in two ways'
refused 2 out.tsv "${score[@]}" --images s.nbe --model w/model w/id-test.txt
says 'one of the two'
case_ 'images without a checkpoint'
refused 2 out.tsv "${score[@]}" w/id-test.txt
says '--model DIR'
case_ 'more groups than negatives'
refused 2 out.tsv "${score[@]}" --images s.nbe --groups 51
says '51 groups cannot be cut from 50 negatives'
case_ 'a seed that is none'
refused 2 out.tsv "${score[@]}" --images s.nbe --seed never
says "--seed: 'never'"

# ---- score files ----

eval=(eval -o out.json --ood far=s.tsv --id)
# scores WORDS...: the score file x.tsv is refused.
scores() {
    refused 3 out.json "${eval[@]}" x.tsv
    says_all "'x.tsv'" "$@"
}
# rows TEXT...: a score file of these rows, as printf has them.
rows() {
    # shellcheck disable=SC2059
    { printf 'image\tlabel\tclass\tscore\tood_score\n'; printf "$1"; } >x.tsv
    shift
    scores "$@"
}
case_ 'a score file without a header'
grep -v -e '^#' -e $'^image\tlabel' s.tsv >x.tsv
scores 'line 1' "the header has no column 'image'"
case_ 'a score file of remarks'
grep '^#' s.tsv >x.tsv
scores 'no header line'
case_ 'a score file without rows'
rows '' 'a header but no rows'
case_ 'a column twice'
printf 'image\tlabel\tclass\tscore\tscore\nx\t0\t0\t1\t0\n' >x.tsv
scores "column 'score' appears twice"
case_ 'a column less'
printf 'image\tlabel\tclass\tscore\nx\t0\t0\t1\n' >x.tsv
scores "the header has no column 'ood_score'"
case_ 'a field less'
rows 'x\t0\t0\t1\n' 'line 2 has 4 tab-separated fields, the header has 5'
case_ 'a score that is no number'
rows 'x\t0\t0\thigh\t0\n' "line 2: score 'high' is not a finite number"
case_ 'a score of NaN'
rows 'x\t0\t0\tnan\t0\n' "line 2: score 'nan'"
case_ 'an infinite score'
rows 'x\t0\t0\tinf\tnan\n' "line 2: score 'inf'"
case_ 'a negative probability'
rows 'x\t0\t0\t-0.5\t0.5\n' 'line 2' 'negative'
case_ 'NaN in some rows'
rows 'x\t0\t0\t0.5\t0.5\ny\t0\t0\t0.5\tnan\n' 'line 3' 'nan in others'
case_ 'a class below -1'
rows 'x\t-2\t0\t0.5\t0.5\n' "line 2: label '-2'"
case_ 'a class that is no number'
rows 'x\t0\tcat\t0.5\t0.5\n' "line 2: class 'cat'"
case_ 'an escape that is none'
rows 'x\\q\t0\t0\t0.5\t0.5\n' 'line 2: image' 'is not a name'
case_ 'a NUL in a score file'
rows 'x\0y\t0\t0\t0.5\t0.5\n' 'line 2 holds a NUL'
case_ 'a score line of 10 MB'
{ cat s.tsv; long_line; echo; } >x.tsv
scores 'has 10000000 bytes'
case_ 'score files that do not compare'
awk -F '\t' -v OFS='\t' '!/^#/ { if ($5 != "ood_score") $5 = "nan"; print }' s.tsv >x.tsv
scores 'do not compare'
case_ 'an OOD set without a name'
refused 2 out.json eval -o out.json --id s.tsv --ood s.tsv
says "--ood 's.tsv' is not NAME=FILE"
refused 2 out.json eval -o out.json --id s.tsv --ood =s.tsv
says 'is not NAME=FILE'
case_ 'an OOD set twice'
refused 3 out.json eval -o out.json --id s.tsv --ood a=s.tsv --ood a=s.tsv
says "'a' is given twice"

# ---- tokens ----

# tokens CODE WORDS...: the text x.txt on standard input.
tokens() {
    timeout 60 "$NEGBANK" inspect tokens --model w/model <x.txt >out 2>err
    [ $? = "$1" ] || die "not exit code $1"
    shift
    says_all "$@"
    [ "$(grep -c '^error: ' err)" = 1 ] || die 'there is not one error line'
}
case_ 'text that is not UTF-8'
printf 'a red lantern\ncaf\xe9\nquiet\n' >x.txt
tokens 3 'standard input, line 2' 'is not valid UTF-8'
[ "$(wc -l <out)" = 1 ] || die 'the line before was not printed alone'
case_ 'text of 10 MB on one line'
long_line >x.txt
timeout 60 "$NEGBANK" inspect tokens --model w/model <x.txt >out 2>err || die 'it is refused'
[ "$(tr -cd , <out | wc -c)" = 31 ] || die 'its first 32 tokens are not printed'
case_ 'text of 70 MB on one line'
for i in 1 2 3 4 5 6 7; do long_line; done >x.txt
tokens 5 'standard input, line 1' 'is over the limit'
case_ 'JSON lines that are none'
echo 'quiet' >x.txt
timeout 60 "$NEGBANK" inspect tokens --model w/model --jsonl <x.txt >out 2>err
[ $? = 3 ] || die 'not exit code 3'
says_all 'standard input, line 1' '"text"'
finish
