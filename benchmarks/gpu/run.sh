#!/usr/bin/env bash
# Shows on a machine with an NVIDIA GPU what only a GPU can show, in parts that take less than eight minutes each. Builds nothing; needs the
# programs that publish.sh puts beside it, or in the folder that PROGRAMS names.
#   run.sh OUT             all parts in this order; what OUT has of an earlier run is not done again
#   run.sh OUT PART        what is missing of one part; to do it all over, remove OUT/PART
#     doctor               every op against the CPU, and a training step
#     op-cases             the test suite's op cases, whole steps, graphs, memory
#     losses               200 training steps against the CPU's
#     kernels              every op and whole steps, timed against the GPU's own ceilings
#     bench                training and denoising at several batches and precisions
#     peer                 ROUNDS rounds (5) in turn with PyTorch, if PEER names a folder with unet_torch.py and python3 has PyTorch
#   run.sh OUT summary     what the parts came to so far, with the ratios to PyTorch; so do all of the above at their end
# A failing step is marked and stops nothing. A part whose time is over (LIMIT seconds, 450) keeps what it has; call it again to go on.
# --dry-run as a last argument: the same with tiny sizes, and times on the CPU, for the emulated driver of the tests.
set -uo pipefail
export LC_ALL=C
parts=(doctor op-cases losses kernels bench peer)
usage() { echo "usage: run.sh OUT [$(IFS='|' && echo "${parts[*]}")|summary] [--dry-run]" >&2; exit 2; }
dry=
if (($# > 1)) && [[ ${!#} == --dry-run ]]; then dry=1; set -- "${@:1:$#-1}"; fi
(($# == 1 || $# == 2)) && [[ $1 != -* ]] || usage
chosen=${2:-}
[[ -z $chosen || " ${parts[*]} summary " == *" $chosen "* ]] || usage
mkdir -p "$1" || exit 2
out=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
programs=${PROGRAMS:-$here}
rawdiffusion=$programs/rawdiffusion tests=$programs/RawDiffusion.CudaTests timings=$programs/RawDiffusion.GpuBenchmarks
for program in "$rawdiffusion" "$tests" "$timings"; do
  [[ $chosen == summary || -x $program ]] || { echo "there is no program $program: run benchmarks/gpu/publish.sh, or name another folder in PROGRAMS" >&2; exit 2; }
done

# NVRTC and cuBLAS come with PyTorch's wheels, too: the programs look for them in the folders of PYTHONPATH, and python3 knows its own.
if sites=$(python3 -c 'import sys, sysconfig; print(":".join(dict.fromkeys([p for p in sys.path if p.endswith("-packages")] + [sysconfig.get_path("purelib"), sysconfig.get_path("platlib")])))' 2>/dev/null); then
  export PYTHONPATH=${PYTHONPATH:+$PYTHONPATH:}$sites
fi

if [[ $dry ]]; then
  slices=('*OpConformanceTests.AgreesWithTheReference') others=(--filter-class '*WholeStepTests')
  train=(--steps 4 --batch 2 --set 'network.channels=[8,16]' --set network.norm_groups=4 --set 'network.attention_levels=[1]' --set data.resize=8 --set sampling.steps=2)
  sizes=(--quick) device=cpu preset=mnist precisions=(fp32) batch=1 samples=(1) benches=("1 0") rounds=${ROUNDS:-2}
else
  slices=('*OpConformanceTests.AgreesWithTheReference' '*OpConformanceTests.AddsUpGradients' '*OpConformanceTests.RepeatsItselfBitForBit')
  others=() train=(--steps 200 --batch 32 --set sampling.steps=20)
  sizes=() device=cuda preset=cifar10 precisions=(fp32 tf32) batch=128 samples=(1 16 256) benches=("16 4" "64 64" "128 0") rounds=${ROUNDS:-5}
fi
kinds=(eager-fp32 eager-tf32 eager-bf16 compiled-bf16)
bench=("$rawdiffusion" bench --device "$device" --preset "$preset")

# ---- steps of a part

# step NAME COMMAND…: output to OUT/PART/NAME.log and .err, a verdict and the seconds to NAME.result; nothing where that says "well" already.
step() {
  local log=$out/$part/$1 started=$SECONDS verdict=well
  shift
  [[ $(head -c 4 "$log.result" 2>/dev/null) != well ]] || return 0
  rm -f "$log.result"
  left=$((deadline - SECONDS))
  if ((left <= 0)); then
    verdict=unfinished
  elif ! "$@" >"$log.log" 2>"$log.err"; then
    verdict=$( ((SECONDS >= deadline)) && echo unfinished || echo FAILED)
  fi
  echo "$verdict $((SECONDS - started))" >"$log.result"
}
bounded() { timeout -k 10 "$left" "$@"; }

# The summary of the tests' platform has a line for each number; the last line is the one that counts.
op_cases() {
  local log=$out/$part/$1.log
  shift
  RAWDIFFUSION_TEST_GPU=1 bounded "$tests" --progress off --no-ansi "$@" || { grep -m 1 '^failed ' "$log" >&2; return 1; }
  sed -n 's/^ *\(total\|failed\|succeeded\|skipped\): /\1 /p' "$log" | paste -sd ' '
}

train() {
  rm -rf "${out:?}/losses/$1"
  bounded "$rawdiffusion" train --seed 1 --sample-every 0 --set log_every=1 --set sampling.count=1 "${train[@]}" --device "$1" --out "$out/losses/$1"
}

# Rounding grows from step to step: the first ten must agree to 1e-3 each, and the mean of the last quarter to 3%.
same_losses() {
  losses() { sed -n 's/.*"loss": *\([^,}]*\).*/\1/p' "$out/losses/$1/metrics.jsonl"; }
  paste <(losses cpu) <(losses cuda) | awk '
    { difference = $1 > $2 ? $1 - $2 : $2 - $1; share = difference / $1; a[NR] = $1; b[NR] = $2; if (NR <= 10 && !(share <= early)) early = share }
    END {
      for (i = NR - int(NR / 4) + 1; i <= NR; i++) { sumA += a[i]; sumB += b[i] }
      late = sumA > 0 ? sumB / sumA : 0
      printf "%d steps: the first ten differ by at most %.1e, the last quarter has %.4f of the CPU'"'"'s loss\n", NR, early, late
      exit !(NR >= 4 && early <= 1e-3 && late > 0.97 && late < 1.03)
    }'
}

# ---- in turn with PyTorch: one process of ours a precision, one of PyTorch's for all its kinds. Each stays, and waits at its input until it is
# told, by a line, what to time; its answer, a line of milliseconds, hands the turn back.

pytorch() { [[ -n ${PEER:-} ]] && python3 -c 'import torch; assert torch.cuda.is_available()' 2>/dev/null; }

open_side() {
  local name=$1 pipes=$out/peer/pipes
  shift
  mkfifo "$pipes/$name.in" "$pipes/$name.out"
  timeout -k 10 "$left" "$@" <"$pipes/$name.in" >"$pipes/$name.out" 2>"$out/peer/$name.err" &
  processes+=($!)
  exec {input[$name]}>"$pipes/$name.in" {output[$name]}<"$pipes/$name.out"
}

# turn SIDE WHAT: the milliseconds in $answer. What a side answers otherwise it is not asked again, and OUT/peer/SIDE-WHAT.failed says why.
turn() {
  local process=$1 request=$2 remaining=$((deadline - SECONDS))
  [[ $1 == ours-* ]] || { process=pytorch request="$1 $2"; }
  answer=
  ((remaining > 0)) && echo "$request" >&"${input[$process]}" && read -r -t "$remaining" answer <&"${output[$process]}"
  [[ ! $answer =~ ^[0-9.]+(e[-+]?[0-9]+)?$ ]] || return 0
  ((SECONDS >= deadline)) || echo "${answer:-it ended: see $process.err}" >"$out/peer/$1-$2.failed"
  return 1
}

in_turn() {
  local -A input output
  local processes=() sides=() order round what side answer whole failed
  trap '' PIPE # of a process that has ended: its silence tells
  mkdir "$out/peer/pipes"
  for side in "${precisions[@]}"; do
    sides+=("ours-$side")
    open_side "ours-$side" "${bench[@]}" --precision "$side" --batch "$batch" --turns
  done
  sides+=("${kinds[@]}")
  open_side pytorch env TORCHINDUCTOR_CACHE_DIR="$out/peer/inductor" python3 "$here/peer.py" --device "$device" --preset "$preset" --batch "$batch"
  # Round 0 compiles and warms up. Rounds of an earlier call count. They go back and forth, so that what drifts falls on all alike.
  whole=$(tail -n 1 "$out/peer/rounds.tsv" 2>/dev/null | cut -f 1)
  for round in 0 $(seq $((${whole:-0} + 1)) "$rounds"); do
    : >"$out/peer/round.tsv"
    for what in train "${samples[@]}"; do
      order=("${sides[@]}")
      ((round % 2)) || mapfile -t order < <(printf '%s\n' "${sides[@]}" | tac)
      for side in "${order[@]}"; do
        [[ ! -e $out/peer/$side-$what.failed ]] || continue
        if turn "$side" "$what"; then
          printf '%s\t%s\t%s\t%s\n' "$round" "$side" "$what" "$answer" >>"$out/peer/round.tsv"
        elif ((SECONDS >= deadline)); then
          break 3
        fi
      done
    done
    ((round == 0)) || { cat "$out/peer/round.tsv" >>"$out/peer/rounds.tsv" && whole=$round; }
  done
  kill "${processes[@]}" 2>/dev/null
  wait "${processes[@]}" 2>/dev/null
  trap - PIPE
  rm -r "$out/peer/pipes" "$out/peer/round.tsv"
  for failed in "$out"/peer/*.failed; do echo "$(basename "$failed" .failed): $(cat "$failed")" >&2; done
  echo "${whole:-0} of $rounds rounds"
  ((${whole:-0} >= rounds)) && ! compgen -G "$out/peer/*.failed" >/dev/null
}

# ratios OURS THEIRS WHAT: the median of our milliseconds over theirs in each round, and the range of the rounds.
ratios() {
  awk -v ours="$1" -v theirs="$2" -v what="$3" '$3 == what && $2 == ours { a[$1] = $4 } $3 == what && $2 == theirs { b[$1] = $4 } END { for (r in a) if (r in b) printf "%.9g\n", a[r] / b[r] }' "$out/peer/rounds.tsv" |
    sort -g | awk '
      { r[NR] = $1 }
      END {
        if (NR == 0) { print "no round has both"; exit }
        printf "%.3f (%.3f to %.3f in %d rounds)\n", (r[int((NR + 1) / 2)] + r[int(NR / 2) + 1]) / 2, r[1], r[NR], NR
      }'
}

# ---- parts

run_part() {
  part=$1 deadline=$((SECONDS + ${LIMIT:-450}))
  local name precision sizes_of
  mkdir -p "$out/$part"
  case $part in
    doctor) step doctor bounded "$rawdiffusion" doctor ;;
    op-cases)
      for name in "${slices[@]}"; do step "${name##*.}" op_cases "${name##*.}" --filter-method "$name"; done
      ((${#others[@]})) || others=(--filter-not-method "${slices[@]}")
      step others op_cases others "${others[@]}"
      ;;
    losses)
      step cpu train cpu
      step cuda train cuda
      step compared same_losses
      ;;
    kernels) step kernels bounded "$timings" --out "$out/kernels/kernels.jsonl" "${sizes[@]}" ;;
    bench)
      for precision in "${precisions[@]}"; do
        for sizes_of in "${benches[@]}"; do
          step "$precision-${sizes_of% *}" bounded "${bench[@]}" --precision "$precision" --batch "${sizes_of% *}" --sample-batch "${sizes_of#* }"
        done
      done
      ;;
    peer)
      pytorch || { echo "part peer is left out: PEER must name a folder with unet_torch.py, and python3 have a PyTorch that sees the GPU" >&2; rmdir "$out/peer" 2>/dev/null; return; }
      rm -rf "$out/peer/pipes" "$out"/peer/*.failed
      step rounds in_turn
      ;;
  esac
}

summary() {
  local part result name verdict seconds precision kind what
  for part in "${parts[@]}"; do
    [[ -d $out/$part ]] || { echo "$part: not run"; continue; }
    for result in "$out/$part"/*.result; do
      name=${result%.result}
      read -r verdict seconds <"$result"
      printf '%-36s %-10s %4d s   %s\n' "$part/$(basename "$name")" "$verdict" "$seconds" "$(tail -n 1 "$name.$([[ $verdict == FAILED ]] && echo err || echo log)" 2>/dev/null | cut -c1-400)"
    done
  done
  if [[ -e $out/peer/rounds.tsv ]]; then
    echo "our time over PyTorch's, median of the rounds:"
    for precision in "${precisions[@]}"; do
      for kind in "${kinds[@]}"; do
        echo "$precision over $kind, training at batch $batch: $(ratios "ours-$precision" "$kind" train)"
        for what in "${samples[@]}"; do echo "$precision over $kind, denoising at batch $what: $(ratios "ours-$precision" "$kind" "$what")"; done
      done
    done
  fi
}

[[ $chosen == summary ]] || { command -v nvidia-smi >/dev/null && nvidia-smi; echo "PYTHONPATH=${PYTHONPATH:-}"; } >"$out/machine.txt" 2>&1
shopt -s nullglob
case $chosen in
  summary) ;;
  "") for each in "${parts[@]}"; do run_part "$each"; done ;;
  *) run_part "$chosen" ;;
esac
summary | tee "$out/summary.txt"
count() { cat "$out"/*/*.result /dev/null | grep -c "^$1 "; }
echo "$(count well) steps well, $(count FAILED) failed, $(count unfinished) unfinished; the logs are in $out"
[[ $(count FAILED) == 0 && $(count unfinished) == 0 ]]
