/**
 * A stand-in of the framework's `init_feature_multi.sh`, written from the contract in the protocol page: root from the
 * script's own place, TASK_SPEC.md replaced unless preflight made it, `current` linked, the branch checked out in the
 * root unless told otherwise, and a line added to FEATURES.txt (a further one each time, with the branch checked out
 * in the working directory when branches are skipped). It writes its argv to the file FRAMEWORK_CALLS names, else to `calls.jsonl` beside itself.
 * `FRAMEWORK_FAIL=<text>` makes it print that and exit 1 half-way; `FRAMEWORK_HANG=1` makes it wait with a child.
 */
export const FRAMEWORK_INIT = `#!/usr/bin/env bash
set -e
here="$(cd "$(dirname "\${BASH_SOURCE[0]}")" && pwd)"
root="\${FRAMEWORK_ROOT:-$(cd "$here/../.." && pwd)}"

line='['
for word in "$@"; do line="$line\${line:+$([ "$line" = '[' ] || echo ,)}\\"$word\\""; done
echo "$line]" >> "\${FRAMEWORK_CALLS:-$here/calls.jsonl}"

feature="\${1:-}"
run=initial
mode=branch
branch=""
if [[ -z "$feature" ]]; then echo "Usage: init_feature_multi.sh <feature> [run-type]" >&2; exit 1; fi
shift
if [[ $# -gt 0 && "$1" != --* ]]; then run="$1"; shift; fi
while [[ $# -gt 0 ]]; do
  case "$1" in
    --skip-branch|--use-current-branch) mode=none ;;
    --branch) branch="$2"; shift ;;
  esac
  shift
done
if [[ ! "$feature" =~ ^[a-z0-9-]{3,20}$ ]]; then
  echo "Error: a feature's name has 3 to 20 lower-case letters, digits and hyphens"
  exit 1
fi
if [[ "$mode" == none ]]; then branch="$(git branch --show-current)"; fi
branch="\${branch:-feature/$feature}"

home="$root/.tmops/$feature"
mkdir -p "$home/runs/$run/checkpoints" "$home/runs/$run/logs"
mkdir -p "$home/docs/internal" "$home/docs/external" "$home/docs/archive" "$home/docs/images"
spec="$home/runs/$run/TASK_SPEC.md"
if [[ -f "$spec" ]] && grep -q -e "Created by preflight workflow" -e "Refined by preflight" "$spec"; then
  echo "Keeping the specification of the preflight"
else
  printf '# Task: %s\\nCreated: %s\\n\\n## Story\\nAs a ...\\n' "$feature" "$(date +%Y-%m-%d)" > "$spec"
fi
if [[ -n "\${FRAMEWORK_FAIL:-}" ]]; then echo "$FRAMEWORK_FAIL"; exit 1; fi
if [[ -n "\${FRAMEWORK_HANG:-}" ]]; then sleep 600 & wait; fi
ln -sfn "runs/$run" "$home/current"
if [[ "$mode" == branch ]]; then
  if git -C "$root" show-ref --verify --quiet "refs/heads/$branch"; then
    git -C "$root" checkout "$branch"
  else
    git -C "$root" checkout -b "$branch"
  fi
fi
echo "$feature:active:$(date +%Y-%m-%dT%H:%M:%S%z):$branch" >> "$root/.tmops/FEATURES.txt"
echo "Feature '$feature' is ready"
`;

/**
 * A stand-in of the framework's `cleanup_safe.sh <feature> [safe|full]`, written from the contract in the protocol page: it
 * refuses uncommitted changes of the root, backs the folder up, moves it into `.archive`, deletes the branch and takes the
 * line out of FEATURES.txt. It notes its argv as the other one does, in `cleanups.jsonl`. A file `hang` beside it makes it wait for ever
 * once the folder is moved and the branch deleted.
 */
export const FRAMEWORK_CLEANUP = `#!/usr/bin/env bash
set -e
here="$(cd "$(dirname "\${BASH_SOURCE[0]}")" && pwd)"
root="$(cd "$here/../.." && pwd)"
printf '["%s","%s"]\\n' "$1" "\${2:-safe}" >> "$here/cleanups.jsonl"
feature="$1"
cd "$root"
if ! git diff --quiet || ! git diff --cached --quiet; then
  echo "Error: uncommitted changes"
  exit 1
fi
stamp="$(date +%Y%m%d-%H%M%S)"
mkdir -p .tmops/.backups .tmops/.archive
cp -R ".tmops/$feature" ".tmops/.backups/$stamp-$feature"
mv ".tmops/$feature" ".tmops/.archive/$stamp-$feature"
git branch -D "feature/$feature"
if [[ -e "$here/hang" ]]; then echo $$ > "$here/hanging"; sleep 600; fi
grep -v "^$feature:" .tmops/FEATURES.txt > .tmops/FEATURES.new || true
mv .tmops/FEATURES.new .tmops/FEATURES.txt
echo "Cleaned up $feature"
`;
