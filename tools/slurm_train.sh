#!/usr/bin/env bash
# Train under Slurm.
#   tools/slurm_train.sh PARTITION JOB_NAME CONFIG [arguments of tools/train.py]
# From the environment: GPUS (8), GPUS_PER_NODE (8), CPUS_PER_TASK (5), and SRUN_ARGS for more
# arguments of srun. GPUS_PER_NODE=0 trains on CPUs with GPUS processes.
set -euo pipefail

if [ "$#" -lt 3 ]; then
  echo "usage: $0 PARTITION JOB_NAME CONFIG [arguments of tools/train.py]" >&2
  exit 2
fi
partition=$1
job_name=$2
config=$3
shift 3
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

tasks=${GPUS:-8}
gpus_per_node=${GPUS_PER_NODE:-8}
if [ "$gpus_per_node" -gt "$tasks" ]; then
  gpus_per_node=$tasks
fi
placement=(--ntasks="$tasks" --cpus-per-task="${CPUS_PER_TASK:-5}" --kill-on-bad-exit=1)
if [ "$gpus_per_node" -gt 0 ]; then
  placement+=(--gres="gpu:$gpus_per_node" --ntasks-per-node="$gpus_per_node")
fi
read -r -a more <<<"${SRUN_ARGS:-}"
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-${CPUS_PER_TASK:-5}}

exec srun --partition="$partition" --job-name="$job_name" "${placement[@]}" "${more[@]}" \
  "${PYTHON:-python}" -u "$here/train.py" "$config" --launcher slurm "$@"
