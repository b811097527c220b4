import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { detectTestCommand } from '../../../src/adapters/project/test-command.ts';

const pack = (seen: object) => JSON.stringify(seen);
const TEST = { scripts: { test: 'vitest run' } };
const NONE = { scripts: { test: 'echo "Error: no test specified" && exit 1' } };

/** Files of the project → the command and the reason, both null when unknown. */
const ROWS: readonly (readonly [
  files: Record<string, string>,
  argv: readonly string[] | null,
  reason: string | null,
])[] = [
  [{}, null, null],
  [{ 'package.json': pack(TEST) }, ['npm', 'test'], 'package.json scripts.test'],
  [{ 'package.json': `\uFEFF${pack(TEST)}` }, ['npm', 'test'], 'package.json scripts.test'],
  [
    { 'package.json': pack(TEST), 'package-lock.json': '' },
    ['npm', 'test'],
    'package.json scripts.test, package-lock.json',
  ],
  [{ 'package.json': pack(TEST), 'pnpm-lock.yaml': '' }, ['pnpm', 'test'], 'package.json scripts.test, pnpm-lock.yaml'],
  [{ 'package.json': pack(TEST), 'yarn.lock': '' }, ['yarn', 'test'], 'package.json scripts.test, yarn.lock'],
  [{ 'package.json': pack(TEST), 'bun.lockb': '' }, ['bun', 'run', 'test'], 'package.json scripts.test, bun.lockb'],
  [{ 'package.json': pack({ ...TEST, packageManager: 'pnpm@9.1.0' }) }, ['pnpm', 'test'], 'package.json scripts.test'],
  [
    { 'package.json': pack({ ...TEST, packageManager: 'bun@1.2.0' }) },
    ['bun', 'run', 'test'],
    'package.json scripts.test',
  ],
  [{ 'package.json': pack(NONE) }, null, null],
  [{ 'package.json': pack(NONE), Makefile: 'test: all\n' }, ['make', 'test'], 'Makefile target test'],
  [{ 'package.json': pack({ scripts: { test: 7 } }) }, null, null],
  [{ 'package.json': pack({ scripts: null }) }, null, null],
  [{ 'package.json': '[]' }, null, null],
  [{ 'package.json': '{ torn' }, null, null],
  [{ 'package.json': '{}', 'go.mod': '' }, ['go', 'test', './...'], 'go.mod'],
  [{ 'pyproject.toml': '[tool.pytest.ini_options]\n' }, ['pytest'], 'pyproject.toml'],
  [{ 'pyproject.toml': 'dev = ["pytest"]', 'uv.lock': '' }, ['uv', 'run', 'pytest'], 'pyproject.toml, uv.lock'],
  [{ 'pytest.ini': '', 'poetry.lock': '' }, ['poetry', 'run', 'pytest'], 'pytest.ini, poetry.lock'],
  [{ 'setup.cfg': '[metadata]\n[tool:pytest]\n' }, ['pytest'], 'setup.cfg'],
  [{ 'pyproject.toml': '[project]\n' }, null, null],
  [{ 'Cargo.toml': '' }, ['cargo', 'test'], 'Cargo.toml'],
  [{ Makefile: '.PHONY: test\ntest:\n\tgo test\n' }, ['make', 'test'], 'Makefile target test'],
  [{ Makefile: 'test := x\ntests:\n' }, null, null],
  [{ 'pom.xml': '' }, ['mvn', 'test'], 'pom.xml'],
  [{ 'pom.xml': '', mvnw: '' }, ['./mvnw', 'test'], 'pom.xml'],
  [{ 'build.gradle': '' }, ['gradle', 'test'], 'build.gradle'],
  [{ 'build.gradle.kts': '', gradlew: '' }, ['./gradlew', 'test'], 'build.gradle.kts'],
];

test.each(ROWS)('%j', async (files, argv, reason) => {
  const root = await mkdtemp(join(tmpdir(), 'tmops-test-command-'));
  try {
    for (const [name, text] of Object.entries(files)) await writeFile(join(root, name), text);
    expect(await detectTestCommand(root)).toEqual(argv && { argv, reason });
  } finally {
    await rm(root, { recursive: true });
  }
});

test('a link is not read, a file over the limit neither', async () => {
  const root = await mkdtemp(join(tmpdir(), 'tmops-test-command-'));
  try {
    await writeFile(join(root, 'elsewhere.json'), pack(TEST));
    await symlink('elsewhere.json', join(root, 'package.json'));
    expect(await detectTestCommand(root)).toBeNull();
    await rm(join(root, 'package.json'));
    await writeFile(join(root, 'package.json'), pack({ ...TEST, x: 'x'.repeat(1_000_001) }));
    expect(await detectTestCommand(root)).toBeNull();
  } finally {
    await rm(root, { recursive: true });
  }
});
