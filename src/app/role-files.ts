import { outside, writableBy, matcher, writeRulesWord } from '../core/write-rules.ts';
import { writeRulesOf } from '../core/workflow.ts';
import type { FileChange, FileRefusal } from '../engine/role-ports.ts';
import type { AppPorts } from './ports.ts';
import type { Acting } from './role-acting.ts';
import type { RoleAnswer, RoleInput, RoleOutput } from './role-table.ts';
import { pageOf } from './text-page.ts';
import type { ProblemView } from './views.ts';

const MOST_LISTED = 1000;

/** The specification as the run has it. */
export async function readSpec(
  ports: AppPorts,
  { live, feature }: Acting,
  { from, lines }: RoleInput<'roleSpec'>,
): Promise<RoleAnswer<'roleSpec'>> {
  const read = await textAt(ports, `${live.place.runDir}/TASK_SPEC.md`, 'TASK_SPEC.md');
  return read.ok ? { ok: true, output: { feature, path: 'TASK_SPEC.md', ...paged(read.text, { from, lines }) } } : read;
}

/** The test files by the workflow's globs, or one of them. */
export async function readTests(
  ports: AppPorts,
  { worktree, workflow, feature }: Acting,
  { path, from, lines }: RoleInput<'roleReadTests'>,
): Promise<RoleAnswer<'roleReadTests'>> {
  const isTest = matcher(workflow.tests);
  if (path === undefined) {
    const files = (await ports.project.list(worktree)).filter(isTest);
    return { ok: true, output: listed(feature, files) };
  }
  const read = await ports.project.read(worktree, path);
  if (!read.ok) return problemOf(read);
  if (!isTest(read.path)) return { ok: false, problem: noTest(read.path, workflow.tests) };
  return { ok: true, output: one(feature, read, { from, lines }) };
}

/** Any file of the worktree, and the checkpoints of the run. */
export async function readAll(
  ports: AppPorts,
  { worktree, workflow, feature, live }: Acting,
  { path, from, lines }: RoleInput<'roleReadAll'>,
): Promise<RoleAnswer<'roleReadAll'>> {
  const checkpoints = workflow.steps.flatMap((step) => ('checkpoint' in step ? [step.checkpoint] : []));
  if (path === undefined) {
    const isThere = await Promise.all(checkpoints.map((file) => ports.isThere(`${live.place.checkpointsDir}/${file}`)));
    const there = checkpoints.filter((_, index) => isThere[index]).map((file) => `${CHECKPOINTS}${file}`);
    return { ok: true, output: listed(feature, [...there, ...(await ports.project.list(worktree))]) };
  }
  const checkpoint = path.startsWith(CHECKPOINTS) ? path.slice(CHECKPOINTS.length) : null;
  if (checkpoint !== null && checkpoints.includes(checkpoint)) {
    const read = await textAt(ports, `${live.place.checkpointsDir}/${checkpoint}`, path);
    return read.ok ? { ok: true, output: one(feature, { path, text: read.text }, { from, lines }) } : read;
  }
  const read = await ports.project.read(worktree, path);
  return read.ok ? { ok: true, output: one(feature, read, { from, lines }) } : problemOf(read);
}

/** What a checkpoint is called here, whatever folder it lies in. */
const CHECKPOINTS = 'checkpoints/';

/** Changes one file, if the role may write it. */
export async function writeProject(
  ports: AppPorts,
  acting: Acting,
  input: RoleInput<'roleWriteTest'>,
  what: 'tests' | 'source',
): Promise<RoleAnswer<'roleWriteTest'>> {
  const { worktree, workflow, role, feature } = acting;
  const change = changeOf(input);
  if ('problem' in change) return { ok: false, problem: change.problem };
  const rules = writeRulesOf(workflow, role) ?? { allow: null, deny: [] };
  const isWritable = writableBy(rules);
  const isTest = matcher(workflow.tests);
  const may = (path: string): boolean => isWritable(path) && (what === 'source' || isTest(path));
  const written = await ports.project.write(worktree, input.path, change.change, may);
  if (written.ok) return { ok: true, output: { feature, path: written.path, how: written.how, lines: written.lines } };
  const refused = problemOf(written);
  if (written.code !== 'file-not-allowed') return refused;
  const allowed = what === 'tests' ? `test files (${workflow.tests.slice(0, 8).join(', ')})` : writeRulesWord(rules);
  return { ok: false, problem: { ...refused.problem, hint: `The ${role} may write ${allowed}.` } };
}

