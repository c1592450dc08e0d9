#!/usr/bin/env bash
# Banks with proxies (format 2) and the score debiased by command line: scores, files of log-odds, figures, the library, what
# is refused; the page on formats reads them; every other score and command takes such a bank as before.
. "$TESTS/cli/world.bash" || exit 1
make_stores
done_ embed images -q --model w/model -o near.nbe w/ood-near.txt
run 0 "$TOOLS/add_proxies" b.nbank p.nbank
run 0 "$TOOLS/add_proxies" b.nbank none.nbank 0
prints() { grep -qF -- "$1" "$T/out" || die "the output does not say '$1'"; }
# rows FILE: the table below its header. column NUMBER FILE: of it.
rows() { grep -v '^#' "$1" | tail -n +2; }
column() { rows "$2" | cut -f "$1"; }

case_ 'scores: log-odds, and a word about it'
done_ score --bank p.nbank --images s.nbe --score debiased -o p.tsv
says 'score debiased: temperature 0.01 (published default), class text (published default)'
grep -q '^# values log-odds$' p.tsv || die 'the score file does not say that its values are log-odds'
rows p.tsv | awk -F '\t' '
    { want = $4 > 0 ? exp(-$4) / (1 + exp(-$4)) : 1 / (1 + exp($4)); if (($5 - want) ^ 2 > 1e-12) exit 1; n++; low += $4 < 0 }
    END { exit !(n > 0) }' || die 'ood_score is not the logistic function of the score'
done_ score -q --bank p.nbank --images near.nbe --score debiased -o near.tsv
column 4 near.tsv | grep -q '^-' || die 'no log-odd is negative: the test says little'
done_ score -q --bank none.nbank --images s.nbe --score debiased -o none.tsv
cmp -s <(column 4 p.tsv) <(column 4 none.tsv) && die 'measured proxies change nothing'
done_ score -q --bank p.nbank --images s.nbe --score debiased --temperature 0.02 -o warm.tsv
cmp -s <(column 4 p.tsv) <(column 4 warm.tsv) && die 'the temperature changes nothing'
done_ score -q --bank p.nbank --images s.nbe --score debiased --class both -o both.tsv
same <(column 4 p.tsv) <(column 4 both.tsv)
grep -q '^# score debiased, temperature 0.01, class both$' both.tsv || die 'the score file does not say its parameters'

case_ 'the same bytes on any number of ranks, and in any order'
for ranks in 2 3; do
    # shellcheck disable=SC2046
    run 0 $(mpi $ranks) "$NEGBANK" score -q --bank p.nbank --images s.nbe --score debiased -o ranks.tsv --force
    same <(rows ranks.tsv) <(rows p.tsv)
done
column 1 p.tsv | tac >backwards
done_ score -q --bank p.nbank --images s.nbe --score debiased --order backwards -o tac.tsv
same <(rows tac.tsv) <(rows p.tsv | tac)

case_ 'a threshold below 0 decides'
done_ score --bank p.nbank --images near.nbe --score debiased --threshold=-2.5 -o decided.tsv
rows decided.tsv | awk -F '\t' '($7 == "in") != ($4 >= -2.5) { exit 1 }' || die 'a decision is wrong'

case_ 'other formats of scores'
for name in p.h5 p.jsonl; do done_ score -q --bank p.nbank --images s.nbe --score debiased -o $name; done
done_ score -q --bank p.nbank --images near.nbe --score debiased -o near.h5
run 0 "${NB[@]}" inspect info --json p.h5
prints '"log_odds": true'
run 0 "${NB[@]}" inspect info --json p.tsv
prints '"log_odds": true'
run 0 "${NB[@]}" inspect diff p.h5 p.h5

