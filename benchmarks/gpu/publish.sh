#!/usr/bin/env bash
# Makes what run.sh needs on a machine with a GPU and no .NET: the trainer, the CUDA tests and the GPU benchmarks, self-contained in one folder that
# shares one runtime, with run.sh and peer.py beside them, as one archive. Links to such machines are often slow, and their uploads limited: it is
# to stay under 24 MB.
#   benchmarks/gpu/publish.sh FOLDER         leaves FOLDER/rawdiffusion-gpu and FOLDER/rawdiffusion-gpu.tar.xz
set -euo pipefail
[[ $# == 1 ]] || { echo "usage: publish.sh FOLDER" >&2; exit 2; }
mkdir -p "$1"
out=$(cd "$1" && pwd)
folder=$out/rawdiffusion-gpu archive=$out/rawdiffusion-gpu.tar.xz limit=24000000
cd "$(dirname "$0")/../.."
rm -rf "$folder"
for project in src/RawDiffusion.Trainer tests/RawDiffusion.CudaTests benchmarks/RawDiffusion.GpuBenchmarks; do
  dotnet publish "$project" -c Release -r linux-x64 --self-contained -o "$folder"
done
dotnet run benchmarks/gpu/prune.cs -- "$folder" rawdiffusion RawDiffusion.CudaTests RawDiffusion.GpuBenchmarks
cp benchmarks/gpu/run.sh benchmarks/gpu/peer.py "$folder/"
XZ_OPT=-9e tar -C "$out" --sort=name -cJf "$archive" rawdiffusion-gpu
bytes=$(stat -c %s "$archive")
echo "$archive: $bytes bytes"
((bytes < limit)) || { echo "publish.sh: the archive has $bytes bytes, and should have fewer than $limit: see with ls -lS $folder what prune.cs might leave out" >&2; exit 1; }
