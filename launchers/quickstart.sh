#!/usr/bin/env bash
# A fresh machine to a finished report: the environment, then the main job. Arguments go to `dstilts quickstart`.
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
exec dstilts quickstart "$@"
