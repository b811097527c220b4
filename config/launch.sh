#!/bin/sh
# launch.sh AGENT_DIR: starts the program described in AGENT_DIR/launch, in the pane this script is the first process of.
#
#   AGENT_DIR/launch/argv   the program and its arguments, one a line
#   AGENT_DIR/launch/env    NAME=VALUE, one a line; nothing else of the surrounding environment is passed on but TERM
#   AGENT_DIR/launch/cwd    the folder to start in, one line
#   AGENT_DIR/process       written here: the program's process id, then its start time as the system tells it
#   AGENT_DIR/exit          written here when the program ended: `code N` or `signal N`
#
# The files exist because everything in a tmux command line can be read by whoever may talk to the tmux server.
# The script runs in stages, all in the pane's foreground process group:
#
#   (no flag)  becomes a shell without environment
#   --clean    leads the pane: reads the files, waits. When the pane is closed the kernel sends it SIGHUP and, because
#              the leader died of it, sends SIGHUP to the rest of the group. Hence it must not catch that signal.
#     ( )        a subshell that outlives those signals just long enough to write AGENT_DIR/exit
#       --become   writes its own process id and becomes the program
#
# From the moment the program's variables are exported, nothing here may rely on a variable of its own: any name may be
# among them. Paths travel in the positional parameters instead.
set -u

# Field 22 of /proc/PID/stat, counted from the last ')' because the program's name may hold anything.
start_time() {
  if [ -r "/proc/$1/stat" ]; then
    IFS= read -r stat <"/proc/$1/stat"
    IFS=' '
    # shellcheck disable=SC2086
    set -f -- ${stat##*) }
    shift 19
    printf '%s\n' "$1"
  else
    LC_ALL=C TZ=UTC0 ps -o lstart= -p "$1"
  fi
}

write_whole() {
  # Something else than a file of ours in its place would lead it elsewhere, or hold it up.
  command -p rm -f "$1.tmp"
  command -p cat >"$1.tmp" && command -p mv -f "$1.tmp" "$1"
}

case ${1-} in
--become)
  {
    printf '%s\n' "$$"
    start_time "$$"
  } | write_whole "$2/process"
  shift 2
  exec "$@"
  ;;
--clean) directory=$2 ;;
*)
  if [ $# -ne 1 ] || [ ! -d "$1/launch" ]; then
    echo "launch.sh: expected one argument, an agent's folder with launch files in it, got: $*" >&2
    exit 96
  fi
  exec env -i TERM="${TERM:-dumb}" /bin/sh "$0" --clean "$1"
  ;;
esac

# For the agent too: what it writes is for its user alone, whatever mask the tmux server was started with.
umask 077
rm -f "$directory/exit" "$directory/process"

IFS= read -r folder <"$directory/launch/cwd"
if ! cd -- "$folder" 2>/dev/null; then
  # tmux scrolls a dead pane up by one line to say that it is dead.
  printf '\ntmops: the folder to work in cannot be entered: %s\n' "$folder" >&2
  echo 'code 97' | write_whole "$directory/exit"
  exit 97
fi
unset OLDPWD

set -- /bin/sh "$0" --become "$directory"
while IFS= read -r tmops_line; do
  set -- "$@" "$tmops_line"
done <"$directory/launch/argv"
while IFS= read -r tmops_line; do
  export "${tmops_line?}"
done <"$directory/launch/env"

# A key typed before the program has set up its terminal must not end the leader.
trap ':' INT QUIT
(
  trap ':' HUP TERM INT QUIT
  # A shell says "Killed" on the terminal when its child was; that would stand in the agent's input box like a draft.
  exec 3>&2 2>/dev/null
  "$@" 2>&3 3>&-
  set -- "$4" "$?"
  if [ "$2" -gt 128 ]; then
    echo "signal $(($2 - 128))"
  else
    echo "code $2"
  fi | write_whole "$1/exit"
  exit "$2"
)
