#!/bin/sh
# guard.sh PROGRAM ARGS...: runs the program until it ends with exit code 0, or by a TERM that came before it could hear one.
# When it dies otherwise it is started again: at once the first time, then after 1, 2, 4 ... 30 seconds; a minute of good
# running forgets what was before.
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
  # A child that has only just been made may not hear it yet.
  sleep 0.1
  kill -TERM "$child" 2>/dev/null
}
trap 'ending=yes; pass_on' TERM INT

# Waits for the child and leaves its exit code in $code. Asked to end, it gives the child ten seconds and ends here.
await() {
  if [ -z "$ending" ]; then
    wait "$child"
    code=$?
  fi
  [ -n "$ending" ] || return 0
  # The signal may have come before the child had a name.
  pass_on
  tenths=100
  while [ "$tenths" -gt 0 ] && kill -0 "$child" 2>/dev/null; do
    tenths=$((tenths - 1))
    sleep 0.1
  done
  kill -KILL "$child" 2>/dev/null
  exit 0
}

# For its user alone, and into nothing but a file: a link would lead elsewhere, and a pipe would hold it up.
give_up() {
  [ -n "${TMOPS_GUARD_LOG:-}" ] && [ ! -h "$TMOPS_GUARD_LOG" ] || return 0
  [ -f "$TMOPS_GUARD_LOG" ] || [ ! -e "$TMOPS_GUARD_LOG" ] || return 0
  umask 077
  echo "$(date) gave up: $1 died $deaths times, last with code $code" >>"$TMOPS_GUARD_LOG"
}

deaths=0
delay=0
while :; do
  begun=$(date +%s)
  [ -z "$ending" ] || exit 0
  "$@" </dev/null &
  child=$!
  await
  [ "$code" -eq 0 ] || [ "$code" -eq 143 ] && exit 0
  if [ "$(($(date +%s) - begun))" -ge 60 ]; then
    deaths=0
    delay=0
  fi
  deaths=$((deaths + 1))
  if [ "$deaths" -ge 20 ]; then
    give_up "$1"
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
