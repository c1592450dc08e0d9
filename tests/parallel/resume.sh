#!/usr/bin/env bash
# Embedding interrupted by a signal, by a killed rank, and continued on another number of ranks: the same bytes.
source "$TESTS/cli/lib.sh"
: "${RANKS:?}"
need_wordnet
others=$((RANKS % 4 + 1))
embed=("$NEGBANK" embed text --model world/model)

case_ "an undisturbed run"
run 0 "$NEGBANK" demo -q --random-weights -o world
run 0 "$NEGBANK" corpus -q --format wordnet --limit 60000 -o words.nbc $W
run 0 "${embed[@]}" -q -o whole.nbe words.nbc

# interrupt SIGNAL TARGET: starts the run, waits for its partial to grow, sends the signal to mpirun or to one rank.
interrupt() {
    # shellcheck disable=SC2046
    $(mpi "$RANKS") "${embed[@]}" "${@:3}" -o part.nbe words.nbc >out 2>err </dev/null &
    job=$!
    until_ 100 begun $job part.nbe.partial
    sleep 0.3
    case $2 in
    mpirun) signal_job "$1" $job ;;
    rank) kill "-$1" "$(pgrep -P "$(launcher_of $job)" | tail -1)" ;;
    esac
    wait $job
    got=$?
}

case_ "SIGUSR1: state kept, exit code 85"
interrupt USR1 mpirun
if [ $got = 0 ]; then # too fast a machine to interrupt
    same part.nbe whole.nbe
    rm -f part.nbe*
else
    [ $got = 85 ] || die "exit code $got instead of 85"
    says "--resume"
    present part.nbe.partial
    absent part.nbe
fi
case_ "continued on $others ranks"
# shellcheck disable=SC2046
run 0 $(mpi "$others") "${embed[@]}" --resume -o part.nbe words.nbc
same part.nbe whole.nbe
absent part.nbe.partial part.nbe.partial.fresh

case_ "a finished store is left alone"
# shellcheck disable=SC2046
run 0 $(mpi "$others") "${embed[@]}" --resume -o part.nbe words.nbc
says "nothing is left to do"
rm -f part.nbe part.nbe.run.json

case_ "a killed rank"
interrupt KILL rank
[ $got != 85 ] || die "exit code 85 for a killed rank"
absent part.nbe
if [ -e part.nbe.partial ]; then
    # shellcheck disable=SC2046
    run 0 $(mpi "$others") "${embed[@]}" --resume -o part.nbe words.nbc
    says "continuing 'part.nbe.partial'"
    same part.nbe whole.nbe
fi

case_ "a partial of other options is not continued"
rm -f part.nbe part.nbe.run.json
interrupt KILL rank --prompt 'another {}'
if [ -e part.nbe.partial ]; then
    # shellcheck disable=SC2046
    run 0 $(mpi "$others") "${embed[@]}" --resume -o part.nbe words.nbc
    says "starting anew"
    same part.nbe whole.nbe
fi

case_ "a damaged tile of the partial is made again"
rm -f part.nbe part.nbe.run.json
interrupt KILL rank
if [ -e part.nbe.partial ]; then
    printf 'garbage' | dd of=part.nbe.partial bs=1 seek=200000 conv=notrunc status=none
    # shellcheck disable=SC2046
    run 0 $(mpi "$others") "${embed[@]}" --resume -q -o part.nbe words.nbc
    same part.nbe whole.nbe
fi
finish
