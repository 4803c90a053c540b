#!/usr/bin/env bash
# A fresh machine to a finished test run: the environment, then every test that needs no GPU. Arguments go to pytest.
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
exec python -m pytest "$@"
