# One stage of a run file inside a batch job. Sourced by the batch script beside it; not run by itself.
#
#   nb_stage RUN.yaml STAGE
#
# What a site or a user chooses comes by the environment, which slurm/submit fills from the run file's `slurm:` section
# and its own command line:
#   NEGBANK_PROGRAM   the program (else negbank of the PATH, else the build folder beside this one)
#   NEGBANK_MODULES   modules to load, separated by blanks       NEGBANK_SETUP   a shell file to read before anything else
#   NEGBANK_LAUNCHER  srun (default) or mpirun                   NEGBANK_REQUEUES  how often a stopped job comes back (20)
#   NEGBANK_FORCE     yes: overwrite outputs that were made otherwise
#   NEGBANK_PARTS     the stage is made in so many parts: a task of a job array makes the part of its number (plus
#                     NEGBANK_PARTS_BEFORE, where one array cannot hold them all), a job that is no task lays it out
#   NEGBANK_STRIPES   Lustre stripes of what is made in the output's folder (NEGBANK_FOLDER)

# nb_folder RUN.yaml: RUN.run, such that awk does not take it for a variable ("lr=0.1.run") nor any program for an option.
nb_folder() {
    local folder=${1%.y*ml}.run
    case $folder in -* | *=*) case $folder in /*) ;; *) folder=./$folder ;; esac ;; esac
    printf '%s' "$folder"
}

# Lines of logs for a terminal, which takes some characters for commands.
nb_plain() { LC_ALL=C sed 's/\xc2[\x80-\x9f]/?/g' | LC_ALL=C tr '\000-\010\013-\037\177' '?'; }

nb_say() { printf '%s %s\n' "$(date -u +%FT%TZ)" "$*"; }

# The words that start one process a rank, a blank between them.
nb_launcher() {
    case ${NEGBANK_LAUNCHER:-srun} in
    # --wait: when a rank is killed the others do not wait for it forever. No --kill-on-bad-exit: ranks that stop
    # together with exit code 85 would kill each other on the way out.
    srun) echo "srun --mpi=pmix --label --unbuffered --wait=60" ;;
    mpirun) echo "mpirun --tag-output" ;;
    *)
        echo "error: launcher '$NEGBANK_LAUNCHER' is neither srun nor mpirun" >&2
        return 2
        ;;
    esac
}

# Prints which cores each rank may use, and warns where ranks share one.
nb_binding() {
    # shellcheck disable=SC2016
    local each='echo "$(uname -n) ${OMPI_COMM_WORLD_RANK:-${SLURM_PROCID:-0}} $(sed -n "s/^Cpus_allowed_list:[[:space:]]*//p" /proc/self/status)"'
    local -a launch=(srun --mpi=none)
    [ "${NEGBANK_LAUNCHER:-srun}" = srun ] || launch=(mpirun)
    "${launch[@]}" bash -c "$each" 2>/dev/null </dev/null | sort -k1,1 -k2,2n | awk '
        function cores(list, host, only,   parts, range, n, i, c) {
            n = split(list, parts, ",")
            for (i = 1; i <= n; i++) {
                if (split(parts[i], range, "-") == 1) range[2] = range[1]
                for (c = range[1] + 0; c <= range[2] + 0; c++) {
                    if (!((host, c) in seen)) { seen[host, c] = 1; there[host]++ }
                    last = c; only++
                }
            }
            return only
        }
        NF >= 3 {
            printf "rank %s on %s: cores %s\n", $2, $1, $3
            ranks[$1]++
            if (cores($3, $1, 0) == 1 && taken[$1, last]++) shared[$1] = shared[$1] " " last
        }
        END {
            for (host in ranks) {
                if (ranks[host] > there[host])
                    printf "warning: %d ranks share %d cores on %s: they wait for each other\n", ranks[host], there[host], host
                else if (shared[host] != "")
                    printf "warning: two ranks are bound to one core on %s:%s\n", host, shared[host]
            }
        }'
}

# What became of the tasks of a job array that was submitted last for a stage, a line each: ID_TASK, part, state ("done",
# "failed", "running", "pending"), exit code. Nothing when the stage is no array.
nb_tasks() {
    local folder=$1 stage=$2 id before count
    awk -F'\t' -v s="$stage" '$1 == s { if ($3 != at) n = 0; at = $3; line[n++] = $2 "\t" $4 }
        END { for (i = 0; i < n; i++) print line[i] }' "$folder/jobs.tsv" 2>/dev/null |
        while IFS=$'\t ' read -r id before count; do
            [ -n "$count" ] || continue
            {
                squeue -h -r -j "$id" -o 'queued %K %T' 2>/dev/null
                awk -F'\t' -v j="$id" 'index($2, j "_") == 1 { sub(/.*_/, "", $2); print "ended", $2, $4 }' \
                    "$folder/ended.tsv" 2>/dev/null
            } | awk -v j="$id" -v b="$before" -v n="$count" '
                $1 == "queued" { queued[$2] = $3 }
                $1 == "ended" { code[$2] = $3 }
                END {
                    for (k = 1; k <= n; k++) {
                        state = k in queued ? (queued[k] == "PENDING" || queued[k] ~ /REQUEUE/ ? "pending" : "running") \
                            : (code[k] == "0" ? "done" : "failed")
                        printf "%s_%d\t%d\t%s\t%s\n", j, k, b + k, state, k in code ? code[k] : "none"
                    }
                }'
        done
}

