# A private Slurm cluster of three nodes on this machine, for the tests beside it: every slurmd in its own network,
# host name, mount and IPC namespace (veth pairs on a bridge), munge and slurmctld beside them. Source it.
#
# All of it lives in namespaces of processes, networks and mounts that are the test's own: names, addresses and ports meet
# nobody else's, and everything ends with the test, whatever ends that.
#
# It sets $D (a folder all nodes see, under /var/tmp since every node has a /tmp of its own), NB (the program) and SLURM
# (a copy of slurm/), and stands in $D.
skip() {
    echo "skipped: $*"
    exit 77
}
for tool in munged slurmctld slurmd sbatch squeue scontrol; do
    command -v $tool >/dev/null || skip "$tool is absent (packages slurm-wlm, slurm-client, munge)"
done
for tool in ip nsenter unshare; do
    command -v $tool >/dev/null || skip "$tool is absent (packages iproute2, util-linux)"
done
[ "$(id -u)" = 0 ] || skip 'not root: no network namespaces'
SCRATCH_PARENT=/var/tmp
self=$(realpath "$0")
. "$TESTS/cli/lib.sh" || exit 1
own=(unshare --net --mount --pid --fork --kill-child --mount-proc)
if [ -z "${OWN_NAMESPACES:-}" ]; then
    "${own[@]}" unshare --uts --ipc true 2>/dev/null || skip 'no namespaces for a cluster and its nodes here'
    OWN_NAMESPACES=1 "${own[@]}" bash "$self" & # a signal ends the wait, not unshare
    wait $!
    exit
fi
unset OMPI_MCA_orte_tmpdir_base # every node has its own
mount -t tmpfs tmpfs /run && ip link set lo up || skip 'no bridge and no names of networks here'

NODES=3 D=$T/cluster B=nbbr NET=10.99.0 PORT=21000
mkdir -p "$D"/{etc,run,log,state,spool}
chmod 755 "$T" "$D"
cp "$NEGBANK" "$D/negbank"
cp -r "$TESTS/../slurm" "$D/slurm"
NB=$D/negbank SLURM=$D/slurm
export NEGBANK_PROGRAM=$NB

cluster_start() {
    local host memory i
    host=$(uname -n)
    host=${host%%.*}
    memory=$(awk -v n=$NODES '/MemTotal/ { print int($2 / 1024 * 0.8 / n) }' /proc/meminfo)
    ip link add "$B" type bridge && ip addr add "$NET.1/24" dev "$B" && ip link set "$B" up || skip 'no bridge here'
    head -c 128 /dev/urandom >"$D/etc/munge.key"
    chmod 600 "$D/etc/munge.key"
    munged --force --key-file="$D/etc/munge.key" --socket="$D/run/munge.sock" --pid-file="$D/run/munged.pid" \
        --log-file="$D/log/munged.log" --seed-file="$D/run/munge.seed" || die 'munged does not start'
    {
        cat <<C
ClusterName=nb
SlurmctldHost=$host($NET.1)
SlurmUser=root
SlurmdUser=root
SlurmctldPort=$PORT
SlurmdPort=$((PORT + 1))
AuthType=auth/munge
AuthInfo=socket=$D/run/munge.sock,cred_expire=5
CredType=cred/munge
StateSaveLocation=$D/state
SlurmdSpoolDir=$D/spool/%n
SlurmctldPidFile=$D/run/slurmctld.pid
SlurmdPidFile=$D/run/slurmd-%n.pid
SlurmctldLogFile=$D/log/slurmctld.log
SlurmdLogFile=$D/log/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0,sched_min_interval=0
SlurmdParameters=config_overrides
MpiDefault=none
ReturnToService=2
KillWait=10
SlurmctldTimeout=10
SlurmdTimeout=10
TreeWidth=65533
${MORE_CONF:-}
C
        for i in $(seq $NODES); do
            echo "NodeName=n$i NodeHostname=n$i NodeAddr=$NET.$((10 + i)) CPUs=2 RealMemory=$memory State=UNKNOWN"
        done
        echo "PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE DefaultTime=10 DefMemPerCPU=$((memory / 2)) State=UP"
    } >"$D/etc/slurm.conf"
    echo CgroupAutomount=no >"$D/etc/cgroup.conf"
    {
        echo "127.0.0.1 localhost"
        echo "$NET.1 $host"
        for i in $(seq $NODES); do echo "$NET.$((10 + i)) n$i"; done
    } >"$D/etc/hosts"
    export SLURM_CONF=$D/etc/slurm.conf
    slurmctld -f "$SLURM_CONF" || die 'slurmctld does not start'
    for i in $(seq $NODES); do
        ip netns add "nb-$i"
        ip link add "nbv-$i" type veth peer name eth0 netns "nb-$i"
        ip link set "nbv-$i" master "$B" up
        ip -n "nb-$i" addr add "$NET.$((10 + i))/24" dev eth0
        ip -n "nb-$i" link set eth0 up
        ip -n "nb-$i" link set lo up
        mkdir -p "$D/spool/n$i"
        # nsenter, not `ip netns exec`, which mounts another /sys that slurmd cannot use
        nsenter --net="/run/netns/nb-$i" unshare --uts --mount --ipc bash -c "hostname n$i
            mount --make-rprivate / && mount -t tmpfs tmpfs /tmp && mount -t tmpfs tmpfs /dev/shm &&
            mount --bind '$D/etc/hosts' /etc/hosts && exec slurmd -f '$SLURM_CONF' -N n$i" || die "slurmd $i does not start"
    done
    all_idle() { [ "$(sinfo -h -t idle -o %D 2>/dev/null)" = $NODES ]; }
    until_ 100 all_idle || { sinfo >&2; die 'the nodes do not come up'; }
}

