#!/bin/sh
# Run by the agent's program before a tool of it writes a file, with the event as JSON on stdin. What it prints says
# whether the tool may (see src/write-hook). Should it fail, the tool goes on: the program and tmops are told, and what
# was written is compared by git at the role's checkpoint.
#
#   TMOPS_AGENT_DIR  the agent's folder, with write-hook.mjs, write-rules.json and hook.sh
#   TMOPS_NODE       absolute path of node
"$TMOPS_NODE" "$TMOPS_AGENT_DIR/write-hook.mjs" "$TMOPS_AGENT_DIR/write-rules.json"
code=$?
[ "$code" -eq 0 ] && exit 0
# Whatever is left must be read too, or the writer of a large event meets a closed pipe.
cat >/dev/null
printf '{"hook_event_name":"WriteHookFailed","code":%d}' "$code" | /bin/sh "$TMOPS_AGENT_DIR/hook.sh"
exit 1
