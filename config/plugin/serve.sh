#!/bin/sh
# serve.sh: the MCP server of the plugin. It is tmops itself: the one on the PATH, which is what the user's own commands run
# too, else the one that the plugin lies in where that is built. An installed plugin is a copy without a program.
# Where there is none, whoever asks is told so in the words of the protocol: what a server writes to stderr nobody sees.
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P) || exit 1

# A relative entry of the PATH would run whatever the project has under that name.
found=$(command -v tmops)
case $found in
  /*) ;;
  *) found= ;;
esac
built=$here/../../dist/tmops.js

if ! command -v node >/dev/null; then
  why='node is not on the PATH that Claude Code was started with'
  do='Install Node 20.19 or newer and tmops (npm install -g ./tmops-VERSION.tgz, see its README)'
elif [ -n "$found" ]; then
  exec "$found" mcp
elif [ -f "$built" ]; then
  exec node "$built" mcp
else
  why='the program tmops is not on the PATH that Claude Code was started with'
  do='In a clone of tmops: npm ci && npm pack && npm install -g ./tmops-*.tgz'
fi

# One message a line. Each request is answered with the error; a notification has no id, and no answer.
while IFS= read -r line; do
  id=$(printf '%s\n' "$line" | sed -nE 's/.*"id"[[:space:]]*:[[:space:]]*("[^"\\]*"|-?[0-9]+).*/\1/p')
  [ -n "$id" ] || continue
  printf '{"jsonrpc":"2.0","id":%s,"error":{"code":-32603,"message":"tmops cannot serve: %s. %s, then reconnect in /mcp."}}\n' "$id" "$why" "$do"
done
