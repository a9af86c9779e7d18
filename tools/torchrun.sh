# shellcheck shell=bash
# Sourced by dist_train.sh and dist_test.sh.

# Say in one line what torchrun would wait for, or put under a traceback.
check_meeting_point() {
  local port=${PORT:-29500}
  if [ "${NNODES:-1}" != 1 ] && { [ -z "${NODE_RANK:-}" ] || [ -z "${MASTER_ADDR:-}" ]; }; then
    echo "error: NNODES is $NNODES; expected NODE_RANK (0 on the first machine) and MASTER_ADDR" \
      "(the first machine's address) as well: set them, and the same PORT, on every machine." >&2
    exit 2
  fi
  if [ "${NODE_RANK:-0}" = 0 ] && (: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
    echo "error: port $port of this machine is in use: set PORT to a free one, the same on every" \
      "machine." >&2
    exit 2
  fi
}

# run_distributed N SCRIPT [ARGUMENTS]: start SCRIPT N times on this machine.
run_distributed() {
  local processes=$1
  shift
  if ! [[ $processes =~ ^[1-9][0-9]*$ ]]; then
    echo "error: N is '$processes'; expected the number of processes on this machine, 1 or more." >&2
    exit 2
  fi

  # By default every process would use all cores, and they would slow each other down.
  if [ -z "${OMP_NUM_THREADS:-}" ]; then
    local cores threads
    cores=$(nproc 2>/dev/null || getconf _NPROCESSORS_ONLN) # nproc: those of this job; not on macOS
    threads=$((cores / processes))
    export OMP_NUM_THREADS=$((threads > 0 ? threads : 1))
  fi

  local -a rendezvous
  if [ "${NNODES:-1}" = 1 ] && [ -z "${PORT:-}" ]; then
    rendezvous=(--standalone) # a free port: two runs on one machine do not meet
  else
    check_meeting_point
    rendezvous=(
      --nnodes "${NNODES:-1}" --node_rank "${NODE_RANK:-0}"
      --master_addr "${MASTER_ADDR:-127.0.0.1}" --master_port "${PORT:-29500}"
    )
  fi
  exec "${PYTHON:-python}" "$(dirname "${BASH_SOURCE[0]}")/torchrun.py" \
    "${rendezvous[@]}" --nproc_per_node "$processes" "$@"
}
