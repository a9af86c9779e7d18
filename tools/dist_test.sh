#!/usr/bin/env bash
# Test with several processes: one per GPU, or CPU processes where there is no GPU.
#   tools/dist_test.sh CONFIG CHECKPOINT N [arguments of tools/test.py]
# Several machines: run it on each with NNODES, NODE_RANK, MASTER_ADDR (and PORT) set.
set -euo pipefail

if [ "$#" -lt 3 ]; then
  echo "usage: $0 CONFIG CHECKPOINT N [arguments of tools/test.py]" >&2
  exit 2
fi
config=$1
checkpoint=$2
processes=$3
shift 3
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# shellcheck source=tools/torchrun.sh
source "$here/torchrun.sh"
run_distributed "$processes" "$here/test.py" "$config" "$checkpoint" --launcher pytorch "$@"