nb_program() {
    local here=${BASH_SOURCE[0]%/*}
    if [ -n "${NEGBANK_PROGRAM:-}" ]; then
        echo "$NEGBANK_PROGRAM"
    elif command -v negbank >/dev/null; then
        command -v negbank
    elif [ -x "$here/../build/negbank" ]; then
        echo "$here/../build/negbank"
    else
        echo "error: no negbank: load its module, or set NEGBANK_PROGRAM" >&2
        return 2
    fi
}

# Sends the job back to the queue when it was stopped in time, at most NEGBANK_REQUEUES times.
nb_requeue() {
    local restarts=${SLURM_RESTART_COUNT:-0} most=${NEGBANK_REQUEUES:-20}
    if [ "$restarts" -ge "$most" ]; then
        nb_say "stage $NB_STAGE: stopped again after $restarts requeues, the most allowed (requeues: $most); submit again to continue"
        return
    fi
    nb_say "stage $NB_STAGE: state saved, requeue $((restarts + 1)) of at most $most"
    # by its full name: the number alone of an array's last task is that of the whole array
    scontrol requeue "$NB_JOB" && sleep 60 # until it takes effect
}

# Which part of the stage this job makes, "3/8"; nothing when it makes the whole.
nb_part() {
    [ -n "${NEGBANK_PARTS:-}" ] || return 0
    echo "$((SLURM_ARRAY_TASK_ID ? SLURM_ARRAY_TASK_ID + ${NEGBANK_PARTS_BEFORE:-0} : 0))/$NEGBANK_PARTS"
}

# New files in the output's folder get the stripes that were asked for; a file system without them says so.
nb_stripes() {
    [ -n "${NEGBANK_STRIPES:-}" ] || return 0
    if ! command -v lfs >/dev/null; then
        nb_say "stripes: $NEGBANK_STRIPES: no lfs here, left alone"
    elif lfs setstripe -c "$NEGBANK_STRIPES" "${NEGBANK_FOLDER:-.}"; then
        nb_say "stripes: $NEGBANK_STRIPES for new files in ${NEGBANK_FOLDER:-.}"
    else
        nb_say "warning: ${NEGBANK_FOLDER:-.} does not take $NEGBANK_STRIPES stripes"
    fi
}

nb_stage() {
    local config=${1:-} asked='' ended='' code=0 launcher program part
    NB_STAGE=${2:-}
    [ -n "$config" ] && [ -n "$NB_STAGE" ] || {
        echo "error: which stage? sbatch ... stage.sbatch RUN.yaml STAGE; 'negbank run RUN.yaml --print-stages' lists them" >&2
        exit 2
    }
    [ -n "${SLURM_JOB_ID:-}" ] || {
        echo "error: this is a batch script: sbatch ... stage.sbatch RUN.yaml STAGE, or slurm/submit RUN.yaml" >&2
        exit 2
    }
    # shellcheck disable=SC1090
    [ -z "${NEGBANK_SETUP:-}" ] || . "$NEGBANK_SETUP" || exit 2
    for module in ${NEGBANK_MODULES:-}; do
        module load "$module" || exit 2
    done
    export OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 # a rank is a core
    program=$(nb_program) && launcher=$(nb_launcher) || exit 2
    part=$(nb_part)
    NB_JOB=$SLURM_JOB_ID
    [ -z "${SLURM_ARRAY_TASK_ID:-}" ] || NB_JOB=${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID
    if [ "$(id -u)" = 0 ]; then
        export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
    fi
    nb_say "stage $NB_STAGE${part:+, part $part}, job $NB_JOB on ${SLURM_JOB_NODELIST:-?}, ${SLURM_NTASKS:-1} ranks, restart ${SLURM_RESTART_COUNT:-0}, OPENBLAS_NUM_THREADS=1"
    local child=''
    # USR1: the time limit is near. TERM alone: somebody cancels or preempts; then Slurm decides what comes next.
    trap 'asked=yes; [ -z "$child" ] || kill -USR1 "$child" 2>/dev/null' USR1
    trap 'ended=yes; [ -z "$child" ] || kill -USR1 "$child" 2>/dev/null' TERM
    nb_binding
    nb_stripes
    "$program" run "$config" --only "$NB_STAGE" ${part:+--part "$part"} --launcher "$launcher" ${NEGBANK_FORCE:+--force} &
    child=$!
    [ -z "$asked$ended" ] || kill -USR1 "$child" # asked before there was a child
    while :; do
        wait "$child"
        code=$?
        kill -0 "$child" 2>/dev/null || break # else only a signal ended the wait
    done
    wait "$child" 2>/dev/null
    local last=$?
    [ "$last" = 127 ] || code=$last
    nb_say "stage $NB_STAGE ended with exit code $code"
    printf '%s\t%s\t%s\t%s\t%s\n' "$NB_STAGE" "$NB_JOB" "${SLURM_RESTART_COUNT:-0}" "$code" "$(date -u +%FT%TZ)" \
        >>"$(nb_folder "$config")/ended.tsv"
    # 85: stopped, state saved. By a signal although USR1 came: it came before the ranks listened; what earlier runs
    # did is kept all the same.
    if { [ "$code" = 85 ] && { [ -n "$asked" ] || [ -z "$ended" ]; }; } || { [ -n "$asked" ] && [ "$code" -gt 128 ]; }; then
        nb_requeue
    fi
    exit "$code"
}
