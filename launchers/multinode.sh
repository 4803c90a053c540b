#!/usr/bin/env bash
# Trains phases on the hosts of a hostfile (lines like `node1 slots=8`; see hostfile.example):
#     launchers/multinode.sh HOSTFILE PHASE.toml... [key=value...]             once; needs pdsh and ssh
#     launchers/multinode.sh --no-ssh HOSTFILE PHASE.toml... [key=value...]    on each of the hosts
# All hosts need this folder, the environment and the phase files under the same paths.
#     MASTER_ADDR=node1        the host of rank 0 (default: the first of the hostfile)
#     MASTER_PORT=29500        a free port of it
#     NODE_RANK=0              with --no-ssh: this host's place in the hostfile (default: by its name)
#     GLOO_SOCKET_IFNAME=eth0 NCCL_SOCKET_IFNAME=eth0
#                              the network that connects the hosts, where they have several or
#                              where a host's own name is its loopback address
# Ctrl-C saves. With --no-ssh a signal to one host's script is enough; over ssh deepspeed ends all
# that it runs in this environment on these hosts, another run too, and ranks have 30 s to save.

set -euo pipefail
fail() { echo "dstilts: $1" >&2; exit 2; }

over_ssh=1
[ "${1:-}" != --no-ssh ] || { over_ssh=0; shift; }
[ $# -gt 1 ] || fail "usage: multinode.sh [--no-ssh] HOSTFILE PHASE.toml... [key=value...]"
hostfile=$1; shift
# Without it deepspeed would train on this machine alone.
[ -f "$hostfile" ] || fail "$hostfile: no such hostfile"
mapfile -t hosts < <(awk '!/^[[:space:]]*(#|$)/ {print $1}' "$hostfile")
[ ${#hosts[@]} -gt 0 ] || fail "$hostfile: names no host; a line is: node1 slots=8"
# shellcheck source=launchers/deepspeed.sh
source "$(dirname "${BASH_SOURCE[0]}")/deepspeed.sh"

launch=(
    --hostfile="$hostfile"
    --master_addr="${MASTER_ADDR:-${hosts[0]}}"
    --master_port="${MASTER_PORT:-29500}"
)
train=(--module dstilts train "$@")

if [ "$over_ssh" -eq 0 ]; then
    rank=${NODE_RANK:-}
    for index in "${!hosts[@]}"; do
        for name in "$(hostname)" "$(hostname -s)" "$(hostname -f 2>/dev/null || true)"; do
            [ "${hosts[$index]}" != "$name" ] || rank=${rank:-$index}
        done
    done
    [ -n "$rank" ] || fail "$hostfile: does not name this host, $(hostname); set NODE_RANK"
    [ "$rank" -lt ${#hosts[@]} ] || fail "NODE_RANK=$rank, but $hostfile names ${#hosts[@]} hosts"
    run_ranks "${launch[@]}" --no_ssh --node_rank="$rank" "${train[@]}"
    exit
fi

command -v pdsh >/dev/null || fail "pdsh is not installed; install it, or use --no-ssh on each host"
# deepspeed hands few variables over to the other hosts, and those that a file names.
settings=$(mktemp)
trap 'rm -f "$settings"' EXIT
{
    env | grep -E '^(DSTILTS|DS|GLOO|HF|OMP|TORCH)_[A-Z_]+=' | grep -v '^DS_ENV_FILE=' || true
    cat ~/.deepspeed_env .deepspeed_env 2>/dev/null || true
} >"$settings"
export DS_ENV_FILE=$settings
run_ranks "${launch[@]}" "${train[@]}"
