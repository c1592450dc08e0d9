#!/usr/bin/env bash
# WordNet 3.0's nouns and adjectives as a corpus: counts, tags, and independence of ranks and order of the inputs.
source "$TESTS/cli/lib.sh"
W=/usr/share/wordnet
[ -s "$W"/index.noun ] || {
    echo "skipped: the package wordnet-base is absent"
    exit 77
}

case_ "counts add up"
run 0 "$NEGBANK" corpus --format wordnet -o a.nbc $W/index.noun $W/index.adj
says "dropped 58: comment"
says "kept 139277 of 139335"
run 0 "$NEGBANK" inspect info a.nbc --json
prints '"noun": 117798'
prints '"adj": 21479'

case_ "canonical order"
run 0 "$NEGBANK" inspect export -q a.nbc --texts a.txt
[ "$(wc -l <a.txt)" = 139277 ] || die "$(wc -l <a.txt) texts"
LC_ALL=C sort -c a.txt || die "not sorted bytewise"
! grep -q _ a.txt || die "underscores are left"
grep -qx 'yellow jacket' a.txt || die "'yellow jacket' is missing"

case_ "the same bytes on 3 ranks"
# shellcheck disable=SC2046
run 0 $(mpi 3) "$NEGBANK" corpus -q --format wordnet -o b.nbc $W/index.noun $W/index.adj
same a.nbc b.nbc

case_ "excluded labels and a limit are counted"
printf 'dog\nYellow Jacket\n' >labels.txt
run 0 "$NEGBANK" corpus --exclude labels.txt --limit 1000 -o c.nbc $W/index.noun
says "dropped 2: excluded"
says "kept 1000 of"
finish
