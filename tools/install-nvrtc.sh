#!/usr/bin/env bash
# Installs NVIDIA's run-time compiler NVRTC 12.4, which needs no GPU, so that the kernels can be compiled by it in tests. The packages come
# from the Debian mirror that this machine is set up with (Debian 13's section non-free, whatever release the machine itself runs) and are
# unpacked into a folder, not installed into the system. Prints the path of the library, for RAWDIFFUSION_NVRTC.
#   install-nvrtc.sh [FOLDER]     default: ~/.nvrtc, where the tests look by themselves
set -euo pipefail

folder=${1:-$HOME/.nvrtc}
library=$folder/usr/lib/x86_64-linux-gnu/libnvrtc.so.12

if [[ ! -e $library ]]; then
  [[ $(dpkg --print-architecture) == amd64 ]] || { echo "install-nvrtc.sh: the packages are for amd64, this machine is $(dpkg --print-architecture)" >&2; exit 1; }
  mirror=$(grep -rhoE 'https?://[^ ]*/debian/?( |$)' /etc/apt/sources.list /etc/apt/sources.list.d 2>/dev/null | head -n 1 | tr -d ' ' || true)
  [[ -n $mirror ]] || { echo "install-nvrtc.sh: apt on this machine has no Debian mirror" >&2; exit 1; }

  # A second, private apt: its own lists and cache, so that the machine's package state stays as it is.
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/packages"
  touch "$work/status"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror trixie non-free" >"$work/sources.list"
  apt=(apt-get -qq
    -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=/dev/null
    -o Dir::State::Lists="$work/lists" -o Dir::State::status="$work/status" -o Dir::Cache="$work/cache" -o APT::Sandbox::User=root)
  "${apt[@]}" update >&2
  (cd "$work/packages" && "${apt[@]}" download libnvrtc12 libnvrtc-builtins12.4 >&2)
  mkdir -p "$folder"
  for package in "$work"/packages/*.deb; do
    dpkg -x "$package" "$folder"
  done
fi
echo "$library"
