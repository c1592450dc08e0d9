#!/usr/bin/env bash
# Fine-tuning on RANKS ranks and alone: the same checkpoint and log; interrupted, killed and continued: the same again.
source "$TESTS/cli/lib.sh"
: "${RANKS:?}"
others=$((RANKS % 4 + 1))
run 0 "$NEGBANK" demo -q --random-weights -o world
tune=("$NEGBANK" tune -q --model world/model --images world/id-train.txt --labels world/labels.txt --batch 12
    --micro-batch 5 --warmup 3 --lr 1e-3)

case_ "one rank and $RANKS"
run 0 "${tune[@]}" --steps 8 --eval-images world/id-test.txt --eval-every 4 -o alone
# shellcheck disable=SC2046
run 0 $(mpi "$RANKS") "${tune[@]}" --steps 8 --eval-images world/id-test.txt --eval-every 4 --recompute -o ranks
for file in alone/*; do
    same "$file" "ranks/${file#alone/}"
done
absent ranks.partial ranks/state.safetensors
present ranks/model.safetensors ranks/config.json ranks/vocab.json ranks/merges.txt ranks/preprocessor_config.json
[ "$(wc -l <ranks/tune.tsv)" = 9 ] || die "tune.tsv has not one line a step"
run 0 "$NEGBANK" check -q --model ranks

case_ "an undisturbed longer run"
long=("${tune[@]}" --steps 40 --checkpoint-every 4)
run 0 "${long[@]}" -o whole

# interrupt SIGNAL TARGET: starts the run, waits for its first state, sends the signal to mpirun or to one rank.
interrupt() {
    # shellcheck disable=SC2046
    $(mpi "$RANKS") "${long[@]}" -o part >out 2>err </dev/null &
    job=$!
    until_ 100 begun $job part.partial/state.safetensors
    case $2 in
    mpirun) signal_job "$1" $job ;;
    rank) kill "-$1" "$(pgrep -P "$(launcher_of $job)" | tail -1)" ;;
    esac
    wait $job
    got=$?
}

case_ "SIGUSR1: state kept, exit code 85; continued on $others ranks"
interrupt USR1 mpirun
if [ $got != 0 ]; then # else too fast a machine to interrupt
    [ $got = 85 ] || die "exit code $got instead of 85"
    says "--resume"
    present part.partial/state.safetensors
    absent part
    # shellcheck disable=SC2046
    run 0 $(mpi "$others") "${long[@]}" --resume -o part
fi
same part/model.safetensors whole/model.safetensors
same part/tune.tsv whole/tune.tsv
absent part.partial

case_ "a finished run is left alone"
# shellcheck disable=SC2046
run 0 $(mpi "$others") "$NEGBANK" tune --model world/model --images world/id-train.txt --labels world/labels.txt \
    --resume -o part
says "nothing is left to do"
rm -rf part part.run.json

case_ "a killed rank"
interrupt KILL rank
if [ $got != 0 ]; then
    [ $got != 85 ] || die "exit code 85 for a killed rank"
    absent part
    # shellcheck disable=SC2046
    run 0 $(mpi "$others") "${long[@]}" --resume -o part
fi
same part/model.safetensors whole/model.safetensors
same part/tune.tsv whole/tune.tsv
rm -rf part part.run.json

case_ "another configuration is refused by name; a damaged state too"
interrupt USR1 mpirun
if [ $got = 85 ]; then
    # shellcheck disable=SC2046
    run 2 $(mpi "$others") "${long[@]}" --lambda 0.5 --resume -o part
    says "lambda=0.001"
    says "lambda=0.5"
    run 2 "${long[@]}" --seed 3 --resume -o part
    says "seed=3"
    printf 'garbage' | dd of=part.partial/state.safetensors bs=1 seek=5000 conv=notrunc status=none
    # shellcheck disable=SC2046
    run 7 $(mpi "$RANKS") "${long[@]}" --resume -o part
    says "damaged"
    truncate -s 5000 part.partial/state.safetensors
    run 3 "${long[@]}" --resume -o part
    # shellcheck disable=SC2046
    run 0 $(mpi "$RANKS") "${long[@]}" --resume --force -o part
    says 'starting anew'
    same part/model.safetensors whole/model.safetensors
    rm -rf part part.run.json
fi

case_ "a loss that is no number: step named, the state last saved stays"
rm -rf part.partial
# shellcheck disable=SC2046
run 6 $(mpi "$RANKS") "${tune[@]}" --steps 30 --warmup 0 --schedule constant --lr 1e6 --checkpoint-every 1 -o wild
says "step "
absent wild
finish
