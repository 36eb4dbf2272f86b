#!/usr/bin/env bash
# Measures everything that a GPU's speed decides, in at most ten minutes, and writes one JSON.
#
#   benchmarks/gpu.sh out.json                     on a GPU
#   DEVICE=cpu TINY=1 benchmarks/gpu.sh out.json   the same programs on small inputs, to see that they run
#
# A part that fails or takes too long is recorded and the next one runs. SECONDS_ALL (600) bounds them together.
# PYTHON (python) runs them. What they read is made in a temporary folder: about 40 GB on a GPU.
set -u
out=$(realpath -m "${1:?usage: benchmarks/gpu.sh OUT.json}")
cd "$(dirname "$0")/.." || exit 1
device=${DEVICE:-cuda} tiny=${TINY:-} all=${SECONDS_ALL:-600} python=${PYTHON:-python}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
results=$folder/results
mkdir "$results"
SECONDS=0

part() { # part NAME SECONDS MODULE ARGUMENTS …
  local name=$1 most=$2 begin=$SECONDS code
  shift 2
  # The same programs as other parts, in other sizes: of no use where nothing is measured.
  [ "$tiny" ] && [[ $name =~ ^(encode-96-.*|encode-.*-1024|prep-2b-narrow|prep-2b-wide|prep-9b-.*)$ ]] && return
  echo "$*" >"$results/$name.command"
  [ "$tiny" ] && most=$((3 * most)) # most of a small part is imports, slow on a busy machine
  ((most > all - SECONDS)) && most=$((all - SECONDS))
  ((most < 5)) && { echo "$name: not run, the time is over"; return; }
  timeout "$most" "$python" -m "$@" >"$results/$name.log" 2>&1
  code=$?
  echo "$code $((SECONDS - begin))" >"$results/$name.status"
  echo "$name: exit status $code after $((SECONDS - begin)) s"
}
measure() { # measure NAME SECONDS MODULE ARGUMENTS …: a part that writes tables
  part "$@" --json "$results/$1.json"
}

small=gemma-2-2b large=gemma-2-9b narrow=16384 wide=131072 tokens=200000 store=60000
encode=(--tokens 1024 --repeats 10) steer=(--latents 48 --tuned 200) texts=100 dims=(2304 3584)
if [ "$tiny" ]; then
  small=cpu large=cpu narrow=512 wide=1024 tokens=5000 store=20000
  encode=(--tokens 64 --repeats 1) steer=(--latents 2 --tuned 2 --repeats 1) texts=3 dims=(64 96)
fi
prep=(--device "$device" --folder "$folder" --tokens "$tokens")

for latents in $narrow $wide; do
  for dim in "${dims[@]}"; do
    measure "encode-$dim-$latents" 30 benchmarks.encode --device "$device" --bfloat16 --d-in "$dim" \
      --latents "$latents" "${encode[@]}"
  done
done
measure prep-2b-narrow 70 benchmarks.prep "${prep[@]}" --shape $small --latents $narrow
measure prep-2b-wide 70 benchmarks.prep "${prep[@]}" --shape $small --latents $wide
measure prep-2b-wide-bfloat16 60 benchmarks.prep "${prep[@]}" --shape $small --latents $wide --coder-dtype bfloat16
measure prep-2b-hookpoints 70 benchmarks.prep "${prep[@]}" --shape $small --latents $narrow --hookpoints 3
measure likelihood 60 benchmarks.likelihood --device "$device" --subject "$folder/subject-$small" --texts $texts --repeats 1
part store 60 benchmarks.prep "${prep[@]}" --shape $small --latents $narrow --tokens $store --store "$folder/store"
measure halving 40 benchmarks.halving --device "$device" --store "$folder/store"
measure steering 60 benchmarks.steering --device "$device" --store "$folder/store" "${steer[@]}"
measure prep-9b-narrow 120 benchmarks.prep "${prep[@]}" --shape $large --latents $narrow
measure prep-9b-wide 120 benchmarks.prep "${prep[@]}" --shape $large --latents $wide

"$python" -m benchmarks.as_json "$results" "$out" && echo "$out"
