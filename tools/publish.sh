#!/usr/bin/env bash
# Makes executables that need no .NET where they run.
#   tools/publish.sh FOLDER [BUILD...]        default: all three builds
#     FOLDER/rawdiffusion                     starts the build that the processor can run
#     FOLDER/x86-64-v4/rawdiffusion           native, for processors with AVX-512
#     FOLDER/x86-64-v3/rawdiffusion           native, for processors with AVX2 and FMA
#     FOLDER/portable/rawdiffusion            for any x86-64 processor: the .NET runtime comes along, and compiles it as it runs
# The native ones need a C compiler for linking (apt-get install gcc) and .NET's packages for native compilation, which the first publish restores.
set -euo pipefail
[[ $# -ge 1 ]] || { echo "usage: publish.sh FOLDER [x86-64-v4] [x86-64-v3] [portable]" >&2; exit 2; }
[[ $(uname -sm) == "Linux x86_64" ]] || { echo "publish.sh: the executables are for Linux on x86-64, and can only be made there; this is $(uname -sm)" >&2; exit 1; }
mkdir -p "$1"
out=$(cd "$1" && pwd)
shift
cd "$(dirname "$0")/.."
(($#)) || set -- x86-64-v4 x86-64-v3 portable

# Built apart from bin/ and obj/, so that it disturbs neither a build that is open in an editor nor the tests.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for build; do
  case $build in
    x86-64-v[34]) properties=(-p:Native=true -p:IlcInstructionSet="$build") files=(rawdiffusion libSkiaSharp.so) ;;
    portable) properties=(--self-contained -p:Trimmed=true) files=('*') ;;
    *) echo "publish.sh: there is no build '$build'; there are x86-64-v4, x86-64-v3 and portable" >&2; exit 2 ;;
  esac
  dotnet publish src/RawDiffusion.Trainer -c Release -r linux-x64 --artifacts-path "$work/artifacts" -o "$work/$build" "${properties[@]}" \
    -p:PublishReferencesDocumentationFiles=false -p:PublishDocumentationFile=false
  rm -rf "${out:?}/$build"
  mkdir "$out/$build"
  (cd "$work/$build" && cp -a ${files[@]} "$out/$build/")
done
install -m 755 tools/rawdiffusion "$out/rawdiffusion"
cp LICENSE "$out/"
du -sh "$out"/*/
