#!/usr/bin/env bash
# Options: help, where values come from, run files, and what is refused. Nothing but results goes to standard output.
. "$TESTS/cli/world.bash" || exit 1
make_stores
commands=()
while read -r line; do commands+=("$line"); done < <("$NEGBANK" --help | sed -n 's/^  \([a-z]*\( [a-z]\+\)\?\)  .*/\1/p')

# ---- help and version ----

case_ 'the overview'
run 0 "$NEGBANK" --help
prints 'usage: negbank COMMAND'
cp out overview
run 0 "$NEGBANK" help
same out overview
run 2 "$NEGBANK"
[ ! -s out ] || die 'without a command it prints on standard output'
grep -q 'usage: negbank COMMAND' err || die 'no overview on standard error'
[ "${#commands[@]}" -ge 13 ] || die "only ${#commands[@]} commands are listed"
case_ 'the version'
run 0 "$NEGBANK" --version
grep -Eqx 'negbank [0-9]+\.[0-9]+\.[0-9]+ \([0-9a-z-]+\)' out || die 'not the form of a version'
[ ! -s err ] || die 'something is on standard error'
for command in "${commands[@]}"; do
    read -ra words <<<"$command"
    case_ "help of $command"
    run 0 "$NEGBANK" "${words[@]}" --help
    [ ! -s err ] || die 'something is on standard error'
    prints "usage: negbank $command "
    sed -n '/^examples:$/,$p' out | tail -n +2 >examples
    [ "$(grep -cE "^  (.* )?(\| )?negbank $command( |\$)" examples)" -ge 2 ] || die 'it does not end with two examples'
    grep -qvE '^  ' examples && die 'something follows the examples'
    case_ "help of $command beside other words"
    cp out help
    run 0 "$NEGBANK" "${words[@]}" --help -q
    same out help
done

# ---- words that are refused before anything else ----

case_ 'an unknown command'
for words in frobnicate 'embed' 'embed audio' 'inspect' '-x' '--bogus' 'mine2' 'min'; do
    # shellcheck disable=SC2086
    refused 2 - $words
    says_all 'unknown command' "${words%% *}" '--help'
done
for command in "${commands[@]}"; do
    read -ra words <<<"$command"
    case_ "unknown options of $command"
    for option in --bogus --bogus=1 --no-bogus -x --quietly --no-output; do
        refused 2 - "${words[@]}" $option
        says_all "unknown option '${option%=*}' of '$command'" "negbank $command --help"
    done
done
mine=(mine --texts t.nbe --labels w/labels.txt --model w/model --criterion neglabel -o out.nbank)
case_ 'options that are missing'
refused 2 - mine
says "'mine' needs --texts T.nbe"
refused 2 - mine --texts t.nbe --labels w/labels.txt
says "'mine' needs --output FILE"
refused 2 - embed text -o out.nbe --model w/model
says "'embed text' needs C.nbc"
refused 2 - corpus -o out.nbc
says "'corpus' needs INPUT..."
case_ 'a value that is missing'
refused 2 - mine --texts
says '--texts needs a value'
refused 2 - corpus few.txt -o
says '-o needs a value'
case_ 'too many arguments'
refused 2 out.nbe embed text --model w/model -o out.nbe few.nbc c.nbc
says "'embed text' takes no argument 'c.nbc'"
case_ 'a flag with a value'
refused 2 out.nbank "${mine[@]}" --force=perhaps
says "--force: 'perhaps' is neither true nor false"
refused 2 out.nbank "${mine[@]}" --no-force=true
says '--no-force takes no value'

# number OPTION VALUE WORDS
number() {
    refused 2 out.nbank "${mine[@]}" "--$1=$2"
    says "--$1: '$2' $3"
}
case_ 'numbers that are none'
for value in '' ten 1.5 0x10 '1 ' ' 1' 1e3 99999999999999999999 nan; do
    number count "$value" 'is not a whole number'
