#!/usr/bin/env bash
# The program without a launcher: one rank, wherever its shell came from.
source "$TESTS/cli/lib.sh"
printf 'one\ntwo\n' >texts
run 0 "$NEGBANK" corpus -q texts -o texts.nbc

case_ 'in a shell that srun started without MPI'
host=$(hostname)
step=(SLURM_JOB_ID=7 SLURM_JOBID=7 SLURM_NODELIST="$host" SLURM_JOB_NODELIST="$host" SLURM_NNODES=1 SLURM_TASKS_PER_NODE=1
    SLURM_NTASKS=1 SLURM_STEPID=0 SLURM_STEP_ID=0 SLURM_PROCID=0)
run 0 env "${step[@]}" SLURM_STEP_NUM_TASKS=1 "$NEGBANK" corpus -q texts -o step.nbc
same step.nbc texts.nbc
run 0 env "${step[@]}" "$NEGBANK" corpus -q texts -o shell.nbc
same shell.nbc texts.nbc

case_ 'one of several tasks that srun started without MPI'
run 2 env "${step[@]}" SLURM_STEP_NUM_TASKS=3 "$NEGBANK" corpus -q texts -o several.nbc
says 'srun started 3 tasks in this step without MPI'
says 'srun --mpi=pmix'
[ ! -e several.nbc ] || die 'a file was written'

case_ 'mpirun in such a step starts its ranks'
# shellcheck disable=SC2046
run 0 env SLURM_STEP_NUM_TASKS=3 $(mpi 2) "$NEGBANK" corpus -q texts -o ranks.nbc
same ranks.nbc texts.nbc
finish
