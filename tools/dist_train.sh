#!/usr/bin/env bash
# Train with several processes: one per GPU, or CPU processes where there is no GPU.
#   tools/dist_train.sh CONFIG N [arguments of tools/train.py]
# Several machines: run it on each with NNODES, NODE_RANK, MASTER_ADDR (and PORT) set.
set -euo pipefail

if [ "$#" -lt 2 ]; then
  echo "usage: $0 CONFIG N [arguments of tools/train.py]" >&2
  exit 2
fi
config=$1
processes=$2
shift 2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# shellcheck source=tools/torchrun.sh
source "$here/torchrun.sh"
run_distributed "$processes" "$here/train.py" "$config" --launcher pytorch "$@"
