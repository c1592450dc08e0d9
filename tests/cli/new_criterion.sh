#!/usr/bin/env bash
# A criterion is one file and one line of a table: a program with new_criterion.patch applied to it, and to nothing else,
# has the criterion's name, options, bounds and help, mines a bank by it, records its parameters, and plans it.
. "$TESTS/cli/world.bash" || exit 1
[ -x "$TOOLS/negbank_new_criterion" ] || {
    echo 'skipped: the program patch is absent'
    exit 77
}
make_stores # with the program as it is
patch=$TESTS/cli/new_criterion.patch

case_ 'the patch: one new file and one line'
[ "$(grep -c '^+++ ' "$patch")" = 2 ] || die 'it is about more than two files'
[ "$(sed -n '/^+++ .*criterion_table.c/,$p' "$patch" | grep -c '^+ ')" = 2 ] || die 'the table changes by more than a line'

case_ 'without it'
refused 2 out.nbank mine --texts t.nbe --labels w/labels.txt --model w/model --criterion axis -o out.nbank
says "'axis' is none of debiased|activation-only|interneg|neglabel|csp|dnm|random"

NB[${#NB[@]} - 1]=$TOOLS/negbank_new_criterion
mine=(mine -q --texts t.nbe --labels w/labels.txt --model w/model --criterion axis)

case_ '--help'
run 0 "${NB[@]}" mine --help
grep -qF 'debiased, activation-only, interneg, neglabel, csp, dnm, random or axis [debiased]' out || die 'the name is not among the criteria'
grep -qE -- '--axis K +axis: number of the axis \[0\]' out || die '--axis is not there'
grep -qE -- '--axis-scale S +axis: factor of its values \[1\]' out || die '--axis-scale is not there'

case_ 'bounds'
refused 2 out.nbank "${mine[@]}" --axis -1 -o out.nbank
says "--axis: '-1' is not within [0, 1000000]"
refused 2 out.nbank "${mine[@]}" --axis-scale 0 -o out.nbank
says "--axis-scale: '0' is not within"
refused 2 out.nbank "${mine[@]}" --axis 100000 -o out.nbank
says '--axis 100000 is beyond width'

case_ 'a bank by the command line'
done_ "${mine[@]}" --axis 3 --axis-scale 2 --explain three.tsv -o three.nbank
run 0 "${NB[@]}" inspect info three.nbank
grep -qE '^ *axis 3$' out && grep -qE '^ *axis-scale 2' out || die 'the bank does not record the parameters'
done_ "${mine[@]}" --axis 3 --explain one.tsv -o one.nbank
python3 - <<'P' || die 'the values are not the axis times the scale, or the ten largest are not selected'
import csv
one, three = ({r["id"]: r for r in csv.DictReader(open(f), delimiter="\t", quoting=csv.QUOTE_NONE)} for f in ("one.tsv", "three.tsv"))
assert list(next(iter(one.values())))[5:] == ["axis", "quantile"], list(next(iter(one.values())))
values = {i: float(r["axis"]) for i, r in one.items()}
assert all(abs(float(three[i]["axis"]) - 2 * v) <= 1e-8 for i, v in values.items()) and len(set(values.values())) > 10
taken = [r for r in one.values() if r["status"] == "selected"]
assert len(taken) == 10
for r in taken: # the largest of their tag
    assert not [i for i, o in one.items() if o["status"] == "candidate" and o["tag"] == r["tag"] and values[i] > values[r["id"]]]
P

case_ 'a bank by a run file, and a plan'
cat >axis.yaml <<'C'
mine:
  texts: t.nbe
  labels: w/labels.txt
  model: w/model
  criterion: axis
  axis: 3
  axis-scale: 2.0
  output: file.nbank
C
run 0 "${NB[@]}" plan axis.yaml --rate gflops=10 --json
cp out three.json
sed -i 's/axis: 3/axis: 0/' axis.yaml
run 0 "${NB[@]}" plan axis.yaml --rate gflops=10 --json
python3 - <<'P' || die 'three axes more do not take 3 GiB more'
import json
three, none = (json.load(open(f))["stages"][0]["memory_per_rank"] for f in ("three.json", "out"))
assert abs(three - none - 3 * 2**30) < 100, (three, none) # printed with nine digits
P
sed -i 's/axis: 0/axis: 3/' axis.yaml
done_ mine -q --config axis.yaml
run 0 "${NB[@]}" inspect export -q three.nbank --texts three.txt
run 0 "${NB[@]}" inspect export -q file.nbank --texts file.txt
same three.txt file.txt
finish