done
for value in '' half 0,5 '0.5 ' nan inf 1e999; do
    number tau "$value" 'is not a number'
done
case_ 'numbers out of bounds'
number count 0 'is not within [1, 1000000000000]'
number count -5 'is not within'
number count 1000000000001 'is not within'
number tau 0 'is not within'
number tau 1.0001 'is not within'
number fraction 1.5 'is not within'
number quantile -0.1 'is not within [0, 1]'
number neighbours 0 'is not within'
number seed -1 'is not within'
number affinity-temperature 0 'is not within'
refused 2 out.tsv score --bank b.nbank --images s.nbe -o out.tsv --temperature 0
says "--temperature: '0' is not within"
refused 2 out.png inspect pixels --size 0 w/images/id-test/red_circle/000.png -o out.png
says "--size: '0' is not within"
case_ 'choices that are none'
for value in '' debias 'debiased ' DEBIASED 'debiased|interneg' '|' all; do
    number criterion "$value" 'is none of debiased|'
done
refused 2 out.nbe embed text --model w/model few.nbc --store fp64 -o out.nbe
says "--store: 'fp64' is none of fp32|fp16"
refused 2 out.nbe embed images --model w/model w/id-test.txt --labels-from file -o out.nbe
says "--labels-from: 'file' is none of"
refused 2 out.tsv score --bank b.nbank --images s.nbe -o out.tsv --score best
says "--score: 'best' is none of"
case_ 'after --, words are arguments'
cp few.txt ./--tag
done_ corpus -q -o out.nbc -- --tag
rm out.nbc out.nbc.run.json ./--tag

# ---- where values come from ----

# value KEY LINE: the line of this key in what --print-config printed.
value() { grep -qxF -- "$1: $2" out || die "not '$1: $2' but '$(grep -F "$1:" out)'"; }
config() { run 0 env "${environment[@]}" "$NEGBANK" mine --print-config "$@"; }
cat >mine.yaml <<'Y'
mine:
  count: 30
  tau: 0.3
  criterion: neglabel
  prompt: ['a {}.', 'the {}.']
corpus.limit: 7
embed:
  text:
    store: fp16
Y
environment=(NEGBANK_MINE_COUNT=20 NEGBANK_MINE_TAU=0.2 NEGBANK_MINE_QUANTILE=0.2 NEGBANK_MINE_FORCE=yes)
case_ 'defaults'
environment=(X=x)
config
value mine.tau '0.5  # default'
value mine.force 'false  # default'
value mine.count 'auto  # default'
value '# mine.prompt' '# not set'
case_ 'the environment over defaults'
environment=(NEGBANK_MINE_COUNT=20 NEGBANK_MINE_TAU=0.2 NEGBANK_MINE_QUANTILE=0.2 NEGBANK_MINE_FORCE=yes NEGBANK_MINE_PROMPT=p)
config
value mine.count '20  # environment'
value mine.tau '0.2  # environment'
value mine.force 'true  # environment'
value mine.prompt '["p"]  # environment'
value mine.neighbours '100  # default'
case_ 'the run file over the environment'
config --config mine.yaml
value mine.count '30  # run file'
value mine.tau '0.3  # run file'
value mine.quantile '0.2  # environment'
value mine.criterion '"neglabel"  # run file'
value mine.prompt '["a {}.", "the {}."]  # run file'
case_ 'the command line over all, wherever --config stands'
for place in 1 2; do
    if [ $place = 1 ]; then
        config --count 40 --no-force --prompt 'one {}' --config mine.yaml
    else
        config --config=mine.yaml --count=40 --no-force --prompt='one {}'
    fi
    value mine.count '40  # command line'
    value mine.force 'false  # command line'
    value mine.prompt '["one {}"]  # command line'
    value mine.tau '0.3  # run file'
    value mine.quantile '0.2  # environment'
