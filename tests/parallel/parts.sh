#!/usr/bin/env bash
# A store made by several jobs, a part each (--part K/N): at once, one after the other, killed, stopped and done again, in
# other numbers of parts and ranks: the bytes of one job.
source "$TESTS/cli/lib.sh"
: "${RANKS:?}"
need_wordnet
case_ 'one job'
run 0 "$NEGBANK" demo -q --random-weights -o world
run 0 "$NEGBANK" corpus -q --format wordnet --limit 20000 -o words.nbc $W
text=("$NEGBANK" embed text --model world/model)
images=("$NEGBANK" embed images --model world/model --labels-from none)
mkdir wild
cp world/images/wild/* wild/
echo broken >wild/zzz.png
run 0 "${text[@]}" -q -o whole.nbe words.nbc
run 0 "${images[@]}" -q -o pictures.nbe wild
sealed() { run 0 "$NEGBANK" inspect verify "$1"; }

# at_once N COMMAND...: parts 1 to N at the same time.
at_once() {
    local n=$1 k jobs=()
    shift
    for ((k = 1; k <= n; k++)); do
        # shellcheck disable=SC2046
        timeout -k 5 $LIMIT $(mpi "$RANKS") "$@" --part "$k/$n" >"out$k" 2>"err$k" </dev/null &
        jobs+=($!)
    done
    for ((k = 1; k <= n; k++)); do
        wait "${jobs[k - 1]}" || {
            cp "err$k" err
            die "part $k of $n failed"
        }
    done
    grep -c 'is done, as all others' err[1-9]* | grep -q ':1' || die 'no part found all done'
}

case_ 'nobody laid it out: all parts at once'
at_once 3 "${text[@]}" -o part.nbe words.nbc
same part.nbe whole.nbe
sealed part.nbe
absent part.nbe.partial*
present part.nbe.run.json
case_ 'a part of what is complete'
run 0 "${text[@]}" -o part.nbe words.nbc --part 2/3
says 'nothing is left to do'

case_ 'images: preallocated first, which looks at them once'
# shellcheck disable=SC2046
run 0 $(mpi "$RANKS") "${images[@]}" -o i.nbe wild --part 0/4
says 'preallocated'
says 'are left out: 1 '
present i.nbe.partial i.nbe.images
absent i.nbe i.nbe.run.json
at_once 4 "${images[@]}" -o i.nbe wild
for k in 1 2 3 4; do grep -q 'images looked at' "err$k" && grep -q 'were done before' "err$k" || die "part $k looked again"; done
same i.nbe pictures.nbe
absent i.nbe.partial i.nbe.images

case_ 'a layout that a killed job left is cleared away with the last part'
touch part.nbe.partial.elsewhere.1234
rm -f part.nbe
run 0 "${text[@]}" -q -o part.nbe words.nbc --part 1/1
same part.nbe whole.nbe
absent part.nbe.partial*

case_ 'one after the other, on other numbers of ranks, in two divisions'
rm -f part.nbe*
run 0 "${text[@]}" -o part.nbe words.nbc --part 0/2
run 0 "${text[@]}" -o part.nbe words.nbc --part 2/2
says 'tiles of other parts are not'
absent part.nbe
# shellcheck disable=SC2046
run 0 $(mpi "$RANKS") "${text[@]}" -o part.nbe words.nbc --part 1/4
run 0 "${text[@]}" -o part.nbe words.nbc --part 4/4
says '4640 of 4640 texts were done before'
absent part.nbe
run 0 "${text[@]}" -o part.nbe words.nbc --part 2/4
says 'part 2 of 4'
same part.nbe whole.nbe

case_ 'a part that no job made: the whole is made by --resume'
rm -f part.nbe*
run 0 "${text[@]}" -q -o part.nbe words.nbc --part 3/4
run 0 "${text[@]}" -o part.nbe words.nbc --resume
says 'were done before'
same part.nbe whole.nbe

case_ 'more parts than tiles'
rm -f part.nbe*
run 0 "${text[@]}" -q -o part.nbe words.nbc --part 0/1000000
run 0 "${text[@]}" -q -o part.nbe words.nbc --part 7/1000000
present part.nbe.partial
rm -f part.nbe*

case_ 'a part killed, a tile damaged behind its mark: the last part sees both'
run 0 "${text[@]}" -q -o part.nbe words.nbc --part 0/2
# shellcheck disable=SC2046
timeout -k 5 $LIMIT $(mpi "$RANKS") "${text[@]}" -o part.nbe words.nbc --part 1/2 >out 2>err </dev/null &
job=$!
sleep 0.4
launcher=$(launcher_of $job) && pkill -9 -P "$launcher"
wait_mpirun $job
present part.nbe.partial
run 0 "${text[@]}" -q -o part.nbe words.nbc --part 1/2
size=$(stat -c %s part.nbe.partial)
printf '\xff' | dd of=part.nbe.partial bs=1 seek=$((size / 3)) conv=notrunc status=none # a row of part 1
run 0 "${text[@]}" -o part.nbe words.nbc --part 2/2
if [ -e part.nbe ]; then die 'a damaged tile was sealed'; fi
says '1 tiles of other parts are not'
run 0 "${text[@]}" -q -o part.nbe words.nbc --part 1/2
same part.nbe whole.nbe

case_ 'stopped: 85, and continued'
rm -f part.nbe*
run 0 "${text[@]}" -q -o part.nbe words.nbc --part 0/2
# listening LAUNCHER: its ranks have a handler for SIGUSR1; before, it would kill them.
listening() {
    local pid ranks=0
    for pid in $(pgrep -P "$1" -x "$(basename "$NEGBANK")"); do
        ((0x$(awk '/^SigCgt/ { print $2 }' "/proc/$pid/status") >> 9 & 1)) || return 1
        ranks=$((ranks + 1))
    done
    [ $ranks = "$RANKS" ]
}
stopped=no
for delay in 0.1 0.05 0.02 0; do
    # shellcheck disable=SC2046
    timeout -k 5 $LIMIT $(mpi "$RANKS") "${text[@]}" -o part.nbe words.nbc --part 1/2 >out 2>err </dev/null &
    job=$!
    launched() { launcher=$(launcher_of $job) && listening "$launcher" 2>/dev/null; }
    until_ 100 launched || die 'its ranks never listen'
    sleep $delay
    signal_job USR1 $job
    wait_mpirun $job
    [ $got = 85 ] || [ $got = 0 ] || die "exit code $got"
    present part.nbe.partial
    [ $got = 85 ] && stopped=yes && break
done
[ $stopped = yes ] || echo 'never in time to stop a part'
run 0 "${text[@]}" -q -o part.nbe words.nbc --part 1/2
run 0 "${text[@]}" -q -o part.nbe words.nbc --part 2/2
same part.nbe whole.nbe

case_ 'preallocated with --force: what was there is gone'
run 2 "${text[@]}" -q -o part.nbe words.nbc --prompt 'some {}' --part 0/2
says "output 'part.nbe' exists"
run 0 "${text[@]}" -q -o part.nbe words.nbc --prompt 'some {}' --part 0/2 --force
absent part.nbe
run 0 "${text[@]}" -q -o part.nbe words.nbc --part 0/2 --force
run 0 "${text[@]}" -q -o part.nbe words.nbc --part 1/2
run 0 "${text[@]}" -q -o part.nbe words.nbc --part 2/2
same part.nbe whole.nbe

case_ 'refused: no part, force, other options'
rm -f part.nbe*
for wrong in 0 3/2 /2 2/ -1/2 1/0 a/b 1/2000000 1/2/3; do
    run 2 "${text[@]}" -o part.nbe words.nbc --part "$wrong"
    says "'$wrong' is no part"
done
run 2 "${text[@]}" -o part.nbe words.nbc --part 1/2 --force
says 'what other parts have made'
run 0 "${text[@]}" -q -o part.nbe words.nbc --part 1/2
cp part.nbe.partial before
run 3 "${text[@]}" -o part.nbe words.nbc --part 2/2 --prompt 'some {}'
says 'was preallocated for other inputs or options'
run 3 env OPENBLAS_CORETYPE=Haswell NEGBANK_VECTOR=plain "${text[@]}" -o part.nbe words.nbc --part 2/2
says 'was begun with kernels'
same part.nbe.partial before
mkdir locked
chmod 555 locked
[ "$(id -u)" = 0 ] || run 4 "${text[@]}" -o locked/part.nbe words.nbc --part 1/2
run 4 "${text[@]}" -o nowhere/part.nbe words.nbc --part 1/2
finish
