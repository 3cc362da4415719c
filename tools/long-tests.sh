#!/usr/bin/env bash
# What takes too long for every commit: run it before a release, and after changes of what it tests.
#   tools/long-tests.sh [PART...]     default: all parts, which are the functions part_NAME below
# Prints a line for each part, and how many passed; a part's whole output is shown only if it fails.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The executables of tools/publish.sh, each against the one that dotnet build makes: 20 steps of the preset's own network from the same seed, then samples
# of it, to the same bits. Only those that this processor can run.
part_publish() {
  dotnet build -c Release src/RawDiffusion.Trainer
  tools/publish.sh "$work/published"
  local built=src/RawDiffusion.Trainer/bin/Release/net10.0/rawdiffusion
  local train=(train --steps 20 --batch 8 --save-every 10 --sample-every 10 --set sampling.count=4 --set sampling.steps=5)
  "$built" "${train[@]}" --out "$work/built"
  "$built" sample "$work/built" --count 4 --seed 1 --out "$work/built.png"
  local builds=(portable)
  grep -qw avx2 /proc/cpuinfo && builds+=(x86-64-v3)
  grep -qw avx512vl /proc/cpuinfo && builds+=(x86-64-v4)
  local build file
  for build in "${builds[@]}"; do
    export RAWDIFFUSION_BUILD=$build
    "$work/published/rawdiffusion" "${train[@]}" --out "$work/$build"
    "$work/published/rawdiffusion" sample "$work/$build" --count 4 --seed 1 --out "$work/$build.png"
    for file in checkpoints/step-00000{10,20}/{weights,ema,optimizer}.safetensors samples/step-00000{10,20}.png config.json; do
      cmp "$work/built/$file" "$work/$build/$file"
    done
    cmp "$work/built.png" "$work/$build.png"
    unset RAWDIFFUSION_BUILD
  done
}

# The published CIFAR-10 network, forward and backward, on the double-precision reference device.
part_networks() {
  dotnet build -c Release tests/RawDiffusion.ConformanceTests
  RAWDIFFUSION_LONG_TESTS=1 tests/RawDiffusion.ConformanceTests/bin/Release/net10.0/RawDiffusion.ConformanceTests --filter-method '*PublishedNetworksAgree*'
}

mapfile -t known < <(declare -F | sed -n 's/^declare -f part_//p')
(($#)) || set -- "${known[@]}"
passed=0 failed=0
for part; do
  declare -F "part_$part" >/dev/null || { echo "long-tests.sh: there is no part '$part'; there are: ${known[*]}" >&2; exit 2; }
  start=$SECONDS
  # In a shell of its own, since bash passes over failures within a condition.
  set +e
  (set -e; "part_$part") >"$work/$part.log" 2>&1 </dev/null
  status=$?
  set -e
  if ((status == 0)); then
    passed=$((passed + 1))
    echo "$part: passed in $((SECONDS - start)) s"
  else
    failed=$((failed + 1))
    cat "$work/$part.log"
    echo "$part: FAILED after $((SECONDS - start)) s"
  fi
done
echo "$passed passed, $failed failed"
exit $((failed > 0))
