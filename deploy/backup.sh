#!/bin/sh
# Copies a HOME while its service runs: the Flight server is held for as long as the copy takes, so that all
# files are of one moment. A service that starts on the copy recovers as after a power failure, and loses nothing
# that was answered before. Usage: deploy/backup.sh HOME COPY
set -eu

[ $# -eq 2 ] || { echo "usage: $0 HOME COPY" >&2; exit 2; }
home=$1
copy=$2
[ -f "$home/config.toml" ] || { echo "$home is not a HOME: it has no config.toml" >&2; exit 2; }
[ ! -e "$copy" ] || { echo "$copy exists already" >&2; exit 2; }
if grep -q '^ *duckdb_path' "$home/config.toml"; then
    echo "duckdb_path is set: the warehouse may lie outside of HOME, and would not be copied" >&2
    exit 2
fi

pid=$(sed -n 's/.*"pid": *\([0-9]*\).*/\1/p' "$home/run/flight.json" 2>/dev/null || true)
if [ -n "$pid" ] && tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -q flight_server; then
    trap 'kill -CONT "$pid"' EXIT
    trap 'exit 130' INT TERM HUP
    kill -STOP "$pid"
    until grep -q '^State:[[:space:]]*T' "/proc/$pid/status"; do sleep 0.01; done
fi

umask 077
mkdir "$copy"
for name in "$home"/* "$home"/.[!.]*; do
    case ${name##*/} in
        run | logs) ;;  # addresses, caches and spools of this very process
        *) [ ! -e "$name" ] || cp -a --reflink=auto "$name" "$copy/" ;;
    esac
done
