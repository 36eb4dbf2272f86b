#!/usr/bin/env bash
# Measures everything that a GPU's speed decides, in at most ten minutes, and writes one JSON.
#
#   benchmarks/gpu.sh out.json                     on a GPU
#   DEVICE=cpu TINY=1 benchmarks/gpu.sh out.json   the same programs on small inputs, to see that they run
#
# SECONDS_ALL (600) bounds all parts together. PYTHON (python) runs them. What they read is made in a temporary folder
# (TMPDIR): about 40 GB on a GPU. `benchmarks/gpu.py` says what is measured, and what the exit status means.
set -u
[ $# -eq 1 ] || { echo "usage: benchmarks/gpu.sh OUT.json" >&2; exit 2; }
out=$(realpath -m "$1")
cd "$(dirname "$0")/.." || exit 2
exec "${PYTHON:-python}" -m benchmarks.gpu "$out" --device "${DEVICE:-cuda}" --seconds "${SECONDS_ALL:-600}" ${TINY:+--tiny}
