#!/usr/bin/env bash
# Scores are data: a table of the tests' own in place of the product's, and the product's with one file and one line more.
# Each goes from the command line to a score file, a bank's suggestion and figures, and nothing else knows its name.
. "$TESTS/cli/world.bash" || exit 1
make_stores
OWN=("$TOOLS/more_scores")
PATCHED=("$TOOLS/one_more_score")
# prints WORDS: standard output of the last command has them.
prints() { grep -qF -- "$1" "$T/out" || die "the output does not say '$1'"; }
# column NUMBER FILE: of the table.
column() { grep -v '^#' "$2" | tail -n +2 | cut -f "$1"; }

case_ 'help: the names, the parameters of its own, the defaults of all'
run 0 "${OWN[@]}" score --help
prints '--score neglabel|margin '
prints "--temperature T          softmax temperature; default: the bank's, else 0.01, or 0.5 for margin"
prints "--share X                margin: share of the labels' log-sum-exp taken off; default 0.25"
prints '--sign plus|minus        margin: which way is up; default plus'
sed '/^examples:/,$d' "$T/out" | grep -qE 'adaneg|interneg|dnm|--tau|--theta' && die 'help names a score that is not in the table'
run 0 "${OWN[@]}" eval --help
prints "--share X                margin: share of the labels' log-sum-exp taken off; default 0.25"

case_ 'from the command line, the environment and a run file to a score file'
own() { run 0 "${OWN[@]}" "$@"; }
own score --bank b.nbank --images s.nbe --score margin --share 0.5 -o m.tsv
says 'score margin: temperature 0.5 (published default), share 0.5 (command line), sign plus (published default)'
grep -q '^# score margin, temperature 0.5, share 0.5, sign plus$' m.tsv || die 'the score file does not say its parameters'
printf 'score:\n  bank: b.nbank\n  images: s.nbe\n  score: margin\n  share: 0.5\n' >run.yaml
NEGBANK_SCORE_SIGN=minus own score --config run.yaml -o n.tsv
says 'share 0.5 (run file), sign minus (environment)'
cmp <(column 4 m.tsv) <(column 4 n.tsv | sed 's/^-/+/; s/^[0-9]/-&/; s/^+//') || die 'minus is not the opposite of plus'

case_ 'its value is that of the formula: max-logit less share of the log-sum-exp'
own score -q --bank b.nbank --images s.nbe --score margin --share 0 -o top.tsv
done_ score -q --bank b.nbank --images s.nbe --score max-logit --temperature 0.5 -o max.tsv
same <(column 4 top.tsv) <(column 4 max.tsv)

case_ 'bounds, choices and what another score does not use'
run 2 "${OWN[@]}" score --bank b.nbank --images s.nbe --score margin --share 3 -o out.tsv
says "--share: '3' is not within [0, 2]"
run 2 "${OWN[@]}" score --bank b.nbank --images s.nbe --score margin --sign up -o out.tsv
says "--sign: 'up' is none of plus|minus"
run 2 "${OWN[@]}" score --bank b.nbank --images s.nbe --score mcm -o out.tsv
says "--score: 'mcm' is none of neglabel|margin"
own score --bank b.nbank --images s.nbe --share 1 -o o.tsv
says '--share has no effect: the score neglabel does not use it'

case_ 'a bank that suggests it, with a threshold, and figures'
own mine -q --texts t.nbe --labels w/labels.txt --model w/model --id-images i.nbe --reject none --count 50 \
    --score margin --calibrate s.nbe -o m.nbank
own score --bank m.nbank --images s.nbe -o p.tsv
says 'score margin: temperature 0.5 (the bank)'
says 'images are in-distribution by the threshold'
run 3 "${NB[@]}" score --bank m.nbank --images s.nbe -o out.tsv
says "the bank suggests score 'margin', which this version does not know"
"${NB[@]}" embed images -q --model w/model -o f.nbe w/ood-far.txt || die 'embed'
own score -q --bank m.nbank --images f.nbe -o q.tsv
own eval -q --id p.tsv --ood far=q.tsv -o files.json
own eval -q --bank m.nbank --id s.nbe --ood far=f.nbe -o stores.json
figures() { python3 -c 'import json, sys; r = json.load(open(sys.argv[1])); r.pop("provenance"); print(json.dumps(r, sort_keys=True))' "$1" |
    grep -oE '"(auroc|fpr95)": [0-9.]+'; }
same <(figures files.json) <(figures stores.json)
[ -n "$(figures files.json)" ] || die 'no figures'

if [ -x "$TOOLS/one_more_score" ]; then
    case_ 'the product with one file and one line more'
    run 0 "${PATCHED[@]}" score --help
    prints "softmax temperature; default: the bank's, else 0.01, or 1 for mcm, max-logit and gap"
    run 0 "${PATCHED[@]}" score --bank b.nbank --images s.nbe --score gap -o g.tsv
    grep -q '^# score gap, temperature 1$' g.tsv || die 'the score file does not say its parameters'
    run 0 "${PATCHED[@]}" score -q --bank b.nbank --images s.nbe -o s2.tsv
    same s.tsv s2.tsv # the scores that were there are the same
fi
finish
