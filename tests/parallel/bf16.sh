#!/usr/bin/env bash
# bf16 and int8 on RANKS ranks: the bytes of one rank, in bf16 also when interrupted and continued; one engine for all.
# bf16 is by emulated AMX on odd numbers of ranks, by emulated BFMMLA on 4, by emulated AVX512-BF16 on other even ones.
source "$TESTS/cli/lib.sh"
: "${RANKS:?}"
if [ $((RANKS % 2)) = 1 ]; then
    export NEGBANK_AMX=emulate
    engine='bf16 by emulated AMX'
elif [ "$RANKS" = 4 ]; then
    export NEGBANK_CPU=emulated-bfmmla
    engine='bf16 by emulated BFMMLA'
else
    export NEGBANK_CPU=emulated-avx512bf16
    engine='bf16 by emulated AVX512-BF16'
fi
others=$((RANKS % 4 + 1))

case_ "one rank, without mpirun"
run 0 "$NEGBANK" demo -q --random-weights -o world
run 0 "$NEGBANK" corpus -q -o words.nbc world/corpus/noun.demo.txt world/corpus/adj.demo.txt
text=("$NEGBANK" embed text --model world/model --precision bf16)
run 0 "${text[@]}" -q -o words.nbe words.nbc
images=("$NEGBANK" embed images -q --model world/model --precision bf16)
run 0 "${images[@]}" -o wild.nbe world/wild.txt

case_ "$RANKS ranks"
# shellcheck disable=SC2046
run 0 $(mpi "$RANKS") "${text[@]}" -q -o t.nbe words.nbc
same t.nbe words.nbe
# shellcheck disable=SC2046
run 0 $(mpi "$RANKS") "${images[@]}" -o i.nbe world/wild.txt
same i.nbe wild.nbe

case_ "int8 on $RANKS ranks"
int8=("$NEGBANK" embed text -q --model world/model --precision int8)
run 0 "${int8[@]}" -o words8.nbe words.nbc
# shellcheck disable=SC2046
run 0 $(mpi "$RANKS") "${int8[@]}" -o t8.nbe words.nbc
same t8.nbe words8.nbe
run 0 "$NEGBANK" embed images -q --model world/model --precision int8 -o wild8.nbe world/wild.txt
# shellcheck disable=SC2046
run 0 $(mpi "$RANKS") "$NEGBANK" embed images -q --model world/model --precision int8 -o i8.nbe world/wild.txt
same i8.nbe wild8.nbe

case_ "interrupted, and continued by $others ranks"
yes "$(cat world/corpus/noun.demo.txt)" | head -n 12000 | awk '{ print $0, NR }' >many.txt
run 0 "$NEGBANK" corpus -q -o many.nbc many.txt
run 0 "${text[@]}" -q -o whole.nbe many.nbc
# shellcheck disable=SC2046
$(mpi "$RANKS") "${text[@]}" -o part.nbe many.nbc >out 2>err </dev/null &
job=$!
until_ 100 begun $job part.nbe.partial
sleep 0.3
kill -USR1 $job
wait $job
got=$?
if [ $got = 85 ]; then
    case_ "another engine does not continue it"
    cp part.nbe.partial kept
    # shellcheck disable=SC2046
    run 3 $(mpi "$others") "$NEGBANK" embed text --model world/model --resume -o part.nbe many.nbc
    says "'part.nbe.partial' was begun with engine $engine, this run has fp32"
    same part.nbe.partial kept
    case_ "the same engine does"
    # shellcheck disable=SC2046
    run 0 $(mpi "$others") "${text[@]}" --resume -o part.nbe many.nbc
    says "continuing 'part.nbe.partial'"
elif [ $got != 0 ]; then # 0: too fast a machine to interrupt
    die "exit code $got instead of 85"
fi
same part.nbe whole.nbe

if [ "$RANKS" -gt 1 ]; then
    case_ "one rank has no bf16, or another one: fp32 for all"
    unset NEGBANK_CPU
    run 0 env -u NEGBANK_AMX "$NEGBANK" embed text -q --model world/model -o fp32.nbe words.nbc
    for precision in bf16 auto; do
        run 0 mpirun --bind-to none -np 1 env NEGBANK_AMX=off "$NEGBANK" embed text --model world/model \
            --precision $precision --force -o mixed.nbe words.nbc : \
            -np $((RANKS - 1)) env NEGBANK_AMX=emulate "$NEGBANK" embed text --model world/model \
            --precision $precision --force -o mixed.nbe words.nbc
        says "the ranks' CPUs have no bf16 engine in common: --precision $precision means fp32 for all of them"
        same mixed.nbe fp32.nbe
    done
fi
finish
