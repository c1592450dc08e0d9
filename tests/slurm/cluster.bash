# A private Slurm cluster of three nodes on this machine, for the tests beside it: every slurmd in its own network,
# host name, mount and IPC namespace (veth pairs on a bridge), munge and slurmctld beside them. Source it.
#
# It sets $D (a folder all nodes see, under /var/tmp since every node has a /tmp of its own), NB (the program) and SLURM
# (a copy of slurm/), stands in $D, and always takes everything down again at the end.
. "$TESTS/cli/lib.sh" || exit 1
NODES=3 ID=$((BASHPID % 1000))
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
ip netns add "nb$ID-try" 2>/dev/null || skip 'no network namespaces here'
ip netns del "nb$ID-try"
unshare --uts --mount --ipc true 2>/dev/null || skip 'no namespaces for nodes here'

D=$(mktemp -d /var/tmp/negbank-slurm-XXXXXX)
chmod 755 "$D"
B=nbbr$ID NET=10.$((100 + ID % 100)).$((ID / 100)) PORT=$((21000 + ID * 4))
alive() { [ -r "/proc/$1/status" ] && ! grep -q '^State:.*Z' "/proc/$1/status"; }
cluster_stop() {
    local file pid i
    cd /
    for file in "$D"/run/slurmctld.pid "$D"/run/slurmd-*.pid "$D"/run/munged.pid; do
        pid=$(cat "$file" 2>/dev/null) || continue
        kill "$pid" 2>/dev/null
        for _ in $(seq 30); do
            alive "$pid" || break
            sleep 0.1
        done
        ! alive "$pid" || kill -9 "$pid"
    done
    for i in $(seq $NODES); do
        ip netns pids "nb$ID-$i" 2>/dev/null | xargs -r kill -9 2>/dev/null # what jobs left on the node
        ip netns del "nb$ID-$i" 2>/dev/null
    done
    ip link del "$B" 2>/dev/null
    rm -rf "$D" "$T"
}
trap cluster_stop EXIT
trap 'exit 1' INT TERM
mkdir -p "$D"/{etc,run,log,state,spool}
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
ClusterName=nb$ID
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
        ip netns add "nb$ID-$i"
        ip link add "nbv$ID-$i" type veth peer name eth0 netns "nb$ID-$i"
        ip link set "nbv$ID-$i" master "$B" up
        ip -n "nb$ID-$i" addr add "$NET.$((10 + i))/24" dev eth0
        ip -n "nb$ID-$i" link set eth0 up
        ip -n "nb$ID-$i" link set lo up
        mkdir -p "$D/spool/n$i"
        # nsenter, not `ip netns exec`, which mounts another /sys that slurmd cannot use
        nsenter --net="/run/netns/nb$ID-$i" unshare --uts --mount --ipc bash -c "hostname n$i
            mount --make-rprivate / && mount -t tmpfs tmpfs /tmp && mount -t tmpfs tmpfs /dev/shm &&
            mount --bind '$D/etc/hosts' /etc/hosts && exec slurmd -f '$SLURM_CONF' -N n$i" || die "slurmd $i does not start"
    done
    for _ in $(seq 200); do
        [ "$(sinfo -h -t idle -o %D 2>/dev/null)" != $NODES ] || return 0
        sleep 0.1
    done
    sinfo >&2
    die 'the nodes do not come up'
}

# submit ARGUMENTS...: slurm/submit, its output in $T/out.
submit() { run 0 "$SLURM/submit" "$@"; }
# state STAGE: what negbank says of it.
state() { "$NB" run run.yaml --print-stages | awk -F'\t' -v s="$1" '$1 == s { print $2 }'; }
job_of() { awk -F'\t' -v s="$1" '$1 == s { id = $2 } END { print id }' run.run/jobs.tsv; }
log_of() { echo "run.run/logs/$1-$(job_of "$1").out"; }
# until_ SECONDS COMMAND...: waits until it succeeds.
until_() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.2
    done
}
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
