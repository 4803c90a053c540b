#!/usr/bin/env bash
# One night of a grid: update, plan, run, report, keep history. From cron, at 19:30:
#     30 19 * * *  cd $HOME/dstilts && ./launchers/nightly.sh runs/nightly nightly --budget 96
#     RUNS_DIR GRID.toml|RECIPE, then options of `dstilts sweep run` (--budget, --slurm, key=value ...)
#     UPDATE=1     takes the newest code first (git pull)
# Each night has a folder RUNS_DIR/history/DATE: plan.txt, log.txt and the report, which says what
# changed since the night before; RUNS_DIR/history/latest is the last one. While one night is at
# work another one ends at once. Nodes that fail are named in the page; the exit code is that of the run.

set -euo pipefail
[ $# -ge 2 ] || { echo "usage: nightly.sh RUNS_DIR GRID.toml|RECIPE [options of dstilts sweep run]" >&2; exit 2; }
runs=$(realpath -m "$1"); grid=$2; shift 2
[ ! -f "$grid" ] || grid=$(realpath "$grid")

mkdir -p "$runs/history"
exec 9>"$runs/history/.lock"
flock -n 9 || { echo "dstilts: another night is at work on $runs" >&2; exit 0; }

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
[ "${UPDATE:-0}" != 1 ] || git -C "$root" pull --quiet --ff-only
# An environment that is active is used as it is. The grid's relative paths are the caller's.
if ! command -v dstilts >/dev/null; then
    here=$PWD
    source "$root/launchers/environment.sh"
    cd "$here"
fi

night=$runs/history/$(date +%Y-%m-%d-%H%M%S)
last=$(readlink -f "$runs/history/latest" || true)
mkdir "$night"

# Keys of the grid go before options; of the options a plan takes the budget alone.
keys=() options=() budget=()
while [ $# -gt 0 ]; do
    case $1 in
        --budget) budget=(--budget "${2:?hours}"); shift ;;
        --budget=*) budget=("$1") ;;
        --*) options+=("$1") ;;
        *=*) keys+=("$1") ;;
        *) options+=("$1") ;;
    esac
    shift
done
dstilts sweep plan "$grid" "${keys[@]}" "${budget[@]}" --output "$runs" 9>&- >"$night/plan.txt"

code=0
dstilts sweep run "$grid" "${keys[@]}" "${budget[@]}" "${options[@]}" --output "$runs" \
    9>&- >"$night/log.txt" 2>&1 || code=$?
[ -d "$last" ] && since=(--since "$last") || since=()
if dstilts report "$runs" --output "$night" "${since[@]}" 9>&- >>"$night/log.txt" 2>&1; then
    ln -sfn "$(basename "$night")" "$runs/history/latest"
    echo "dstilts: $night/report.html (exit code of the run: $code)"
else
    echo "dstilts: no report; see $night/log.txt" >&2
    [ "$code" -ne 0 ] || code=1
fi
exit "$code"