const problemOf = ({ code, sentence, hint }: FileRefusal): { readonly ok: false; readonly problem: ProblemView } => ({
  ok: false,
  problem: { code, sentence, hint },
});

type Changed = { readonly change: FileChange } | { readonly problem: ProblemView };

function changeOf({ content, edits, remove }: RoleInput<'roleWriteTest'>): Changed {
  const given = [content, edits, remove].filter((each) => each !== undefined);
  if (given.length === 1) {
    if (content !== undefined) return { change: { content } };
    return edits === undefined ? { change: { remove: true } } : { change: { edits } };
  }
  return {
    problem: {
      code: 'bad-arguments',
      sentence: `${given.length === 0 ? 'None' : 'More than one'} of content, edits and remove is given.`,
      hint: 'Give content for a whole file, edits for places in it, or remove: true.',
    },
  };
}

/** Commits what the role may write of what is not committed; what others left lying about stays. */
export async function commitWork(ports: AppPorts, acting: Acting, message: string): Promise<RoleAnswer<'roleCommit'>> {
  const { worktree, workflow, role, feature } = acting;
  const isGenerated = matcher(workflow.generated);
  const changed = (await ports.project.uncommitted(worktree)).filter((path) => !isGenerated(path));
  const rules = writeRulesOf(workflow, role);
  const foreign = new Set(rules === null ? [] : outside(rules, changed));
  const files = changed.filter((path) => !foreign.has(path));
  const commit = files.length === 0 ? null : await ports.project.commit(worktree, { paths: files, message });
  return { ok: true, output: { feature, commit, files: commit === null ? [] : files.slice(0, MOST_LISTED) } };
}

type Text = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly problem: ProblemView };

/** A file of the run, as safely as a checkpoint is looked at. */
async function textAt(ports: AppPorts, path: string, name: string): Promise<Text> {
  const found = await ports.lookAtCheckpoint(path);
  if (found?.kind === 'file') return { ok: true, text: found.text };
  const why = found === null ? 'is not there' : `is not read: ${found.why}`;
  return {
    ok: false,
    problem: { code: 'file-missing', sentence: `${name} ${why}.`, hint: 'check_status says what there is by now.' },
  };
}

/** Tabs and trailing spaces stay: whoever edits a file names its text as it stands. */
const visible = (text: string): string => text.replaceAll(/[^\P{C}\n\t]/gu, '');

interface Page {
  readonly from: number;
  readonly lines: number;
}

function paged(
  text: string,
  page: Page,
): Pick<RoleOutput<'roleSpec'>, 'from' | 'line_count' | 'next' | 'untrusted_output'> {
  const { from, lineCount, next, text: shown } = pageOf(visible(text), page);
  return { from, line_count: lineCount, next, untrusted_output: shown };
}

const one = (
  feature: string,
  { path, text }: { readonly path: string; readonly text: string },
  page: Page,
): RoleOutput<'roleReadAll'> => ({ feature, path, files: [], more: 0, ...paged(text, page) });

const listed = (feature: string, files: readonly string[]): RoleOutput<'roleReadAll'> => ({
  ...{ feature, path: null, files: files.slice(0, MOST_LISTED), more: Math.max(0, files.length - MOST_LISTED) },
  ...{ from: 1, line_count: 0, next: null, untrusted_output: '' },
});

const noTest = (path: string, globs: readonly string[]): ProblemView => ({
  code: 'file-no-test',
  sentence: `${path} is no test file.`,
  hint: `Test files are ${globs.slice(0, 8).join(', ')}; call without a path for the list.`,
});
