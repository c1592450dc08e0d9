#!/usr/bin/env bash
# slurm/submit, a stage, slurm/status and slurm/collect from paths that a shell, awk or sbatch would take for something
# else. Slurm's own commands are doubles that record what they are given and run it as Slurm would.
. "$TESTS/cli/lib.sh" || exit 1
mkdir -p bin
cat >bin/sbatch <<'B'
#!/usr/bin/env bash
# Records its words, each ended by NUL, in $RECORDS/NUMBER, and runs the script unless an array is asked for.
number=$(($(ls "$RECORDS" | wc -l) + 1))
printf '%s\0' "$@" >"$RECORDS/$number"
while [[ ${1:-} == -* ]]; do
    case $1 in --output=*) output=${1#--output=} ;; esac
    shift
done
output=${output//%%/$'\1'}
output=${output//%j/$number}
SLURM_JOB_ID=$number bash "$@" >"${output//$'\1'/%}" 2>&1
echo "$number"
B
cat >bin/srun <<'B'
#!/usr/bin/env bash
while [[ ${1:-} == -* ]]; do shift; done
exec "$@"
B
printf '#!/bin/sh\nexit 0\n' >bin/squeue
printf '#!/bin/sh\nexit 0\n' >bin/scontrol
chmod +x bin/*
export PATH=$T/bin:$PATH RECORDS=$T/records NEGBANK_PROGRAM=$NEGBANK
unset NEGBANK_SLURM SLURM_JOB_ID
printf 'lynx\ncougar\n' >words.txt

# unharmed: nothing was run that stands in a path.
unharmed() { [ -z "$(find "$T" -name 'pwned*')" ] || die 'what stands in a path was run'; }
tries=("it's" 'two  blanks' '$(touch pwned)' '`touch pwned`' 'a"b' 'x;touch pwned' 'lr=0.1' '%j 50%' '*' '&>pwned' '~' '#x' '[a-z]{1,2}'
    '$HOME' '!x')
for name in "${tries[@]}"; do
    case_ "from '$name'"
    rm -rf "$RECORDS" place
    mkdir -p "$RECORDS" "place/$name"
    cp -r "$TESTS/../slurm" "place/$name/slurm"
    cp words.txt "place/$name/"
    cat >"place/$name/$name.yaml" <<'C'
corpus:
  inputs: words.txt
  output: words.nbc
slurm:
  sbatch: "--comment=* --nice=5"
C
    cd "place/$name" || die 'no folder'
    run 0 ./slurm/submit "$name.yaml" --no-plan --dry-run
    run 0 ./slurm/submit "$name.yaml" --no-plan
    unharmed
    present words.nbc
    mapfile -d '' -t words <"$RECORDS/1"
    [ "${words[-1]}" = corpus ] && [ "${words[-2]}" = "$name.yaml" ] || die "sbatch got '${words[-2]}' '${words[-1]}'"
    [ "${words[-3]}" = "$PWD/slurm/stage.sbatch" ] || die "sbatch got the script '${words[-3]}'"
    [ "${words[-4]}" = --nice=5 ] && [ "${words[-5]}" = '--comment=*' ] || die "sbatch got '${words[-5]}' '${words[-4]}'"
    present "$name.run/logs/corpus-1.out" "$name.run/ended.tsv"
    # what it tells to type next works when it is typed
    follow=$(sed -n 's/^follow:   //p' "$T/out")
    failures=$(sed -n 's/^failures: //p' "$T/out")
    run 0 bash -c "$follow"
    prints 'done'
    run 0 bash -c "$failures"
    unharmed
    cd "$T" || exit 1
done

case_ 'a path with a backslash is refused'
mkdir -p 'back\slash'
cp 'place/!x/!x.yaml' 'back\slash/x.yaml'
cp words.txt 'back\slash/'
run 2 "$TESTS/../slurm/submit" 'back\slash/x.yaml' --no-plan
says 'backslash'

case_ 'what a log holds is no command to the terminal'
cd 'place/!x' || exit 1
printf 'corpus\t1\tnow\n' >'!x.run/jobs.tsv'
printf 'corpus\t1\t0\t3\tnow\n' >'!x.run/ended.tsv'
printf '3: error: \033]0;title\007 \302\2332J red\n' >'!x.run/logs/corpus-1.out'
rm -r words.nbc '!x.run/stages' 2>/dev/null
run 1 ./slurm/collect '!x.yaml'
prints 'error: '
run 1 ./slurm/status '!x.yaml'
prints 'title'
cd "$T" || exit 1
for script in collect status; do
    (cd 'place/!x' && "./slurm/$script" '!x.yaml') >shown
    ! LC_ALL=C grep -q $'[\001-\010\013-\037\177]' shown && ! LC_ALL=C grep -q $'\302\233' shown || die "$script shows control characters"
done
finish
