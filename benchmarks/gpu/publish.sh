#!/usr/bin/env bash
# Makes what run.sh needs on a machine with a GPU and no .NET: the trainer, the CUDA tests and the GPU benchmarks, self-contained in one folder with
# run.sh beside them, as one archive.
#   benchmarks/gpu/publish.sh FOLDER         leaves FOLDER/rawdiffusion-gpu and FOLDER/rawdiffusion-gpu.tar.xz
set -euo pipefail
[[ $# == 1 ]] || { echo "usage: publish.sh FOLDER" >&2; exit 2; }
mkdir -p "$1"
out=$(cd "$1" && pwd)
cd "$(dirname "$0")/../.."
for project in src/RawDiffusion.Trainer tests/RawDiffusion.CudaTests benchmarks/RawDiffusion.GpuBenchmarks; do
  dotnet publish "$project" -c Release -r linux-x64 --self-contained -o "$out/rawdiffusion-gpu"
done
cp benchmarks/gpu/run.sh "$out/rawdiffusion-gpu/"
tar -C "$out" -cJf "$out/rawdiffusion-gpu.tar.xz" rawdiffusion-gpu
du -h "$out/rawdiffusion-gpu.tar.xz"