done
case_ 'the last of two on the command line; all of a list'
config --count 1 --count 2 --prompt a --prompt b
value mine.count '2  # command line'
value mine.prompt '["a", "b"]  # command line'
case_ 'only the keys of the command are taken'
run 0 "$NEGBANK" corpus --print-config --config mine.yaml
value corpus.limit '7  # run file'
run 0 "$NEGBANK" embed text --print-config --config mine.yaml
value embed.text.store '"fp16"  # run file'
case_ 'a run takes what is printed'
environment=(X=x)
NEGBANK_MINE_TEXTS=t.nbe run 0 "${NB[@]}" mine -q --config mine.yaml --labels w/labels.txt --model w/model -o out.nbank
run 0 "$NEGBANK" inspect info --json out.nbank
prints '"negatives": 30'
prints '"tau": 0.3'
rm out.nbank out.nbank.run.json
case_ 'count and fraction from two sources: the stronger'
config --config mine.yaml --fraction 0.5
done_ mine -q --config mine.yaml --fraction 0.01 --texts t.nbe --labels w/labels.txt --model w/model -o out.nbank
run 0 "$NEGBANK" inspect info --json out.nbank
grep -q '"negatives": 30' out && die 'the count of the run file beat the fraction of the command line'
rm out.nbank out.nbank.run.json

# What is printed is a run file that gives the same again.
again() {
    case_ "what $* prints is a run file"
    run 0 "$NEGBANK" "$@" --print-config
    sed 's/  # .*//' out >first
    cp out first.yaml
    words=()
    for word in "$@"; do
        case $word in -*) break ;; esac
        words+=("$word")
    done
    run 0 "$NEGBANK" "${words[@]}" --print-config --config first.yaml
    sed 's/  # .*//' out >second
    same first second
}
for command in "${commands[@]}"; do
    read -ra words <<<"$command"
    again "${words[@]}"
done
again mine --count 5 --tau 0.1234567890123 --prompt 'a "quoted" \ {}' --prompt $'tab\tand\nline {}' --prompt 'it'"'"'s {}' -q
again mine --labels 'dollar $HOME ${HOME} $$ $5 $' --texts 'käse ☃ # no: comment' --prompt '' --prompt '- {}' --output ''
again corpus --limit 3 -o '*anchor &x !tag % @' --tag none

# ---- run files ----

case_ 'variables'
cat >v.yaml <<'Y'
mine.texts: $NB_PLACE/t.nbe
mine.labels: "${NB_PLACE}s/${NB_NONE}l.txt"
mine.model: a$$b
mine.id-images: 5$
mine.prompt: [$NB_PLACE, 'x${NB_PLACE}y']
Y
run 0 env NB_PLACE=/data NB_NONE= "$NEGBANK" mine --print-config --config v.yaml
value mine.texts '"/data/t.nbe"  # run file'
value mine.labels '"/datas/l.txt"  # run file'
value mine.model '"a$$b"  # run file'
value mine.id-images '"5$$"  # run file'
value mine.prompt '["/data", "x/datay"]  # run file'
case_ 'a variable that is not set'
refused 3 - mine --print-config --config v.yaml
says_all "'v.yaml'" '$NB_PLACE is not set'
case_ 'nested and dotted keys are the same'
printf 'mine.tau: 0.25\n' >dotted.yaml
printf 'mine:\n  tau: 0.25\n' >nested.yaml
run 0 "$NEGBANK" mine --print-config --config dotted.yaml
cp out first
run 0 "$NEGBANK" mine --print-config --config nested.yaml
same out first
value mine.tau '0.25  # run file'
case_ 'an empty run file, one of remarks'
: >x.yaml
run 0 "$NEGBANK" mine --print-config --config x.yaml
printf '# nothing\n' >x.yaml
run 0 "$NEGBANK" mine --print-config --config x.yaml

