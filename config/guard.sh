#!/bin/sh
# guard.sh PROGRAM ARGS...: runs the program until it ends with exit code 0. When it dies otherwise it is started again:
# at once the first time, then after 1, 2, 4 ... 30 seconds; a minute of good running forgets what was before.
# After 20 quick deaths in a row it gives up and says so in the file that TMOPS_GUARD_LOG names.
trap '' HUP
# Asked to end, it ends the program (or the pause before its next start) and goes.
child=
ending=
passed=
pass_on() {
  [ -n "$child" ] && [ -z "$passed" ] || return 0
  # Once: a program that is asked again may give up ending in order.
  passed=yes
  kill -TERM "$child" 2>/dev/null
}
trap 'ending=yes; pass_on' TERM INT

# Waits for the child and leaves its exit code in $code.
await() {
  # The signal may have come before the child had a name.
  [ -z "$ending" ] || pass_on
  while :; do
    wait "$child"
    code=$?
    # Over 128: a signal ended the child, or only this wait.
    [ "$code" -gt 128 ] && kill -0 "$child" 2>/dev/null || break
  done
  child=
  [ -z "$ending" ] || exit 0
}

deaths=0
delay=0
while :; do
  begun=$(date +%s)
  "$@" </dev/null &
  child=$!
  await
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
    child=$!
    await
  fi
done
