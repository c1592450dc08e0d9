#!/usr/bin/env bash
# negbank tune, killed at each call of its end that moves, syncs or removes a file: at every moment there is a state to
# continue from, or the checkpoint is whole; and --resume alone makes it so.
source "$TESTS/cli/lib.sh"
fault=(LD_PRELOAD=fault_io.so LD_LIBRARY_PATH="$TOOLS") # the first alone may hold no blank
env "${fault[@]}" "$NEGBANK" --version >out 2>&1 || {
    echo 'skipped: nothing can be preloaded into this build'
    exit 77
}
CALLS=rename,sync,unlink
run 0 "$NEGBANK" demo -q --random-weights -o world
tune=("$NEGBANK" tune --model "$T/world/model" --images "$T/world/id-train.txt" --labels "$T/world/labels.txt" --batch 8
    --warmup 0 --steps 3 --checkpoint-every 2 -o run/out)
mkdir run
run 0 "${tune[@]}" --steps 1 --seed 9
mv run/out older
echo mine >older/notes
echo '{}' >older/config.json
run 0 "${tune[@]}"
mv run/out whole

# with_fault EFFECT N WORDS...: a run that this befalls at its N-th of CALLS below run/.
with_fault() {
    local what=$1 at=$2
    shift 2
    { # the shell's word about the kill is not wanted
        timeout -k 5 $LIMIT env "${fault[@]}" NEGBANK_FAULT="$CALLS:$what:$at" NEGBANK_FAULT_LOG="$T/fault.log" \
            NEGBANK_FAULT_BELOW="$(realpath run)" "${tune[@]}" "$@" >"$T/out" 2>"$T/err" </dev/null
    } 2>/dev/null
    got=$?
}

# Every file of whole/ is in run/out.
is_whole() {
    for file in whole/*; do
        cmp -s "$file" "run/out/${file#whole/}" || return 1
    done
}

case_ "a state, and what comes behind it"
rm -rf run/*
CALLS=rename with_fault KILL 2 # the first gave the state its name
present run/out.partial/state.safetensors
absent run/out
cp -r run/out.partial left

# cut NAME OLDER MORE...: continues left/ with these words, beside OLDER, as often as it has calls to be killed at.
cut() {
    local name=$1 older=$2 calls continued=0 complete=0 stray=0
    shift 2
    start_over() {
        rm -rf run fault.log
        mkdir run
        cp -r left run/out.partial
        [ -z "$older" ] || cp -r "$older" run/out
    }
    start_over
    with_fault COUNT 1 --resume "$@"
    [ $got = 0 ] || die "exit code $got"
    calls=$(awk '/^(rename|sync|unlink) / { n += $2 } END { print n }' fault.log)
    [ "$calls" -ge 15 ] || die "only $calls calls"
    for n in $(seq "$calls"); do
        case_ "$name, killed at call $n of $calls"
        start_over
        with_fault KILL "$n" --resume "$@"
        [ $got = 137 ] || die "exit code $got instead of 137"
        CASE="$CASE, $(cat fault.log)"
        if [ -e run/out.partial/state.safetensors ]; then
            same run/out.partial/state.safetensors left/state.safetensors
            [ -n "$older" ] || absent run/out
            continued=$((continued + 1))
            run 0 "${tune[@]}" --resume
            says 'behind step 2'
        else
            is_whole || die "neither a state nor a whole checkpoint"
            [ ! -e run/out/state.safetensors ] || stray=$((stray + 1))
            complete=$((complete + 1))
            run 0 "${tune[@]}" --resume
            says 'nothing is left to do'
        fi
        is_whole || die "run/out is not what it should be"
        absent run/out.partial run/out/state.safetensors run/out/state.safetensors.partial
    done
    [ $continued -gt 0 ] && [ $complete -gt 0 ] || die "$continued were continued, $complete complete"
    echo "$name: killed at $calls calls: $continued were continued, $complete complete, $stray of them with a state"
}

cut "a new folder" ""
cut "a folder that is replaced" older --force
[ "$(cat run/out/notes)" = mine ] || die "a file of another name is gone"

case_ "half replaced, without a state: begun anew"
rm -rf run
mkdir run
cp -r left run/out.partial
cp -r older run/out
mv run/out.partial/state.safetensors gone
cp whole/model.safetensors run/out.partial/
run 0 "${tune[@]}" --resume
is_whole || die "run/out is not what it should be"
absent run/out.partial

case_ "a state that was half written goes nowhere"
rm -rf run
mkdir -p run/out.partial
echo half >run/out.partial/state.safetensors.partial
run 0 "${tune[@]}" --checkpoint-every 0 --resume
is_whole || die "run/out is not what it should be"
absent run/out/state.safetensors.partial

case_ "a checkpoint with a state in it is one; a run that replaces it removes that"
cp left/state.safetensors run/out/
run 0 "$NEGBANK" check -q --model run/out
run 0 "${tune[@]}" --force
absent run/out/state.safetensors run/out.partial
finish