# yaml CODE TEXT WORDS...: the run file x.yaml of this text is refused.
yaml() {
    # shellcheck disable=SC2059
    printf "$2" >x.yaml
    refused "$1" out.nbank "${mine[@]}" --config x.yaml
    shift 2
    says_all "'x.yaml'" "$@"
}
case_ 'malformed YAML'
yaml 3 'mine: {count: 3\n' 'is not YAML'
yaml 3 'mine:\n\tcount: 3\n' 'line 2'
yaml 3 'mine: "count\n' 'is not YAML'
yaml 3 'mine: [1, 2\n' 'is not YAML'
yaml 3 'mine:\n  count: 3\n tau: 4\n' 'line 3'
yaml 3 'mine.prompt: \xff\xfe{}\n' 'is not YAML'
case_ 'YAML that is no mapping'
yaml 3 'count\n' 'line 1' 'a mapping of keys to values'
yaml 3 '[mine, count]\n' 'a mapping of keys to values'
yaml 3 'mine: &a {count: 3}\nmine: *a\n' 'aliases are not supported'
yaml 3 '? [a]\n: 3\n' 'a key must be a plain word'
yaml 3 'mine.prompt: [[a]]\n' 'plain values only'
yaml 3 'mine.prompt: [{a: b}]\n' 'plain values only'
yaml 3 'mine.prompt: "a\\0b {}"\n' 'NUL'
case_ 'YAML that is nested too deeply'
{ for i in $(seq 1 40); do printf '%*sa:\n' $i ''; done; } >deep.yaml
refused 3 out.nbank "${mine[@]}" --config deep.yaml
says 'nested too deeply'
head -c 500000 /dev/zero | tr '\0' '[' >deep.yaml
refused 3 out.nbank "${mine[@]}" --config deep.yaml
says "'deep.yaml'"
head -c 500000 /dev/zero | tr '\0' '{' >deep.yaml
refused 3 out.nbank "${mine[@]}" --config deep.yaml
says "'deep.yaml'"
case_ 'unknown keys'
yaml 2 'mine:\n  cuont: 3\n' "unknown key 'mine.cuont'" '--print-config'
yaml 2 'mein:\n  count: 3\n' "unknown key 'mein.count'"
yaml 2 'count: 3\n' "unknown key 'count'"
yaml 2 'mine.count.more: 3\n' "unknown key 'mine.count.more'"
yaml 2 'embed.text.bogus: 3\n' "unknown key 'embed.text.bogus'"
yaml 3 "$(printf 'k%.0s' {1..300}): 3\n" 'key too long'
case_ 'values that are refused'
yaml 2 'mine.count: many\n' "mine.count in 'x.yaml': 'many' is not a whole number, nor auto"
yaml 2 'mine.count:\n' "mine.count in 'x.yaml': '' is not a whole number"
yaml 2 'mine.count: 0\n' "mine.count in 'x.yaml': '0' is not within"
yaml 2 'mine.tau: 7\n' "mine.tau in 'x.yaml': '7' is not within"
yaml 2 'mine.distance: flat\n' "mine.distance in 'x.yaml': 'flat' is none of"
yaml 2 'mine.force: maybe\n' "mine.force in 'x.yaml': 'maybe' is neither"
case_ 'a run file of 10 MB on one line'
{ printf 'mine.labels: '; long_line; } >x.yaml
refused 3 out.nbank "${mine[@]}" --config x.yaml
says_all "'x.yaml' has" 'bytes, at most'
case_ 'a value of a megabyte'
{ printf 'mine.count: '; head -c 1000000 /dev/zero | tr '\0' 'x'; } >x.yaml
refused 2 out.nbank "${mine[@]}" --config x.yaml
says "mine.count in 'x.yaml': 'xxx"
case_ 'variables of the environment are checked'
environment=(NEGBANK_MINE_COUNT=many)
run 2 env "${environment[@]}" "${NB[@]}" "${mine[@]}"
refusal out.nbank
says "NEGBANK_MINE_COUNT: 'many' is not a whole number"

