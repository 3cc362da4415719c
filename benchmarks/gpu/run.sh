#!/usr/bin/env bash
# Shows on a machine with an NVIDIA GPU what only a GPU can show. Builds nothing; needs the programs that publish.sh puts beside it, or in the
# folder that PROGRAMS names, and leaves every log in OUT. A failing part is marked and does not stop the others; the last lines are a summary.
#   run.sh OUT             doctor with every op against the CPU, the op cases of the test suite, 200 training steps against the CPU's, every op and
#                          whole steps timed, bench at several batches and precisions, and, if PEER names a folder with bench_torch.py and
#                          python3 has PyTorch, PyTorch in turn with us, ROUNDS times (5 if not set), and the ratios
#   run.sh OUT --dry-run   the same with tiny sizes and bench on the CPU, for the emulated driver of the tests
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

# attempt NAME COMMAND…: output to OUT/NAME.log and .err; a line in the summary if it fails. part: a line in any case.
attempt() {
  local name=$1
  started=$SECONDS
  shift
  "$@" >"$out/$name.log" 2>"$out/$name.err" && return
  line "$name" FAILED err
  failures=$((failures + 1))
  return 1
}
part() { attempt "$@" && line "$1" well log; }
line() { printf '%-28s %-6s  %4d s   %s\n' "$1" "$2" $((SECONDS - started)) "$(tail -n 1 "$out/$1.$3" | cut -c1-400)" >>"$out/summary.txt"; }

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

# ours PRECISION BATCH SAMPLE-BATCH, and theirs the same with PyTorch's options instead of a precision: a line of JSON each.
ours() { "$rawdiffusion" bench --device "$device" --preset "$preset" --precision "$1" --batch "$2" --sample-batch "$3"; }
theirs() { python3 "$PEER/bench_torch.py" --device "$device" --preset "$preset" $1 --batch "$2" --sample-batch "$3"; }

# ratios OURS THEIRS FIELD: the median of our milliseconds over theirs in each round, and the range of the rounds.
ratios() {
  for round in $(seq "$rounds"); do
    paste <(field "round-$round-$1" "$3") <(field "round-$round-$2" "$3")
  done | awk 'NF == 2 { printf "%.9g\n", $1 / $2 }' | sort -g | awk '
    { r[NR] = $1 }
    END {
      if (NR == 0) { print "no round is whole"; exit }
      printf "%.3f (%.3f to %.3f in %d rounds)\n", (r[int((NR + 1) / 2)] + r[int(NR / 2) + 1]) / 2, r[1], r[NR], NR
    }'
}
field() { sed -n "s/.*\"$2\": *\([0-9.e+-]*\).*/\1/p" "$out/$1.log"; }

if [[ $dry ]]; then
  device=cpu preset=mnist precisions=(fp32) batch=1 samples=(1) rounds=2
else
  device=cuda preset=cifar10 precisions=(fp32 tf32) batch=128 samples=(1 16 256) rounds=${ROUNDS:-5}
  for precision in "${precisions[@]}"; do
    part "bench-$precision-16" ours $precision 16 4
    part "bench-$precision-64" ours $precision 64 64
  done
fi
for precision in "${precisions[@]}"; do
  part "bench-$precision-$batch" ours $precision $batch 0
done

if [[ -n ${PEER:-} ]] && python3 -c 'import torch; assert torch.cuda.is_available()' 2>/dev/null; then
  peers=(eager-fp32 eager-tf32 eager-bf16 compiled-bf16)
  declare -A options=(
    [eager-fp32]="" [eager-tf32]="--tf32 --channels-last" [eager-bf16]="--tf32 --bf16 --channels-last" [compiled-bf16]="--tf32 --bf16 --channels-last --compile")
  for round in $(seq "$rounds"); do
    for sample in "${samples[@]}"; do
      for precision in "${precisions[@]}"; do attempt "round-$round-$precision-$sample" ours $precision $batch "$sample"; done
      for peer in "${peers[@]}"; do attempt "round-$round-$peer-$sample" theirs "${options[$peer]}" $batch "$sample"; done
    done
  done
  {
    echo "our time over PyTorch's, median of the rounds:"
    for precision in "${precisions[@]}"; do
      for peer in "${peers[@]}"; do
        echo "$precision over $peer, training at batch $batch: $(ratios "$precision-${samples[0]}" "$peer-${samples[0]}" train_step_ms)"
        for sample in "${samples[@]}"; do
          echo "$precision over $peer, denoising at batch $sample: $(ratios "$precision-$sample" "$peer-$sample" denoise_step_ms)"
        done
      done
    done
  } | tee "$out/ratios.txt" >>"$out/summary.txt"
fi

cat "$out/summary.txt"
echo "$failures parts failed; the logs are in $out"
[[ $failures == 0 ]]
