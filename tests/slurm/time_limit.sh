#!/usr/bin/env bash
# A time limit in mid-embedding: the ranks are told in time, save, exit with 85, and the job comes back until it is
# done; the bytes are those of one rank that nobody disturbed.
. "$TESTS/slurm/cluster.bash" || exit 1
case_ 'the cluster and the work'
cluster_start
# Slurm looks at limits twice a minute and signals up to half a minute early: 15 to 45 s after the start here, behind the
# launch of the ranks and before their end
dear_world 50
expected # alone: beside it the job would take twice as long

case_ 'stopped before the time limit, requeued, finished'
submit run.yaml --no-plan --time 2 --signal 75 --requeues 8
job=$(job_of embed-images)
until_ 400 job_ended "$job" || { show; die 'the job does not end'; }
run 0 "$SLURM/status" run.yaml || { show; exit 1; }
same many.nbe alone/many.nbe
[ "$(ended_with embed-images 85)" -ge 1 ] || { show; die 'it never stopped with 85'; }
[ "$(ended_with embed-images 0)" = 1 ] || die 'it did not end with 0 once'
log=$(log_of embed-images)
grep -q 'requeue 1 of at most 8' "$log" || die 'no requeue is told'
grep -q 'stopped on request' "$log" || die 'the ranks do not tell that they stopped'
[ "$(kept_of embed-images)" -gt 0 ] || { show; die 'nothing was kept'; }
[ "$(grep -c 'restart 0' "$log")" = 1 ] || die 'the log of the first run is gone'
echo "kept $(kept_of embed-images) images of $(ended_with embed-images 85) stopped runs"

case_ 'requeues are bounded'
rm many.nbe many.nbe.run.json
rm -r run.run
submit run.yaml --no-plan --time 1 --signal 50 --requeues 0
job=$(job_of embed-images)
until_ 200 job_ended "$job" || { show; die 'the job does not end'; }
if [ "$(ended_with embed-images 85)" = 1 ]; then # the signal came behind the launch of the ranks, and before their end
    grep -q 'the most allowed (requeues: 0)' "$(log_of embed-images)" || die 'the bound is not reported'
    run 1 "$SLURM/status" run.yaml
    prints 'exit code 85 (stopped, state saved)'
    run 1 "$SLURM/collect" run.yaml
fi
finish
