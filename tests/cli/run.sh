#!/usr/bin/env bash
# run and plan: the chain of a run file, what is skipped and why, what is refused, and what a plan says.
. "$TESTS/cli/lib.sh" || exit 1
NB=$NEGBANK
case_ 'the demo world by its run file'
run 0 "$NB" demo -q -o world
cp "$TESTS/../configs/demo.yaml" .
# stage NAME: its state
stage() { "$NB" run demo.yaml --print-stages | awk -F'\t' -v s="$1" '$1 == s { print $2 }'; }
be() { [ "$(stage "$1")" = "$2" ] || die "stage $1 is $(stage "$1"), not $2"; }

case_ 'the chain'
run 0 "$NB" run demo.yaml --print-stages
[ "$(awk -F'\t' 'NF == 6' out | wc -l)" = 12 ] || die 'not twelve stages of six fields'
grep -q "^mine	waiting	mpi	embed-text,embed-images-id-train,embed-images-wild	demo.nbank	mine --config demo.yaml --resume$" out ||
    die 'mine is not reported so'
grep -q "^eval	waiting	one	score-id,score-near,score-far	metrics.json	eval --config demo.yaml$" out || die 'eval is not reported so'
run 0 "$NB" run demo.yaml --dry-run --ranks 3
[ "$(grep -c '^mpirun .* -np 3 ' out)" = 11 ] || die 'not eleven commands under mpirun'
absent words.nbc demo.run

case_ 'a plan before anything is there'
run 0 "$NB" plan demo.yaml --ranks 4 --rate texts=1000 --rate images=10 --rate gflops=50
prints 'texts=1000 (given) images=10 (given) gflops=50 (given) corpus=5 (assumed)'
run 0 "$NB" plan demo.yaml --ranks 4 --rate texts=1000 --rate images=10 --rate gflops=50 --json
python3 - <<'P' || die 'the plan is not what the work is'
import json
p = {s["stage"]: s for s in json.load(open("out"))["stages"]}
wild = p["embed-images-wild"]
assert wild["items"] == 100 and wild["tiles"] == 7, wild
assert abs(wild["seconds"] - 10 * 2 / 7) < 1e-6, wild  # 7 tiles on 4 ranks: the slowest has 2 of them
assert p["embed-text"]["items"] == p["corpus"]["items"] == 1396, p["corpus"]
assert p["mine"]["scratch_bytes"] == 4096 + 1396 * 42, p["mine"]  # debiased: five columns
P
run 5 "$NB" plan demo.yaml --rate images=10 --memory-per-rank 100M
says 'does not fit: a rank needs'
prints 'does not fit: embed-images-wild'
run 2 "$NB" plan demo.yaml --memory-per-rank much
run 2 "$NB" plan demo.yaml --rate speed=3
says "'speed=3' is no rate"
run 2 "$NB" plan demo.yaml --items nothing=3
case_ 'planned for a corpus that is not there yet'
run 0 "$NB" plan demo.yaml --rate texts=1000 --rate images=10 --rate gflops=50 --items corpus=3600000 --ranks 8 --json
grep -q '"hours": 0.125' out || die '3.6 million texts at 1000 a second on 8 ranks are no eighth of an hour'
case_ 'planned for a corpus whose inputs are addresses'
printf 'corpus:\n  inputs: [http://127.0.0.1:1/words.txt.gz]\n  output: words.nbc\n' >words.yaml
run 3 "$NB" plan words.yaml
says '--items STAGE=N plans'
run 0 "$NB" plan words.yaml --items corpus=5000 --json
grep -q '"items": 5000' out || die 'it is not planned for 5000 texts'

case_ 'all of it, then nothing'
run 0 "$NB" run demo.yaml -q
present metrics.json demo.nbank
run 0 "$NB" run demo.yaml
[ "$(grep -c 'done already' err)" = 12 ] || die 'not all are skipped'
run 0 "$NB" plan demo.yaml
prints 'left on 1 rank: 0.0 s'