# ---- what is printed where ----

case_ 'commands that write files print nothing'
done_ corpus -o out.nbc few.txt
done_ embed text --model w/model -o out.nbe out.nbc
done_ embed images --model w/model -o out-i.nbe w/images/id-test/red_circle
done_ store export out.nbe --embeddings out.npy --names out.txt
done_ store import -o out-m.nbe --embeddings out.npy --names out.txt
done_ mine --texts t.nbe --labels w/labels.txt --model w/model --criterion neglabel --count 9 --explain out.tsv -o out.nbank
done_ score --bank out.nbank --images out-i.nbe -o out-s.tsv
done_ inspect export out.nbank --texts out-t.txt
done_ inspect pixels w/images/id-test/red_circle/000.png --size 16 -o out.png
done_ demo -o out-w
case_ 'quiet means quiet'
rm -rf out.* out-*
done_ corpus -q -o out.nbc few.txt
[ ! -s err ] || die 'something is on standard error'
done_ embed text -q --model w/model -o out.nbe out.nbc
[ ! -s err ] || die 'something is on standard error'
case_ 'log lines as JSON, errors too, whatever bytes a name has'
run 0 "${NB[@]}" corpus --log-json -o out2.nbc few.txt
grep -qvE '^\{"time":.*"level":"info","command":"corpus","message":.*\}$' err && die 'a line is no JSON object'
run 3 "${NB[@]}" corpus --log-json -o out3.nbc $'absent\xff\033.txt'
[ "$(wc -l <err)" = 1 ] || die 'not one line'
says_all '"level":"error"' "cannot open 'absent??.txt'" '"status":"bad input"'
absent out3.nbc
case_ 'results go to standard output alone'
run 0 "${NB[@]}" eval --id s.tsv --ood a=s.tsv
[ ! -s err ] || die 'something is on standard error'
prints AUROC
run 0 "$NEGBANK" inspect info out.nbc
[ ! -s err ] || die 'something is on standard error'
case_ 'names that need escapes in score files'
{ printf 'tab\there\n'; printf 'back\\slash\n'; printf '# remark\n'; seq -f 'plain %.0f' 4 "$(wc -l <w/id-test.txt)"; } >names.txt
done_ store export -q s.nbe --embeddings s.npy --labels l.npy
done_ store import -q -o odd.nbe --embeddings s.npy --labels l.npy --names names.txt
done_ score -q --bank b.nbank --images odd.nbe -o odd.tsv
grep -qF 'tab\there' odd.tsv || die 'the tab is not escaped'
grep -qF 'back\\slash' odd.tsv || die 'the backslash is not escaped'
run 0 "$NEGBANK" eval --id odd.tsv --ood a=odd.tsv
cp out first
run 0 "$NEGBANK" eval --id s.tsv --ood a=s.tsv
same out first
case_ 'texts that need escapes in the table of candidates'
done_ store export -q t.nbe --embeddings t.npy --names t.txt
{ printf 'tab\there\nback\\slash\n'; tail -n +3 t.txt; } >names.txt
done_ store import -q -o odd-t.nbe --embeddings t.npy --names names.txt
done_ mine -q --texts odd-t.nbe --labels w/labels.txt --model w/model --criterion random --count 5 --explain why.tsv -o odd.nbank
grep -qF $'0\ttab\\there\tnone\t' why.tsv || die 'the tab is not escaped'
grep -qF $'1\tback\\\\slash\tnone\t' why.tsv || die 'the backslash is not escaped'
[ "$(awk -F'\t' '{ print NF }' why.tsv | sort -u | wc -l)" = 1 ] || die 'the rows have different numbers of fields'
case_ 'file names that are not UTF-8'
cp out.nbc $'caf\xe9.nbc'
run 0 "$NEGBANK" inspect info --json $'caf\xe9.nbc'
prints '"file": "caf?.nbc"'
finish
