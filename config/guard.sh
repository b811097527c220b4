#!/bin/sh
# guard.sh PROGRAM ARGS...: runs the program until it ends with exit code 0. When it dies otherwise it is started again:
# at once the first time, then after 1, 2, 4 ... 30 seconds; a minute of good running forgets what was before.
# After 20 quick deaths in a row it gives up and says so in the file that TMOPS_GUARD_LOG names.
trap '' HUP
child=
trap 'if [ -n "$child" ]; then kill -TERM "$child" 2>/dev/null; wait "$child"; fi; exit 0' TERM INT

deaths=0
delay=0
while :; do
  begun=$(date +%s)
  "$@" </dev/null &
  child=$!
  wait "$child"
  code=$?
  child=
  [ "$code" -eq 0 ] && exit 0
  if [ "$(($(date +%s) - begun))" -ge 60 ]; then
    deaths=0
    delay=0
  fi
  deaths=$((deaths + 1))
  if [ "$deaths" -ge 20 ]; then
    [ -n "${TMOPS_GUARD_LOG:-}" ] && echo "$(date) gave up: $1 died $deaths times, last with code $code" >>"$TMOPS_GUARD_LOG"
    exit 1
  fi
  if [ "$deaths" -gt 1 ]; then
    delay=$((delay * 2))
    [ "$delay" -lt 1 ] && delay=1
    [ "$delay" -gt 30 ] && delay=30
    sleep "$delay" &
    wait $!
  fi
done
