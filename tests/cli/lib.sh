# What the command-line tests share. Source it: it sets NEGBANK, a fresh folder $T and MPI. At the end, whatever it is,
# the folder is removed and what still runs of the test is killed (tests/support/clear_away).
#
# A test is a script that runs commands and checks what they print, leave behind and exit with. `case_` begins a case;
# the first failing check ends the script with what was expected and what came.
set -u
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1
export OMPI_MCA_btl_vader_single_copy_mechanism=none OMPI_MCA_mpi_yield_when_idle=1
export PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe # Open MPI 5's launcher reads none of Open MPI 4's names
export OMPI_MCA_btl_tcp_disable_family=6 # Open MPI 5.0.7 complains of IPv6 between ranks of one machine
export PMIX_MCA_gds=hash # what negbank asks of PMIx for itself, for mpirun (common/parallel/comm.c)
unset OPENBLAS_CORETYPE NEGBANK_VECTOR NEGBANK_AMX NEGBANK_CPU # what is said of kernels is tested by kernels.sh alone
: "${NEGBANK:?path of the program}" "${GOLDEN:=$TESTS/golden}" "${SHARED:=}"
if [ -n "${NEGBANK_TEST_SCRATCH:-}" ]; then # the test began itself again, in namespaces of its own
    T=$NEGBANK_TEST_SCRATCH
else
    T=$(mktemp -d "${SCRATCH_PARENT:-${TMPDIR:-/tmp}}/negbank-cli-XXXXXX") || exit 1
    (setsid "$TESTS/support/clear_away" "$T" $$ >/dev/null 2>&1 </dev/null &) # outlives the test
    export NEGBANK_TEST_SCRATCH=$T
fi
at_end() {
    cd /
    env -u NEGBANK_TEST_SCRATCH SPARE=$BASHPID "$TESTS/support/clear_away" "$T"
}
trap at_end EXIT
trap 'exit 1' HUP INT TERM
mkdir -p "$T/ompi" # what mpirun keeps beside its ranks: a rank that is killed leaves some of it
export OMPI_MCA_orte_tmpdir_base=$T/ompi PRTE_MCA_prte_tmpdir_base=$T/ompi
cd "$T" || exit 1
CASE=start CASES=0

case_() { CASE=$1; CASES=$((CASES + 1)); }

die() {
    printf 'FAILED: %s: %s\n' "$CASE" "$*" >&2
    [ -s "$T/out" ] && sed 's/^/  stdout: /' "$T/out" | head -20 >&2
    [ -s "$T/err" ] && sed 's/^/  stderr: /' "$T/err" | head -20 >&2
    exit 1
}

# Seconds after which a command hangs: many times what any takes on a machine with other work.
LIMIT=300

# run CODE COMMAND...: runs within LIMIT, output in $T/out and $T/err, and checks the exit code.
run() {
    want=$1
    shift
    timeout -k 5 $LIMIT "$@" >"$T/out" 2>"$T/err" </dev/null
    got=$?
    [ "$got" = "$want" ] || die "exit code $got instead of $want: $*"
}

# mpi RANKS: prefix for a command under mpirun, or what MPIEXEC names.
mpi() { echo "${MPIEXEC:-mpirun --bind-to none} -np $1"; }
# launcher_of JOB: the process whose children are the ranks of a job in the background, `mpirun ...` or `timeout ... mpirun
# ...`. Open MPI 5's mpirun becomes prterun; MPICH's mpiexec has a proxy between itself and them.
launcher_of() {
    local launcher=$1 name='mpirun|prterun|mpiexec.*'
    [[ $(ps -o comm= -p "$1") =~ ^($name)$ ]] || launcher=$(pgrep -x -P "$1" "$name") || return 1
    pgrep -x -P "$launcher" hydra_pmi_proxy || echo "$launcher"
}
# signal_job SIGNAL JOB: to all ranks: by way of Open MPI's launcher, or to each where MPICH's would not pass it on.
signal_job() {
    local launcher
    launcher=$(launcher_of "$2") || return 1
    if [ "$(ps -o comm= -p "$launcher")" = hydra_pmi_proxy ]; then
        pkill "-$1" -P "$launcher"
    else
        kill "-$1" "$launcher"
    fi
}

