import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { program } from '../rig/product.ts';

const at = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const MAIN = at('src/main.ts');

let folder: string;
let own: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tmops-coverage-'));
  own = join(folder, 'own.json');
  await execa(process.execPath, [program, '--version'], { env: { NODE_V8_COVERAGE: join(folder, 'processes') } });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const told = (dir = join(folder, 'processes'), file = own) =>
  execa(process.execPath, [at('.ci/coverage.mjs'), dir, file], { reject: false });

/** The number of the line of src/main.ts with this text, from 1. */
async function lineOf(text: string): Promise<number> {
  return (await readFile(MAIN, 'utf8')).split('\n').findIndex((line) => line.includes(text)) + 1;
}

/** What vitest would write when no test had run these lines of src/main.ts in its own process. */
async function writeOwn(lines: readonly number[]): Promise<void> {
  const entries = lines.map((line, key) => [key, line] as const);
  const loc = (line: number) => ({ start: { line, column: 0 }, end: { line, column: 9 } });
  const maps = { fnMap: {}, f: {}, branchMap: {}, b: {} };
  const statementMap = Object.fromEntries(entries.map(([key, line]) => [key, loc(line)]));
  const s = Object.fromEntries(entries.map(([key]) => [key, 0]));
  await writeFile(own, JSON.stringify({ [MAIN]: { path: MAIN, statementMap, s, ...maps } }));
}

it('counts the lines that the built program ran in a process of its own', async () => {
  await writeOwn(await Promise.all(['const [command', 'runCommandLine }', 'process.exitCode'].map(lineOf)));
  expect(await told()).toMatchObject({
    exitCode: 0,
    stdout: 'processes of the built program that were added: 1\nlines of src covered: 100.0 % (3 of 3), goal 90 %',
  });
});

it('names those that nothing ran, and fails below the goal', async () => {
  const [first, second] = [await lineOf('runMcp }'), await lineOf('await runMcp()')];
  await writeOwn([await lineOf('const [command'), first, second]);
  const { exitCode, stdout } = await told();
  expect(exitCode).toBe(1);
  expect(stdout).toContain(`33 %  src/main.ts (1/3): ${first}-${second}\n`);
  expect(stdout).toContain('lines of src covered: 33.3 % (1 of 3), goal 90 %');
});

it('fails where nothing was measured', async () => {
  const [nowhere, missing] = [join(folder, 'nowhere'), join(folder, 'missing.json')];
  await writeOwn([1]);
  expect(await told(nowhere)).toMatchObject({
    exitCode: 1,
    stderr: `coverage: no process left what it covered in ${nowhere}`,
  });
  expect((await told(undefined, missing)).stderr).toContain(`${missing} is missing`);
});

it('leaves out what a process was killed over', async () => {
  await writeFile(join(folder, 'processes', 'coverage-torn.json'), '{"result":[{"scriptId":"1","ur');
  await writeOwn([await lineOf('const [command')]);
  const { exitCode, stdout } = await told();
  expect(exitCode).toBe(0);
  expect(stdout).toContain('added: 1, 1 cut off while they wrote');
});
