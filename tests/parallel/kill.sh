#!/usr/bin/env bash
# kill -9 of a random rank at a random moment, again and again: continued on another number of ranks, the store or bank has
# the bytes of an undisturbed run. NEGBANK_KILLS says how often (2 at each number of ranks), NEGBANK_KILL_SEED chooses other moments.
source "$TESTS/cli/lib.sh"
: "${RANKS:?}"
kills=${NEGBANK_KILLS:-2}
RANDOM=${NEGBANK_KILL_SEED:-$((1000 + RANKS))}
need_wordnet
case_ 'undisturbed runs'
run 0 "$NEGBANK" demo -q --random-weights -o world
run 0 "$NEGBANK" corpus -q --format wordnet --limit 20000 -o words.nbc $W
mkdir many
for i in $(seq -w 0 14); do cp -r world/images/wild "many/$i"; done
(cd many && tar cf ../m.tar --sort=name . && tar czf ../m2.tar.gz --sort=name 0*)
text=("$NEGBANK" embed text --model world/model --resume)
images=("$NEGBANK" embed images --model world/model --labels-from none --resume)
# timed COMMAND...: runs it to its end on RANKS ranks; $TOOK is how many ms that was, from which moments to kill are drawn.
timed() {
    local begin=${EPOCHREALTIME/./}
    # shellcheck disable=SC2046
    run 0 $(mpi "$RANKS") "$@"
    TOOK=$(((${EPOCHREALTIME/./} - begin) / 1000))
}
timed "${text[@]}" -q -o text.nbe words.nbc
text_ms=$TOOK
timed "${images[@]}" -q -o images.nbe m.tar m2.tar.gz
images_ms=$TOOK
run 0 "$NEGBANK" embed images -q --model world/model --labels-from folder -o id.nbe world/images/id-train
mine=("$NEGBANK" mine --texts text.nbe --labels world/labels.txt --model world/model --id-images id.nbe
    --wild-images images.nbe --resume)
timed "${mine[@]}" -q -o bank.nbank
mine_ms=$TOOK

case_ 'a run that ended between its bank and the removal of the ledger'
echo ledger >bank.nbank.ledger
cp bank.nbank ended.nbank
# shellcheck disable=SC2046
run 0 $(mpi "$RANKS") "${mine[@]}" -o bank.nbank
says 'nothing is left to do'
absent bank.nbank.ledger
same bank.nbank ended.nbank

case_ 'what a run of mine leaves that is killed between its table and its bank, or behind its bank'
echo stale >why.tsv
run 0 "${mine[@]}" -q --explain why.tsv -o part.nbank
same part.nbank bank.nbank
[ "$(wc -l <why.tsv)" -gt 1000 ] || die 'the table is the old one'
touch bank.nbank.ledger
run 0 "${mine[@]}" -o bank.nbank
says 'nothing is left to do'
absent bank.nbank.ledger

hits=0 kept=0
# disturb MS EXPECTED OUTPUT COMMAND...: kills a random rank at a random moment of MS until one run comes through.
disturb() {
    ms=$1 expected=$2 output=$3
    shift 3
    ranks=$RANKS
    rm -f "$output"*
    for ((try = 0; try < 3; try++)); do
        # shellcheck disable=SC2046
        timeout -k 5 $LIMIT $(mpi "$ranks") "$@" >out 2>err </dev/null &
        job=$!
        begun=$SECONDS
        moment=$((RANDOM * ms / 32768))
        sleep "$((moment / 1000)).$(printf %03d $((moment % 1000)))"
        found=() # the launcher is timeout's child, the ranks are the launcher's
        launcher=$(launcher_of $job) &&
            mapfile -t found < <(pgrep -x -P "$launcher" "$(basename "$NEGBANK")")
        if [ ${#found[@]} -gt 0 ] && kill -9 "${found[RANDOM % ${#found[@]}]}" 2>/dev/null; then
            hits=$((hits + 1))
        fi
        wait_mpirun $job
        [ $((SECONDS - begun)) -lt $((LIMIT - 10)) ] || die "it hangs after a kill, try $try on $ranks ranks"
        [ $got = 0 ] && break
        [ -e "$output" ] && same "$output" "$expected" # killed when all was done
        [ -e "$output.partial" ] || [ -e "$output.ledger" ] && kept=$((kept + 1))
        ranks=$((ranks % 4 + 1))
    done
    if [ $got != 0 ]; then
        # shellcheck disable=SC2046
        run 0 $(mpi "$ranks") "$@"
    fi
    same "$output" "$expected"
    absent "$output.partial" "$output.partial.fresh" "$output.ledger"
}
for ((i = 0; i < kills; i++)); do
    case_ "kill $i of embed text"
    disturb $text_ms text.nbe part.nbe "${text[@]}" -o part.nbe words.nbc
    case_ "kill $i of embed images"
    disturb $images_ms images.nbe part.nbe "${images[@]}" -o part.nbe m.tar m2.tar.gz
    case_ "kill $i of mine"
    disturb $mine_ms bank.nbank part.nbank "${mine[@]}" -o part.nbank
done
[ $hits -gt 0 ] || die 'nothing was ever killed'
echo "$hits ranks killed, $kept partials continued"
finish
