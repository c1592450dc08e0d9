#!/usr/bin/env bash
# The demo world through slurm/submit, on three nodes, by srun and by mpirun: the bytes of one rank outside Slurm.
. "$TESTS/slurm/cluster.bash" || exit 1
case_ 'one rank, outside Slurm'
run 0 "$NB" demo -q -o world
cp "$TESTS/../configs/demo.yaml" run.yaml
mkdir alone && cp -r world run.yaml alone/
(cd alone && run 0 "$NB" run run.yaml -q) || exit 1

case_ 'the cluster'
cluster_start
case_ 'an account from the command line, nothing submitted by --dry-run'
submit run.yaml --dry-run --no-plan --account=lab --time 5
prints '--account=lab'
[ "$(grep -c sbatch "$T/out")" = 12 ] || die 'not one line a stage'
grep -q 'negbank-mine .*--time=5 .*--dependency=afterok:' "$T/out" || die 'mine stands behind nothing'
grep -q '/stage.sbatch run.yaml embed-images-wild $' "$T/out" || die 'a stage has another script'
absent run.run/jobs.tsv
case_ 'the batch script asks for the stage it is to make'
NEGBANK_SLURM=$SLURM run 2 bash "$SLURM/stage.sbatch" run.yaml
says 'which stage?'
run 2 env -u NEGBANK_SLURM SLURM_SUBMIT_DIR="$T" bash "$SLURM/stage.sbatch" run.yaml mine
says "'$T/slurm/stage.bash' is not there"
case_ 'what cannot fit is not submitted'
run 5 "$SLURM/submit" run.yaml --mem-per-cpu 20M
says 'does not fit'
[ -z "$(squeue -h)" ] || die 'something was submitted'

case_ 'the whole chain'
cat >>run.yaml <<'C'
  embed-text:
    ntasks: 3
    nodes: 3
  embed-images-wild:
    ntasks: 2
    launcher: mpirun
  mine:
    ntasks: 3
    nodes: 3
    launcher: mpirun
C
submit run.yaml
prints 'rates of a rank'
prints 'after'
prints 'slurm/status run.yaml'
until_ 120 all_ended || { show; die 'jobs do not end'; }
run 0 "$SLURM/status" run.yaml || { show; exit 1; }
for f in words.nbc words.nbe id-train.nbe wild.nbe id-test.nbe demo.nbank id.tsv near.tsv far.tsv metrics.json; do
    same $f alone/$f
done
grep -q '"ranks": 3' demo.nbank.run.json || die 'mine did not run on 3 ranks'
grep -q 'rank 2 on n' "$(log_of mine)" || die 'the binding of ranks is not reported'
grep -q 'OPENBLAS_NUM_THREADS=1' "$(log_of embed-text)" || die 'threads are not reported'
run 0 "$SLURM/collect" run.yaml
[ ! -s "$T/out" ] || die 'collect found failures'

case_ 'submitted again: nothing is left'
submit run.yaml --no-plan
[ "$(grep -c 'done already' "$T/out")" = 12 ] || die 'not all are skipped'
[ -z "$(squeue -h)" ] || die 'something was submitted'

case_ 'a stage that fails is reported with its reason, and what follows is not run'
sed -i 's/count: 200/count: 100000/' run.yaml
rm demo.nbank
submit run.yaml --no-plan
until_ 60 all_ended || die 'jobs do not end'
run 1 "$SLURM/status" run.yaml
grep -q '^mine  *failed .*exit code 2 (usage).*--count 100000 is beyond' "$T/out" || die 'no reason'
grep -q '^eval  *failed .*CANCELLED' "$T/out" || die 'eval is not reported as cancelled'
run 1 "$SLURM/collect" run.yaml
prints '--count 100000 is beyond'
present "run.run/failed/mine-$(job_of mine)/rank-0.log"
finish
