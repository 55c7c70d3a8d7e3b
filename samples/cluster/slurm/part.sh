#!/bin/bash
# A task of a job array: runs the part that has its number. The first argument is how many parts
# there are, the others are those of `v8-rawmem run`. A task that fails is tried twice more.
#SBATCH --requeue
#SBATCH --output=part-%a.log
#SBATCH --open-mode=append
parts=$1 part=$SLURM_ARRAY_TASK_ID
npx v8-rawmem run "${@:2}" --part "$part/$parts" > "part-$part.json" && exit
status=$?
[ "${SLURM_RESTART_COUNT:-0}" -lt 2 ] && scontrol requeue "$SLURM_JOB_ID"
exit $status
