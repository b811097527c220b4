import { withIndex } from './layers.ts';
import { entriesOf, GITLINK, INDEX_INFO, indexInfo, noneOf, stage, type Entries } from './put-back.ts';
import { failed, mustGit, type RunGit } from './run.ts';
import { AUTHOR, treeOf } from './snapshot.ts';
import { unfinished } from './standing.ts';

interface CommitOrder {
  readonly paths: readonly string[];
  readonly message: string;
}

/** A commit is not possible as the worktree stands. Nothing was changed. */
export class NotCommitted extends Error {
  override readonly name = 'NotCommitted';
  readonly sentence: string;
  readonly hint: string;

  constructor(sentence: string, hint: string) {
    super(sentence);
    this.sentence = sentence;
    this.hint = hint;
  }
}

const TRIES = 5;
const LONGEST_MESSAGE = 10_000;

/**
 * Commits the files `paths` as they are, and nothing else; see `ProjectFiles.commit`. Made from trees, so that neither a
 * hook, nor a program that signs, nor an editor is run, and what else is staged stays in the index.
 */
export async function commitFiles(run: RunGit, path: string, order: CommitOrder): Promise<string | null> {
  for (let tries = 1; ; tries += 1) {
    const done = await commitOnce(run, path, order);
    if (done.kind !== 'moved') return done.kind === 'made' ? done.commit : null;
    if (tries >= TRIES) throw failed(path, ['update-ref'], { exitCode: 1, stdout: '', stderr: done.said });
  }
}

type Done =
  | { readonly kind: 'made'; readonly commit: string }
  | { readonly kind: 'nothing' }
  /** Somebody else committed in between. */
  | { readonly kind: 'moved'; readonly said: string };

async function commitOnce(run: RunGit, path: string, order: CommitOrder): Promise<Done> {
  const ref = await branchOf(run, path);
  const now = await mustGit(run, path, ['rev-parse', '--verify', 'HEAD^{commit}']);
  const wanted = new Set(order.paths.filter((file) => !/^\.tmops(?:\/|$)/.test(file)));
  const [before, there] = [
    await entriesOf(run, path, now, wanted),
    await entriesOf(run, path, await treeOf(run, path), wanted),
  ];
  const changed = [...wanted].filter((file) => differs(before, there, file));
  if (changed.length === 0) return { kind: 'nothing' };
  const input = indexInfo(changed, there, noneOf(now));
  const tree = await withIndex(async (_copy, call) => {
    await mustGit(run, path, ['read-tree', now], call);
    await mustGit(run, path, INDEX_INFO, { ...call, input });
    return mustGit(run, path, ['write-tree'], call);
  });
  const message = cleaned(order.message);
  const args = ['-c', 'i18n.commitEncoding=UTF-8', 'commit-tree', tree, '-p', now, '-F', '-'];
  const commit = await mustGit(run, path, args, { env: await identity(run, path), input: message });
  // Before the branch: should it fail in between, the files are staged and the next try finds them so.
  await stage(run, path, input);
  const told = `commit: ${message.split('\n')[0] ?? ''}`;
  const moved = await run(path, ['update-ref', '-m', told, ref, commit, now]);
  return moved.exitCode === 0 ? { kind: 'made', commit } : { kind: 'moved', said: moved.stderr };
}

/** The full name of the branch that is checked out. */
async function branchOf(run: RunGit, path: string): Promise<string> {
  const what = await unfinished(run, path);
  if (what !== null)
    throw new NotCommitted(
      `A ${what} is unfinished in the worktree, so that nothing else can be committed.`,
      `Finish the ${what} or give it up; then call again.`,
    );
  const ran = await run(path, ['symbolic-ref', '--quiet', 'HEAD']);
  if (ran.exitCode === 0) return ran.stdout.trim();
  throw new NotCommitted('The worktree is on no branch.', 'Check out the branch of the feature; then call again.');
}

/** A repository inside is its own: which commit of it is meant is not for a role to say. */
function differs(before: Entries, there: Entries, file: string): boolean {
  const [was, is] = [before.get(file), there.get(file)];
  if (was?.mode === GITLINK || is?.mode === GITLINK) return false;
  return was?.mode !== is?.mode || was?.object !== is?.object;
}

/** Empty where git knows who commits; a guess from the name of the machine is no knowledge. */
async function identity(run: RunGit, path: string): Promise<Readonly<Record<string, string>>> {
  for (const who of ['GIT_AUTHOR_IDENT', 'GIT_COMMITTER_IDENT']) {
    const ran = await run(path, ['-c', 'user.useConfigOnly=true', 'var', who]);
    if (ran.exitCode !== 0) return AUTHOR;
  }
  return {};
}

/** What git refuses and what would act on a terminal is left out. */
function cleaned(message: string): string {
  const plain = message
    .slice(0, LONGEST_MESSAGE)
    .replaceAll(/\r\n?/g, '\n')
    .replaceAll(/[^\P{C}\n\t]/gu, '');
  return `${plain.trim() === '' ? 'tmops: no message given' : plain.trim()}\n`;
}
