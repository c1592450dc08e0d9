#!/usr/bin/env bash
# Embedding on RANKS ranks: the same bytes for every input, way of sharing and number of threads; with a rank that is
# stopped for a while, one whose writing fails, one that alone is asked to stop.
source "$TESTS/cli/lib.sh"
: "${RANKS:?}"
W=/usr/share/wordnet/index.noun
case_ 'the demo world in shards'
run 0 "$NEGBANK" demo -q --random-weights -o world
(cd world/images/wild && tar cf "$T/a.tar" --sort=name ./00* ./01* ./02* && tar czf "$T/b.tar.gz" --sort=name ./03* ./04* &&
    tar cf "$T/c.tar" --sort=name ./[1-9]* ./05* ./06* ./07* ./08* ./09*) 2>/dev/null
inputs=('?.tar*' world/images/id-test)
embed=("$NEGBANK" embed images --model world/model --labels-from none)
run 0 "${embed[@]}" -q -o alone.nbe --decode-threads 0 "${inputs[@]}"

for how in auto node window round-robin; do
    for threads in 0 1 2; do
        case_ "shared by $how, $threads threads"
        # shellcheck disable=SC2046
        run 0 $(mpi "$RANKS") "${embed[@]}" --sharing $how --decode-threads $threads -o ranks.nbe "${inputs[@]}"
        same alone.nbe ranks.nbe
        says 'time of all ranks: read'
        grep -q '"shared by": "' ranks.nbe.run.json || die 'no account in the record of the run'
        rm ranks.nbe
    done
done

case_ "the old word for round-robin is understood, with a warning"
# shellcheck disable=SC2046
run 0 $(mpi "$RANKS") "${embed[@]}" --sharing dealt -o ranks.nbe "${inputs[@]}"
says '--sharing dealt is called round-robin now'
same alone.nbe ranks.nbe
rm ranks.nbe

case_ 'a damaged shard among others ends all ranks'
head -c 30000 c.tar >d.tar
# shellcheck disable=SC2046
run 3 $(mpi "$RANKS") "${embed[@]}" -o ranks.nbe "${inputs[@]}"
says "'d.tar'"
absent ranks.nbe ranks.nbe.partial
rm d.tar

[ -s "$W" ] || {
    echo "the package wordnet-base is absent: no long runs"
    finish
    exit 0
}
case_ 'a corpus'
run 0 "$NEGBANK" corpus -q --format wordnet --limit 40000 -o words.nbc $W
run 0 "$NEGBANK" embed text --model world/model -q -o whole.nbe words.nbc

# Every rank notes its process; what would kill it for a file too long is an error.
cat >rank.sh <<'S'
trap '' XFSZ
echo $$ >pid.${OMPI_COMM_WORLD_RANK:-0}
exec "$@"
S
# begin ARGUMENTS...: embed text in the background, until its partial is there; with $last the process of the last rank.
begin() {
    rm -f pid.* part.nbe*
    # shellcheck disable=SC2046
    timeout -k 5 $LIMIT $(mpi "$RANKS") bash rank.sh "$NEGBANK" embed text --model world/model "$@" -o part.nbe words.nbc >out 2>err </dev/null &
    job=$!
    until_ 100 begun $job part.nbe.partial
    last=$(cat pid.$((RANKS - 1)))
}
# end CODE: waits for it.
end() {
    wait $job
    got=$?
    [ $got = "$1" ] || die "exit code $got instead of $1"
}

for how in auto window; do
    case_ "a rank that stands still for a while, shared by $how"
    begin --sharing $how
    if kill -STOP "$last" 2>/dev/null; then
        sleep 1.5
        kill -CONT "$last"
    fi
    end 0
    same part.nbe whole.nbe
done

# a limit on rank 0 would hit the file's skeleton too, which HDF5 makes in memory
if [ "$RANKS" -gt 1 ]; then
case_ 'a rank whose writing fails ends all with its error'
begin
if prlimit --pid "$last" --fsize=1024 2>/dev/null; then
    wait $job
    got=$?
    if [ $got != 0 ]; then # 0: it was done before
        [ $got = 4 ] || die "exit code $got instead of 4"
        says 'cannot write a tile'
        [ "$(grep -c '^error: ' err)" = 1 ] || die 'not one error'
        absent part.nbe part.nbe.partial
    fi
    case_ 'with --resume what is done stays'
    begin --resume
    prlimit --pid "$last" --fsize=1024
    wait $job
    got=$?
    if [ $got != 0 ]; then
        [ $got = 4 ] || die "exit code $got instead of 4"
        says 'keeps what is done'
        run 0 "$NEGBANK" embed text --model world/model --resume -o part.nbe words.nbc
        says "continuing 'part.nbe.partial'"
    fi
    same part.nbe whole.nbe
else
    end 0
fi
fi

case_ 'one rank asked to stop: all stop'
begin
kill -USR1 "$last" 2>/dev/null
wait $job
got=$?
if [ $got = 0 ]; then
    same part.nbe whole.nbe
else
    [ $got = 85 ] || die "exit code $got instead of 85"
    says_all() { for w in "$@"; do says "$w"; done; }
    says_all 'stopped on request after' '--resume'
    run 0 "$NEGBANK" embed text --model world/model --resume -o part.nbe words.nbc
    same part.nbe whole.nbe
fi

case_ 'images that were looked at are not looked at again'
mkdir many
for i in $(seq -w 0 19); do cp -r world/images/wild "many/$i"; done
run 0 "${embed[@]}" -q -o seen.nbe many
rm -f part.nbe*
# shellcheck disable=SC2046
timeout -k 5 $LIMIT $(mpi "$RANKS") "${embed[@]}" -o part.nbe many >out 2>err </dev/null &
job=$!
until_ 100 begun $job part.nbe.partial
signal_job USR1 $job
wait $job
got=$?
if [ $got != 0 ]; then # 0: it was done before
    [ $got = 85 ] || die "exit code $got instead of 85"
    present part.nbe.images
    run 0 "${embed[@]}" --resume -o part.nbe many
    says 'images looked at were done before'
fi
same part.nbe seen.nbe
absent part.nbe.images
finish
