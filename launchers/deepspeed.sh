#!/usr/bin/env bash
# Sourced by local.sh and multinode.sh: finds dstilts, and starts ranks that can be told to stop.

# The caller's environment goes first, then the one that environment.sh makes in the checkout.
if ! command -v dstilts >/dev/null; then
    root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
    if [ ! -f "$root/.venv/bin/activate" ]; then
        echo "dstilts: not installed; run $root/launchers/quickstart.sh once, or pip install it" >&2
        exit 2
    fi
    # shellcheck disable=SC1091
    source "$root/.venv/bin/activate"
fi

# Runs `deepspeed "$@"` and returns its code. A signal to the script (Ctrl-C too) goes to the ranks,
# which save and end with 75; a second one kills them. With over_ssh=1 it goes to deepspeed, which
# ends the ranks of the other hosts.
run_ranks() {
    local code=127 again=1 signals=0 status
    # A session of its own: deepspeed itself would end with the signal, and leave the ranks.
    setsid deepspeed "$@" &
    local deepspeed=$!
    trap 'again=1; signals=$((signals + 1)); pass_on "$deepspeed" "$signals"' HUP INT TERM USR1 USR2
    # A signal ends the wait, not what is waited for.
    while [ "$again" -eq 1 ]; do
        again=0 status=0
        wait "$deepspeed" || status=$?
        # 127: it was waited for before.
        [ "$status" -eq 127 ] || code=$status
    done
    trap - HUP INT TERM USR1 USR2
    return "$code"
}

# deepspeed starts one process, and that one the ranks.
pass_on() {
    if [ "$2" -gt 1 ]; then
        kill -KILL -- "-$1" || true
    elif [ "${over_ssh:-0}" -eq 1 ]; then
        kill -TERM "$1" || true
    else
        local starter
        for starter in $(pgrep -P "$1"); do
            pkill -USR2 -P "$starter" || true
        done
    fi
}
