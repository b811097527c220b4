import { join } from 'node:path';
import type { TestCommand } from '../../core/init.ts';
import { pathKind, readOrNull } from './disk.ts';

/** The command that runs the project's tests, as its own files tell, and which file told; null when none does. */
export async function detectTestCommand(root: string): Promise<TestCommand | null> {
  for (const detect of DETECTORS) {
    const found = await detect(root);
    if (found !== null) return found;
  }
  return null;
}

type Detector = (root: string) => Promise<TestCommand | null>;

/** The first that knows wins: a package.json with a test script says more than a Makefile beside it. */
const DETECTORS: readonly Detector[] = [
  fromPackage,
  fromPython,
  (root) => whenThere(root, 'go.mod', ['go', 'test', './...']),
  (root) => whenThere(root, 'Cargo.toml', ['cargo', 'test']),
  fromMake,
  async (root) => whenThere(root, 'pom.xml', [await wrapperOr(root, 'mvnw', 'mvn'), 'test']),
  fromGradle,
];

/** `bun test` would start bun's own runner instead of the script. */
const LOCKS: readonly (readonly [lock: string, argv: readonly string[]])[] = [
  ['pnpm-lock.yaml', ['pnpm', 'test']],
  ['yarn.lock', ['yarn', 'test']],
  ['bun.lock', ['bun', 'run', 'test']],
  ['bun.lockb', ['bun', 'run', 'test']],
  ['package-lock.json', ['npm', 'test']],
];

async function fromPackage(root: string): Promise<TestCommand | null> {
  const seen = parsed((await textOf(root, 'package.json')) ?? '');
  const script = field(field(seen, 'scripts'), 'test');
  // What `npm init` writes is no test.
  if (typeof script !== 'string' || script.trim() === '' || script.includes('no test specified')) return null;
  const reason = 'package.json scripts.test';
  for (const [lock, argv] of LOCKS) {
    if (await there(root, lock)) return { argv, reason: `${reason}, ${lock}` };
  }
  const named = field(seen, 'packageManager');
  const tool = typeof named === 'string' ? (/^(pnpm|yarn|bun)@/.exec(named)?.[1] ?? 'npm') : 'npm';
  return { argv: tool === 'bun' ? ['bun', 'run', 'test'] : [tool, 'test'], reason };
}

const PYTEST_SIGNS: readonly (readonly [file: string, sign: RegExp])[] = [
  ['pyproject.toml', /pytest/],
  ['pytest.ini', /(?:)/],
  ['setup.cfg', /^\[tool:pytest\]/m],
  ['tox.ini', /^\[pytest\]/m],
  ['requirements-dev.txt', /^pytest\b/m],
  ['requirements.txt', /^pytest\b/m],
  ['conftest.py', /(?:)/],
];

async function fromPython(root: string): Promise<TestCommand | null> {
  for (const [file, sign] of PYTEST_SIGNS) {
    const text = await textOf(root, file);
    if (text === null || !sign.test(text)) continue;
    if (await there(root, 'uv.lock')) return { argv: ['uv', 'run', 'pytest'], reason: `${file}, uv.lock` };
    if (await there(root, 'poetry.lock')) return { argv: ['poetry', 'run', 'pytest'], reason: `${file}, poetry.lock` };
    return { argv: ['pytest'], reason: file };
  }
  return null;
}

async function fromMake(root: string): Promise<TestCommand | null> {
  for (const file of ['GNUmakefile', 'makefile', 'Makefile']) {
    // A target, not a variable (`test := …`).
    if (/^test\s*:(?![:=])/m.test((await textOf(root, file)) ?? '')) {
      return { argv: ['make', 'test'], reason: `${file} target test` };
    }
  }
  return null;
}

async function fromGradle(root: string): Promise<TestCommand | null> {
  const argv = [await wrapperOr(root, 'gradlew', 'gradle'), 'test'];
  return (await whenThere(root, 'build.gradle', argv)) ?? (await whenThere(root, 'build.gradle.kts', argv));
}

async function whenThere(root: string, file: string, argv: readonly string[]): Promise<TestCommand | null> {
  return (await there(root, file)) ? { argv, reason: file } : null;
}

async function wrapperOr(root: string, wrapper: string, tool: string): Promise<string> {
  return (await there(root, wrapper)) ? `./${wrapper}` : tool;
}

async function there(root: string, file: string): Promise<boolean> {
  return (await pathKind(join(root, file))) === 'file';
}

const MAX_BYTES = 1_000_000;

async function textOf(root: string, file: string): Promise<string | null> {
  const path = join(root, file);
  // It is the project's: a link of theirs is no fault, but where it leads is not ours to read.
  const bytes = (await pathKind(path)) === 'file' ? await readOrNull(path) : null;
  return bytes === null || bytes.length > MAX_BYTES ? null : bytes.toString('utf8').replace(/^\uFEFF/, '');
}

/** A file that is no JSON tells nothing; the project's own tools will say so. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return null;
  }
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? new Map<string, unknown>(Object.entries(value)).get(name) : null;
}
