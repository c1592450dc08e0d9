#!/usr/bin/env bash
# A node goes down in mid-embedding: Slurm requeues the job onto the others, which go on from what was there; the bytes
# are those of one rank that nobody disturbed.
. "$TESTS/slurm/cluster.bash" || exit 1
case_ 'the cluster and the work'
cluster_start
dear_world 12
expected

case_ 'a node is lost'
submit run.yaml --no-plan
job=$(job_of embed-images)
until_ 60 grown many.nbe.partial 20000 || { show; die 'embedding does not begin'; }
nodes=$(scontrol show hostnames "$(squeue -h -j "$job" -o %N)" | tr '\n' ' ')
lost=${nodes% }
lost=${lost##* n}
[ -n "$lost" ] || die "the job runs on '$nodes'"
ip link set "nbv-$lost" down
requeued() { scontrol -o show job "$job" | grep -q ' Restarts=[1-9]'; }
until_ 120 requeued || { show; sinfo >&2; die 'the job is not requeued'; }
until_ 120 job_ended "$job" || { show; sinfo >&2; die 'the job does not end'; }
run 0 "$SLURM/status" run.yaml || { show; exit 1; }
same many.nbe alone/many.nbe
log=$(log_of embed-images)
grep -q 'restart 1' "$log" || die 'no second run in the log'
ran=$(sed -n 's/.*job [0-9]* on \(.*\), [0-9]* ranks, restart 1.*/\1/p' "$log")
scontrol show hostnames "$ran" | grep -qx "n$lost" && die "it ran again on the lost node n$lost"
[ "$(kept_of embed-images)" -gt 0 ] || { show; die 'nothing was kept'; }
echo "lost n$lost of $nodes, ran again on $ran, kept $(kept_of embed-images) images"
finish
