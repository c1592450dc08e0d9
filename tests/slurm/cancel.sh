#!/usr/bin/env bash
# scancel in mid-mining: the ledger keeps what is done, the job is not requeued; submitted again, on another number of
# ranks, only the rest is computed; the bytes are those of one rank that nobody disturbed.
. "$TESTS/slurm/cluster.bash" || exit 1
case_ 'candidates'
run 0 "$NB" demo -q -o world
many_candidates 70000 1000 run.yaml
cat >>run.yaml <<'C'
slurm:
  time: 10
  ntasks: 2
  nodes: 2
C
run 0 "$NB" run run.yaml -q --only corpus --only embed-text
mkdir alone
run 0 "$NB" mine -q --config run.yaml -o alone/many.nbank
cluster_start

case_ 'cancelled in the middle'
submit run.yaml --no-plan
prints 'embed-text: done already'
job=$(job_of mine)
until_ 60 grown many.nbank.ledger 100000 || { show; die 'mining does not begin'; }
scancel "$job"
until_ 60 job_ended "$job" || { show; die 'the job does not end'; }
absent many.nbank
present many.nbank.ledger
[ "$(state mine)" = partly ] || die "mine is $(state mine), not partly done"
run 1 "$SLURM/status" run.yaml
grep -q '^mine  *failed .*CANCELLED' "$T/out" || die 'status does not say that it was cancelled'
grep -q 'stopped on request after' "$(log_of mine)" || { show; die 'the ranks did not stop by themselves'; }

case_ 'submitted again: only the rest'
submit run.yaml --no-plan --ntasks 3 --nodes 3
[ "$(job_of mine)" != "$job" ] || die 'no other job'
until_ 120 all_ended || { show; die 'the job does not end'; }
run 0 "$SLURM/status" run.yaml || { show; exit 1; }
same many.nbank alone/many.nbank
kept=$(kept_of mine)
[ "${kept:-0}" -gt 0 ] || { show; die 'nothing was kept'; }
[ "$kept" -lt 70000 ] || die 'it was cancelled too late'
echo "kept $kept candidates"
finish
