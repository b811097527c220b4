#!/bin/sh
# Run by the agent's program for each of its events, with the event as JSON on stdin. Leaves it as a file in
# $TMOPS_AGENT_DIR/events whose name sorts by time. Prints nothing and always succeeds: an agent must not notice it.
#
#   TMOPS_AGENT_DIR            the agent's folder
#   TMOPS_SUPERVISOR_PID_FILE  optional: holds the process id of the supervisor
#   TMOPS_WAKE                 optional: a program that starts the supervisor again, run when that process is gone
umask 077
exec 2>/dev/null

# More than this is cut off: the reader takes what it needs from the beginning.
limit=262144

now_ns() {
  ns=$(date +%s%N)
  case $ns in
  *[!0-9]* | '') ns=$(perl -MTime::HiRes=gettimeofday -e '($s, $u) = gettimeofday; printf "%d%06d000", $s, $u') ;;
  esac
  case $ns in
  *[!0-9]* | '') ns=$(date +%s)000000000 ;;
  esac
}

keep() {
  events=$TMOPS_AGENT_DIR/events
  # It would lead the event elsewhere.
  [ ! -h "$events" ] || return
  [ -d "$events" ] || mkdir -p "$events" || return
  rm -f "$events/.$$.tmp"
  head -c "$limit" >"$events/.$$.tmp" || return
  # The time is taken last, so that files appear nearly in the order of their names.
  now_ns
  mv -f "$events/.$$.tmp" "$events/$ns-$$.json"
}

wake() {
  [ -n "${TMOPS_SUPERVISOR_PID_FILE:-}" ] && [ -x "${TMOPS_WAKE:-}" ] || return
  # A pipe in its place would hold up the agent.
  [ -f "$TMOPS_SUPERVISOR_PID_FILE" ] && [ ! -h "$TMOPS_SUPERVISOR_PID_FILE" ] || return
  read -r pid rest <"$TMOPS_SUPERVISOR_PID_FILE" || [ -n "${pid:-}" ] || return
  case $pid in
  *[!0-9]* | '') return ;;
  esac
  kill -0 "$pid" && return
  program=$TMOPS_WAKE
  # What it starts is nobody's child here and must not be taken for a part of this agent.
  unset TMOPS_AGENT_DIR TMOPS_HOOK TMOPS_WAKE TMOPS_SUPERVISOR_PID_FILE
  (
    trap '' HUP INT QUIT
    if command -v setsid >/dev/null; then
      setsid "$program" </dev/null >/dev/null 2>&1 &
    else
      "$program" </dev/null >/dev/null 2>&1 &
    fi
  )
}

[ -n "${TMOPS_AGENT_DIR:-}" ] && keep
# Whatever is left must be read too, or the writer of a large event meets a closed pipe.
cat >/dev/null
wake >/dev/null
exit 0
