#!/usr/bin/env bash
# Says which of the packages have known security advisories, a line each, by the feeds that this machine restores from: they may keep none, or not be
# reached, and then it says that. Always ends well: an advisory is news, no fault of the commit that is built.
#   tools/audit.sh
cd "$(dirname "$0")/.." || exit 0

# The projects alone, elsewhere: a restore that asks the feeds for advisories leaves its warnings in obj/, where each later build would repeat them.
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
find . \( -name bin -o -name obj -o -name .git \) -prune -o \( -name '*.csproj' -o -name '*.sln' -o -name '*.props' -o -name global.json \) -print0 |
  xargs -0 cp --parents -t "$copy"

# A feed says that it keeps no advisories (NU1905) only where it is named as their source.
{
  echo '<configuration><auditSources>'
  dotnet nuget list source --format short | awk '$1 == "E" { sub(/^E /, ""); gsub(/&/, "\\&amp;"); printf "<add key=\"feed-%d\" value=\"%s\" />\n", ++n, $0 }'
  echo '</auditSources></configuration>'
} >"$copy/nuget.config"

log=$(cd "$copy" && timeout 300 dotnet restore -p:ReportAudit=true 2>&1)
status=$?
said() { grep -oE "$1: .*" <<<"$log" | sed -E 's/ \[[^]]*\]$//' | sort -u | sed "s/^/audit: $2/"; }
advisories=$(said 'NU190[1-4]' '')
blind=$(said 'NU190[05]' 'not all is known: ')
if [[ -n $advisories$blind ]]; then
  printf '%s' "${advisories:+$advisories$'\n'}" "${blind:+$blind$'\n'}"
elif ((status != 0)); then
  echo "audit: nothing is known, for the packages could not be restored: $(grep -m 1 -oE 'error .*' <<<"$log" || tail -n 1 <<<"$log")"
else
  echo "audit: no package has a known advisory"
fi
exit 0
