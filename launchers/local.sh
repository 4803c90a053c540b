#!/usr/bin/env bash
# Trains phases on all GPUs of this machine, or on its cores:
#     launchers/local.sh PHASE.toml... [key=value...]
# Ctrl-C or a signal saves; the same command goes on from there.
#     RANKS=4    processes (default: one a GPU, or two on cores)

set -euo pipefail
[ $# -gt 0 ] || { echo "usage: local.sh PHASE.toml... [key=value...]" >&2; exit 2; }
# shellcheck source=launchers/deepspeed.sh
source "$(dirname "${BASH_SOURCE[0]}")/deepspeed.sh"

facts='
import torch
from dstilts.sweep.local import free_port, ranks_at_hand
print(torch.cuda.device_count(), ranks_at_hand(), free_port())
'
read -r gpus ranks port < <(python -c "$facts")
ranks=${RANKS:-$ranks}
if [ "$gpus" -eq 0 ]; then
    export DS_ACCELERATOR=${DS_ACCELERATOR:-cpu}
    cores=$(($(nproc) / ranks))
    export OMP_NUM_THREADS=${OMP_NUM_THREADS:-$((cores > 0 ? cores : 1))}
fi
run_ranks --num_accelerators="$ranks" --master_port="${MASTER_PORT:-$port}" --module dstilts train "$@"
