#!/usr/bin/env bash
# Makes .venv/ in the checkout and installs dstilts into it, pinned by constraints.txt.
# Sourced by the other launchers; a second call changes nothing and takes no time.
#   PYTHON=python3.11    the interpreter to use

set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

# The stamp names what was installed: what decides on packages, or is compiled, installs again.
stamp=.venv/.dstilts-environment
wanted=$(cat constraints.txt pyproject.toml setup.py kernels/topk/native/* | sha256sum | cut -d' ' -f1)
if [ "$(cat "$stamp" 2>/dev/null || true)" != "$wanted" ]; then
    echo "dstilts: making the environment in $root/.venv (about two minutes, 2 GB)"
    "${PYTHON:-python3}" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
        echo "dstilts: Python 3.11 or newer is needed; set PYTHON to one" >&2
        exit 2
    }
    [ -x .venv/bin/python ] || "${PYTHON:-python3}" -m venv .venv
    # torch goes first: a package that asks for a range of it must find it there already.
    .venv/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt torch
    .venv/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
    echo "$wanted" >"$stamp"
fi
# shellcheck disable=SC1091
source .venv/bin/activate