case_ 'figures: of score files, of stores, and a report'
run 0 "${NB[@]}" eval -q --id p.tsv --ood near=near.tsv
cp out want
run 0 "${NB[@]}" eval -q --id p.h5 --ood near=near.h5
same out want
done_ score -q --bank p.nbank --images s.nbe --images near.nbe --score debiased -o mixed.tsv
run 0 "${NB[@]}" eval -q --stream near=mixed.tsv
same out want
run 0 "${NB[@]}" eval -q --bank p.nbank --score debiased --id s.nbe --ood near=near.nbe --report r.html --plots plots --bootstrap 50 -o e.json
prints near
awk '$1 == "near" { print $2, $3 }' want >files
awk '$1 == "near" { print $2, $3 }' out >stores
present files stores
awk 'NR == FNR { a = $1; next } { exit !(($1 - a) ^ 2 < 1e-4) }' files stores || die 'files and stores give other figures'
grep -q 'ordered by the score, a log-odd' r.html || die 'the report does not say what orders images'
grep -q 'ln(score)' r.html && die 'the report takes the score for a probability'
grep -q 'Quality against the bank' r.html || die 'the report has no curve over sizes of the bank'
done_ score -q --bank p.nbank --images near.nbe --score neglabel -o other.tsv
refused 3 out.json eval --id p.tsv --ood near=other.tsv -o out.json
says 'do not compare'
grep -v '^# values' p.tsv >bare.tsv
grep -v '^# values' near.tsv >bare-near.tsv
refused 3 out.json eval --id bare.tsv --ood near=bare-near.tsv -o out.json
says 'which makes it no probability'
refused 3 out.json eval --id p.tsv --ood near=none.tsv -o out.json

case_ 'a bank without proxies'
refused 2 out.tsv score --bank b.nbank --images s.nbe --score debiased -o out.tsv
says_all 'the bank has no proxies' '--criterion debiased' 'the score that it suggests, neglabel'
refused3 2 out.tsv score --bank b.nbank --images s.nbe --score debiased -o out.tsv
refused 2 out.json eval --bank b.nbank --score debiased --id s.nbe --ood near=near.nbe -o out.json

case_ 'all other scores take a bank with proxies as one without'
for score in neglabel dnm mcm max-logit energy adaneg interneg; do
    done_ score -q --force --bank b.nbank --images s.nbe --score $score -o plain.tsv
    done_ score -q --force --bank p.nbank --images s.nbe --score $score -o format2.tsv
    same <(rows plain.tsv) <(rows format2.tsv)
done

case_ 'inspect: what is new, what differs, whether it is whole, and out of it'
run 0 "${NB[@]}" inspect info --json p.nbank
prints '"measured": 17'
run 0 "${NB[@]}" inspect info --json b.nbank
prints '"proxies": null'
run 0 "${NB[@]}" inspect verify p.nbank
run 0 "${NB[@]}" inspect diff p.nbank p.nbank
cp p.nbank flipped.nbank
flip flipped.nbank $(($(bytes_of p.nbank) / 2))
run 7 "${NB[@]}" inspect verify flipped.nbank
refused 7 out.tsv score --bank flipped.nbank --images s.nbe -o out.tsv
for pair in 'b.nbank p.nbank' 'p.nbank none.nbank'; do
    # shellcheck disable=SC2086
    run 0 "${NB[@]}" inspect diff --json $pair
    prints '"content": "different"'
    prints '"proxies'
done
done_ inspect export -q p.nbank --log-prior prior.npy --evidence evidence.npy --imputed-proxies imputed.npy \
    --measured-proxies measured.npy
present prior.npy evidence.npy imputed.npy measured.npy
refused 3 out.npy inspect export b.nbank --log-prior out.npy
says 'it has no proxies'

case_ 'the page on formats: its reader in Python'
page=$TESTS/../scoring/FORMATS.md
if /usr/bin/python3 -c 'import h5py, numpy' 2>/dev/null; then
    export HDF5_PLUGIN_PATH=$PLUGIN
    sed -n '/^### A reader in Python/,/^## /s/^    //p' "$page" >reader.py
    ln -s s.nbe test.nbe
    near() { # near WANT: the reader's lines that follow are those of a score file
        awk -F '\t' 'NR == FNR { score[FNR] = $4; class[FNR] = $6; next }
            $2 != class[FNR] || ($3 - score[FNR]) ^ 2 > 1e-6 || NF != 4 { exit 1 }' <(rows "$1") - || die "it does not give the scores of $1"
    }
    n=$(rows p.tsv | wc -l)
    for bank in p none; do
        cp $bank.nbank mine.nbank
        done_ score -q --force --bank mine.nbank --images s.nbe --score neglabel --groups 1 -o plain.tsv
        run 0 /usr/bin/python3 reader.py
        [ "$(wc -l <out)" = $((2 * n)) ] || die 'the reader does not score twice'
        head -n "$n" out | near plain.tsv
        tail -n "$n" out | near $bank.tsv
    done
    cp b.nbank mine.nbank
    run 0 /usr/bin/python3 reader.py
    near plain.tsv <out
else
    echo 'left out: numpy or h5py is absent'
fi
finish
