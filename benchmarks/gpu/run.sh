#!/usr/bin/env bash
# Shows on a machine with an NVIDIA GPU what only a GPU can show. Builds nothing; needs the programs that publish.sh puts beside it, or in the
# folder that PROGRAMS names, and leaves every log in OUT. A failing part is marked and does not stop the others; the last lines are a summary.
#   run.sh OUT             doctor with every op against the CPU, the op cases of the test suite, 200 training steps against the CPU's, every op and
#                          whole steps timed, bench at several batches and precisions, and, if PEER names a folder with bench_torch.py and
#                          python3 has PyTorch, PyTorch in turn with us, five times
#   run.sh OUT --dry-run   the same with tiny sizes and without bench, for the emulated driver of the tests
set -uo pipefail
[[ $# -ge 1 ]] || { echo "usage: run.sh OUT [--dry-run]" >&2; exit 2; }
mkdir -p "$1" || exit 2
out=$(cd "$1" && pwd)
dry=$([[ ${2:-} == --dry-run ]] && echo 1 || true)
programs=${PROGRAMS:-$(cd "$(dirname "$0")" && pwd)}
rawdiffusion=$programs/rawdiffusion tests=$programs/RawDiffusion.CudaTests timings=$programs/RawDiffusion.GpuBenchmarks
for program in "$rawdiffusion" "$tests" "$timings"; do
  [[ -x $program ]] || { echo "there is no program $program: run benchmarks/gpu/publish.sh, or name another folder in PROGRAMS" >&2; exit 2; }
done
: >"$out/summary.txt"
failures=0

# part NAME COMMAND…: output to OUT/NAME.log and .err; a line in the summary.
part() {
  local name=$1 started=$SECONDS
  shift
  if "$@" >"$out/$name.log" 2>"$out/$name.err"; then
    printf '%-28s well    %4d s   %s\n' "$name" $((SECONDS - started)) "$(tail -n 1 "$out/$name.log" | cut -c1-400)" >>"$out/summary.txt"
  else
    printf '%-28s FAILED  %4d s   %s\n' "$name" $((SECONDS - started)) "$(tail -n 1 "$out/$name.err" | cut -c1-400)" >>"$out/summary.txt"
    failures=$((failures + 1))
  fi
}

train=(train --seed 1 --sample-every 0 --set log_every=1 --set sampling.count=1)
if [[ $dry ]]; then
  cases=(--filter-class '*OpConformanceTests' '*WholeStepTests')
  sizes=(--quick)
  train+=(--steps 4 --batch 2 --set 'network.channels=[8,16]' --set network.norm_groups=4 --set 'network.attention_levels=[1]' --set data.resize=8 --set sampling.steps=2)
else
  cases=() sizes=()
  train+=(--steps 200 --batch 32 --set sampling.steps=20)
fi

losses() { sed -n 's/.*"loss": *\([^,}]*\).*/\1/p' "$out/$1/metrics.jsonl"; }

# Rounding grows from step to step: the first ten must agree to 1e-3 each, and the mean of the last quarter to 3%.
same_losses() {
  paste <(losses cpu) <(losses cuda) | awk '
    { difference = $1 > $2 ? $1 - $2 : $2 - $1; share = difference / $1; a[NR] = $1; b[NR] = $2; if (NR <= 10 && !(share <= early)) early = share }
    END {
      for (i = NR - int(NR / 4) + 1; i <= NR; i++) { sumA += a[i]; sumB += b[i] }
      late = sumA > 0 ? sumB / sumA : 0
      printf "%d steps: the first ten differ by at most %.1e, the last quarter has %.4f of the CPU'"'"'s loss\n", NR, early, late
      exit !(NR >= 4 && early <= 1e-3 && late > 0.97 && late < 1.03)
    }'
}

# The summary of the tests' platform has a line for each number; the last line is the one that counts.
op_cases() {
  RAWDIFFUSION_TEST_GPU=1 "$tests" --no-progress --no-ansi "${cases[@]}" || { grep -m 1 '^failed ' "$out/op-cases.log" >&2; return 1; }
  sed -n 's/^ *\(total\|failed\|succeeded\|skipped\): /\1 /p' "$out/op-cases.log" | paste -sd ' '
}

rm -rf "$out/cpu" "$out/cuda"
command -v nvidia-smi >/dev/null && nvidia-smi >"$out/nvidia-smi.txt" 2>&1
part doctor "$rawdiffusion" doctor
part op-cases op_cases
part train-cpu "$rawdiffusion" "${train[@]}" --device cpu --out "$out/cpu"
part train-cuda "$rawdiffusion" "${train[@]}" --device cuda --out "$out/cuda"
part losses same_losses
part kernels "$timings" --out "$out/kernels.jsonl" "${sizes[@]}"

ours() { "$rawdiffusion" bench --device cuda --preset cifar10 --batch "$1" --sample-batch "$2" --precision "$3"; }
if [[ ! $dry ]]; then
  for precision in fp32 tf32; do
    for sizes in "16 1" "64 16" "128 256"; do
      part "bench-$precision-${sizes/ /-}" ours ${sizes} $precision
    done
  done
  if [[ -n ${PEER:-} ]] && python3 -c 'import torch; assert torch.cuda.is_available()' 2>/dev/null; then
    theirs() { python3 "$PEER/bench_torch.py" --preset cifar10 --device cuda --batch "$1" --sample-batch "$2" "${@:3}"; }
    for round in 1 2 3 4 5; do
      part "pair-$round-ours-tf32" ours 128 256 tf32
      part "pair-$round-torch-tf32" theirs 128 256 --tf32
      part "pair-$round-torch-best" theirs 128 256 --compile --bf16 --channels-last
    done
  fi
fi

cat "$out/summary.txt"
echo "$failures parts failed; the logs are in $out"
[[ $failures == 0 ]]