# submit ARGUMENTS...: slurm/submit, its output in $T/out.
submit() { run 0 "$SLURM/submit" "$@"; }
# state STAGE: what negbank says of it.
state() { "$NB" run run.yaml --print-stages | awk -F'\t' -v s="$1" '$1 == s { print $2 }'; }
job_of() { awk -F'\t' -v s="$1" '$1 == s { id = $2 } END { print id }' run.run/jobs.tsv; }
log_of() { echo "run.run/logs/$1-$(job_of "$1").out"; }
POLL=0.2
job_ended() { [ -z "$(squeue -h -j "$1" 2>/dev/null)" ]; }
all_ended() { [ -z "$(squeue -h)" ]; }
job_running() { [ "$(squeue -h -j "$1" -o %T 2>/dev/null)" = RUNNING ]; }
show() {
    local log
    "$SLURM/status" run.yaml >&2
    for log in run.run/logs/*; do
        echo "---- $log" >&2
        tail -25 "$log" >&2
    done
}
cd "$D" || exit 1

# grown FILE BYTES: it takes this much more of the disk than when it was first asked for: tiles were written into it.
declare -A FIRST=()
grown() {
    local now
    now=$(du -B1 "$1" 2>/dev/null | cut -f1)
    [ -n "$now" ] || return 1
    : "${FIRST[$1]:=$now}"
    [ $((now - FIRST[$1])) -ge "$2" ]
}
# Rows that were done before the last run of a stage began, as its log says.
kept_of() { sed -n 's/.* \([0-9]*\) of [0-9]* [a-z]* were done before$/\1/p; s/^\([0-9]*\) of [0-9]* [a-z]* were done before$/\1/p' "$(log_of "$1")" | tail -1; }
# Lines of ended.tsv with an exit code of a stage.
ended_with() { awk -F'\t' -v s="$1" -v c="$2" '$1 == s && $4 == c' run.run/ended.tsv | wc -l; }

# A world whose pictures are dear to embed, by a checkpoint of its own, and a run file run.yaml that embeds about $1
# seconds' worth of them on two ranks, as fast as this machine is now.
dear_world() {
    run 0 "$NB" demo -q -o world
    cat >config.json <<'C'
{"model_type": "clip", "projection_dim": 64,
 "text_config": {"hidden_size": 128, "intermediate_size": 512, "num_attention_heads": 4, "num_hidden_layers": 2,
                 "max_position_embeddings": 32, "vocab_size": 1014, "projection_dim": 64},
 "vision_config": {"hidden_size": 512, "intermediate_size": 2048, "num_attention_heads": 8, "num_hidden_layers": 6,
                   "image_size": 64, "patch_size": 8, "projection_dim": 64}}
C
    run 0 "$NB" tune -q --from-scratch config.json --images world/id-train.txt --labels world/labels.txt --steps 1 --batch 2 \
        --micro-batch 2 --warmup 0 -o dear
    cat >run.yaml <<'C'
embed:
  images:
    model: dear
    labels-from: none
    inputs: many
    output: many.nbe
slurm:
  time: 10
  ntasks: 2
  nodes: 2
C
    mkdir many
    cp -r world/images/wild many/0
    run 0 "$NB" plan run.yaml
    local rate copies
    rate=$(sed -n 's/.* images=\([0-9]*\).*/\1/p' "$T/out")
    copies=$((rate * 2 * $1 / 100 + 1))
    for ((i = 1; i < copies; i++)); do cp -r world/images/wild "many/$i"; done
    echo "$((copies * 100)) images, $rate a second and rank"
    mkdir alone
    # the bytes of one rank outside Slurm, in the background of what comes: see expected
    "$NB" embed images -q --config run.yaml -o alone/many.nbe >alone/log 2>&1 &
    ALONE=$!
}
# Waits for them.
expected() { wait $ALONE || die "the run outside Slurm failed: $(cat alone/log)"; }
