#!/usr/bin/env bash
# The corpus on RANKS ranks: the same bytes as on one, whatever the order of the inputs and the memory; errors end all
# ranks with one code, and nothing is left in scratch folders.
source "$TESTS/cli/lib.sh"
: "${RANKS:?}"
# shellcheck disable=SC2046
build() { run 0 $(mpi "$ranks") "$NEGBANK" corpus -q --force "$@"; }
mkdir scratch in

# 200000 lines, about 5 MB (two pieces), 30 % of them repeated; some blank, some not UTF-8.
awk 'BEGIN { srand(7); for (i = 0; i < 200000; i++) {
    if (i % 1000 == 0) print ""; else if (i % 1777 == 0) printf "bad\377%d\n", i
    else if (i > 100 && rand() < 0.3) print line[int(rand() * 100)]
    else { line[i % 100] = sprintf("some words %d and %d", int(rand() * 1e9), i); print line[i % 100] } } }' >in/big.txt
head -60000 in/big.txt | sed 's/ /_/g' >in/noun.big.txt
tail -30000 in/big.txt | gzip >in/more.txt.gz
printf 'id,text\n1,"one, two"\n2,"three\nfour"\n' >in/small.csv
printf '{"text": "json one"}\n{"text": "some words"}\n' >in/small.jsonl
options=(--column text --key text)

case_ "alone"
ranks=1
build "${options[@]}" -o one.nbc in/big.txt in/noun.big.txt in/more.txt.gz in/small.csv in/small.jsonl
run 0 "$NEGBANK" inspect export -q one.nbc --texts one.txt
LC_ALL=C sort -c one.txt || die 'not in order'

case_ "$RANKS ranks"
ranks=$RANKS
build "${options[@]}" -o two.nbc in/big.txt in/noun.big.txt in/more.txt.gz in/small.csv in/small.jsonl
same one.nbc two.nbc
case_ "other orders, patterns, a manifest"
build "${options[@]}" -o two.nbc in/small.jsonl in/more.txt.gz in/noun.big.txt in/small.csv in/big.txt
same one.nbc two.nbc
build "${options[@]}" -o two.nbc 'in/*.txt' 'in/*.csv' 'in/*.[jg]*'
same one.nbc two.nbc
printf '# all\n%s\nsmall.*\nmore*\n' "$(cd in && sha256sum big.txt noun.big.txt)" >in/list
build "${options[@]}" -o two.nbc @in/list
same one.nbc two.nbc
build "${options[@]}" -o two.nbc --manifest in/list
same one.nbc two.nbc
case_ "little memory, so that runs are spilled"
run 0 $(mpi "$RANKS") "$NEGBANK" corpus --force --memory 1M --scratch scratch "${options[@]}" -o two.nbc @in/list
same one.nbc two.nbc
grep -q ' 0 B in scratch' err && die 'nothing was spilled'
[ -z "$(ls -A scratch)" ] || die "scratch files are left: $(ls -A scratch)"

if [ "$RANKS" = 4 ]; then
    case_ "7 ranks, little memory"
    ranks=7
    build --memory 1M "${options[@]}" -o two.nbc @in/list
    same one.nbc two.nbc
    ranks=$RANKS
fi

case_ "the same lines in other files: the same texts and tags"
split -n l/5 in/big.txt in/part.
gzip -dc in/more.txt.gz >>in/part.aa
build "${options[@]}" -o two.nbc in/part.* in/noun.big.txt in/small.csv in/small.jsonl
run 0 "$NEGBANK" inspect export -q two.nbc --texts two.txt
same one.txt two.txt

case_ "skip and limit are those of the whole"
ranks=1
build "${options[@]}" --skip 1000 --limit 70000 -o l1.nbc @in/list
ranks=$RANKS
build "${options[@]}" --skip 1000 --limit 70000 -o l2.nbc @in/list
same l1.nbc l2.nbc
run 0 "$NEGBANK" inspect export -q l2.nbc --texts l2.txt
tail -n +1001 one.txt | head -70000 | cmp -s - l2.txt || die 'other texts were kept'

# bad CODE WORDS... -- ARGUMENTS: fails with the code on all ranks, says the words, leaves nothing.
bad() {
    local code=$1 words=()
    shift
    while [ "$1" != -- ]; do words+=("$1") && shift; done
    shift
    run "$code" $(mpi "$RANKS") "$NEGBANK" corpus -q -o x.nbc "$@"
    for word in "${words[@]}"; do says "$word"; done
    absent x.nbc x.nbc.partial
    [ -z "$(ls -A scratch)" ] || die 'scratch files are left'
}
case_ "a file cut short, in the part of one rank"
head -c 20000 in/more.txt.gz >cut.gz
bad 3 "'cut.gz' is cut short" 'at byte 20000' -- in/big.txt cut.gz
case_ "a digest that does not match"
sed 's/^[0-9a-f]/0/; s/^0\([0-9a-f]\)/1\1/' in/list >in/wrong
bad 7 'its manifest says' -- "${options[@]}" @in/wrong
case_ "a scratch folder that is not there"
bad 4 "'nowhere'" '--scratch' -- --scratch nowhere in/big.txt
case_ "the scratch space of one rank fails while it sorts"
cat >one.sh <<'S'
[ "${OMPI_COMM_WORLD_RANK:-0}" = "$BAD" ] && { mkdir -p gone && export TMPDIR=$PWD/gone && rmdir gone; }
exec "$NEGBANK" corpus -q --memory 1M -o x.nbc in/big.txt in/noun.big.txt
S
for ((r = 0; r < RANKS && r < 2; r++)); do
    BAD=$r run 4 $(mpi "$RANKS") env BAD=$r NEGBANK="$NEGBANK" bash one.sh
    says "scratch file in"
    absent x.nbc x.nbc.partial
done

# Names for the same 5 MB, so many that sorting them takes seconds.
mkdir many
for i in $(seq 60); do ln in/big.txt "many/$i.txt"; done
# stop SIGNAL all|one: signals all ranks, or one of them, once it has begun to spill.
stop() {
    # shellcheck disable=SC2046
    timeout -k 5 $LIMIT $(mpi "$RANKS") "$NEGBANK" corpus --memory 1M --scratch scratch -o x.nbc 'many/*' >out 2>err </dev/null &
    local job=$! launcher='' ranks=() fds=()
    spilling() {
        launcher=$(launcher_of $job) && mapfile -t ranks < <(pgrep -x -P "$launcher" "$(basename "$NEGBANK")")
        fds=("${ranks[@]/#//proc/}")
        [ ${#ranks[@]} = "$RANKS" ] && find "${fds[@]/%//fd}" -lname "$T/scratch/*" 2>/dev/null | grep -q .
    }
    until_ 100 spilling || die 'it never spills'
    if [ "$2" = all ]; then kill "-$1" "${ranks[@]}"; else kill "-$1" "${ranks[-1]}"; fi
    wait $job
    got=$?
    [ $got = 85 ] || die "exit code $got instead of 85"
    says 'stopped on request'
    says 'begins anew'
    [ "$(grep -c '^stopped: ' err)" = 1 ] || die 'it is not said once'
    absent x.nbc x.nbc.partial
    [ -z "$(ls -A scratch)" ] || die 'scratch files are left'
}
case_ 'SIGTERM to all ranks, as a batch system sends it'
stop TERM all
case_ 'SIGUSR1 to one rank'
stop USR1 one
finish