case_ 'the plan covers what a rank took'
run 0 "$NB" plan demo.yaml --json
planned=$(python3 -c 'import json; print(int(min(s["memory_per_rank"] for s in json.load(open("out"))["stages"] if s["stage"] != "eval")))')
if [ -x /usr/bin/python3 ]; then
    peak=$(python3 -c 'import resource, subprocess, sys
subprocess.check_call(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)' "$NB" embed text -q --config demo.yaml -o again.nbe)
    [ -n "${LSAN_OPTIONS:-}" ] || [ "$peak" -le "$planned" ] || die "embed text took $peak bytes, the plan has $planned"
fi

case_ 'an option changes: that stage and those behind it'
sed -i 's/count: 200/count: 100/' demo.yaml
be embed-text 'done'
be mine stale
be eval stale
run 2 "$NB" run demo.yaml -q --only score-id
says "'id.tsv' is there, but not as 'demo.yaml' would make it now"
cp id.tsv old.tsv
run 0 "$NB" run demo.yaml -q --force
be eval 'done'
! cmp -s id.tsv old.tsv || die 'the scores are those of the old bank'

case_ 'an input changes'
echo 'a quite new word' >>world/corpus/noun.demo.txt
be corpus stale
be embed-images-wild 'done'
case_ 'an output is damaged or gone'
run 0 "$NB" run demo.yaml -q --force
rm near.tsv
be score-near ready
echo >>far.tsv
be score-far stale
run 0 "$NB" run demo.yaml -q --force
be eval 'done'

case_ 'an output finished just before its run was killed is taken over'
sed -i 's/"state": "done"/"state": "begun"/; /"output"/,$d' demo.run/stages/corpus.json
sed -i '$ s/,$/\n}/' demo.run/stages/corpus.json
touch words.nbc
be corpus 'done'

case_ 'a stage that fails ends the run with its code'
rm demo.nbank
cp world/labels.txt kept.txt
printf '' >world/labels.txt
run 3 "$NB" run demo.yaml -q --only mine
says 'stage mine ended with exit code 3'
cp kept.txt world/labels.txt
run 2 "$NB" run demo.yaml --part 1/2
says '--part needs one stage'
run 2 "$NB" run demo.yaml --part 1/2 --only mine
says 'stage mine is made by one job'
run 2 "$NB" run demo.yaml --part 3/2 --only embed-text
says "'3/2' is no part"
run 2 "$NB" run demo.yaml --launcher 'no-such-launcher -n 2' --only mine
says "cannot start 'no-such-launcher'"

case_ 'a request to stop reaches the ranks'
many_candidates 30000 100 many.yaml
run 0 "$NB" run many.yaml -q --only corpus --only embed-text
"$NB" run many.yaml --ranks 2 >out 2>err </dev/null &
job=$!
mining() { ! kill -0 $job 2>/dev/null || [ "$(du -B1 many.nbank.ledger 2>/dev/null | cut -f1)0" -gt 400000 ]; }
until_ 100 mining
kill -TERM $job
wait $job
got=$?
if [ $got = 85 ]; then # 0: too fast a machine to stop
    says 'stage mine was stopped, what it has is kept'
    present many.nbank.ledger
    run 0 "$NB" run many.yaml
    says 'were done before'
fi
[ $got = 85 ] || [ $got = 0 ] || die "exit code $got"
present many.nbank

case_ 'run files that are refused'
refuse() { # refuse CODE WORDS, the run file on standard input
    cat >bad.yaml
    run "$1" "$NB" run bad.yaml
    says "$2"
}
refuse 3 'has no stage' < <(printf 'slurm:\n  time: 5\n')
refuse 2 "'mine' needs --labels" < <(printf 'mine:\n  texts: a.nbe\n')
refuse 2 "unknown key 'corpus.colour'" < <(printf 'corpus:\n  inputs: a.txt\n  output: a.nbc\n  colour: red\n')
refuse 2 "no key 'speed'" < <(printf 'corpus:\n  inputs: a.txt\n  output: a.nbc\nslurm:\n  speed: 5\n')
refuse 2 "no stage 'mine.time'" < <(printf 'corpus:\n  inputs: a.txt\n  output: a.nbc\nslurm:\n  mine:\n    time: 5\n')
refuse 2 "both write" < <(printf 'corpus a:\n  inputs: a.txt\n  output: a.nbc\ncorpus b:\n  inputs: b.txt\n  output: ./a.nbc\n')
refuse 2 'read what each other write' < <(printf 'corpus a:\n  inputs: b.nbc\n  output: a.nbc\ncorpus b:\n  inputs: a.nbc\n  output: b.nbc\n')
refuse 3 'is no name of a stage' < <(printf 'corpus a/b:\n  inputs: b.nbc\n  output: a.nbc\n')
run 2 "$NB" run demo.yaml --only nothing
says "has no stage 'nothing'"
run 2 "$NB" mine --config demo.yaml --stage nothing
says "has no section 'mine nothing'"
run 2 "$NB" mine --stage nothing
says '--stage nothing needs --config'

case_ '--stage takes the values of its section over the plain one'
run 0 "$NB" embed images --config demo.yaml --stage wild --print-config
prints 'inputs: ["world/wild.txt"]'
prints 'world/model'
finish