# wait_mpirun JOB: waits for a job in the background, `timeout ... mpirun ...`; $got is its exit code. Where a rank is
# killed while it connects, one time in some hundreds, mpirun (PMIx 4.2.2) reports it, and then waits at its own end for
# a lock that nobody holds any more: without a rank for 15 s it is killed, with a word.
wait_mpirun() {
    local launcher alone=0
    while kill -0 "$1" 2>/dev/null; do
        launcher=$(launcher_of "$1")
        if [ -n "$launcher" ] && ! pgrep -P "$launcher" -r D,R,S,T >/dev/null; then
            alone=$((alone + 1))
        else
            alone=0
        fi
        if [ $alone = 150 ]; then
            echo "mpirun hung at its own end, all its ranks gone ($CASE)"
            kill -9 "$launcher"
        fi
        sleep 0.1
    done
    wait "$1" 2>/dev/null
    got=$?
}

# until_ SECONDS COMMAND...: waits until it succeeds, at most so long.
until_() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [ $SECONDS -lt $end ] || return 1
        sleep "${POLL:-0.02}"
    done
}

# begun JOB FILE: the file is there, or the job has ended without a moment when it was seen.
begun() { [ -e "$2" ] || ! kill -0 "$1" 2>/dev/null; }

says() { grep -qF -- "$1" "$T/err" || die "the error does not say '$1'"; }
prints() { grep -qF -- "$1" "$T/out" || die "the output does not print '$1'"; }
absent() { for f in "$@"; do [ ! -e "$f" ] || die "'$f' was left behind"; done; }
present() { for f in "$@"; do [ -s "$f" ] || die "'$f' is missing or empty"; done; }
same() { cmp -s "$1" "$2" || die "'$1' and '$2' differ"; }

# many_candidates LINES COUNT FILE: noun.many.txt with so many lines made of the demo world's (in world/), and a run file
# that embeds them to many.nbe and mines COUNT of them into many.nbank.
many_candidates() {
    yes "$(cat world/corpus/noun.demo.txt)" | head -n "$1" | awk '{ print $0, NR }' >noun.many.txt
    cat >"$3" <<C
corpus:
  inputs: noun.many.txt
  output: many.nbc
embed:
  text:
    model: world/model
    inputs: many.nbc
    output: many.nbe
mine:
  texts: many.nbe
  labels: world/labels.txt
  model: world/model
  criterion: dnm
  count: $2
  output: many.nbank
C
}

# need_shared NAME: skips the whole script when the real data beside the checkout ("data/...") lack it.
need_shared() {
    [ -e "$SHARED/$1" ] || {
        echo "skipped: the data '$1' are absent"
        exit 77
    }
}

# Skips it without WordNet; $W is its index of nouns.
need_wordnet() {
    W=/usr/share/wordnet/index.noun
    [ -s "$W" ] || {
        echo 'skipped: the package wordnet-base is absent'
        exit 77
    }
}

finish() { echo "$CASES cases passed"; }

# import_real_embeddings: real CLIP ViT-B/32 embeddings, from $D, as texts, labels, train, test, wild and four OOD sets.
# Skips the test where they are absent.
import_real_embeddings() {
    local set import=(run 0 "$NEGBANK" store import -q)
    need_shared data/real-clip-vit-b-32
    D=$SHARED/data/real-clip-vit-b-32
    case_ "import"
    "${import[@]}" --embeddings "$D/corpus_text.npy" --names "$D/corpus_names.txt" -o texts.nbe
    "${import[@]}" --embeddings "$D/id_text.npy" --names "$D/id_labels.txt" -o labels.nbe
    "${import[@]}" --embeddings "$D/id_train.npy" --labels "$D/id_train_labels.npy" -o train.nbe
    "${import[@]}" --embeddings "$D/id_test.npy" --labels "$D/id_test_labels.npy" -o test.nbe
    "${import[@]}" --embeddings "$D/wild_images.npy" -o wild.nbe
    for set in dtd flowers cars other_breeds; do
        "${import[@]}" --embeddings "$D/ood_$set.npy" -o "$set.nbe"
    done
}
