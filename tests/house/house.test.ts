import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

/** The house rules of docs/architecture.md, held against the tree. */

const root = fileURLToPath(new URL('../..', import.meta.url));
const sources = filesBelow(join(root, 'src'), '.ts');
const tests = filesBelow(join(root, 'tests'), '.ts');

interface Import {
  readonly from: string;
  readonly to: string;
  readonly typeOnly: boolean;
}

/** Folder of src → what it may import as values. `.` is the folder itself, `node:` any of node's own modules. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: ['.', 'picomatch', 'zod'],
  files: ['.', 'node:'],
  audit: ['.', 'files', 'node:'],
  journal: ['.', 'core', 'files', 'node:'],
  engine: ['.', 'core', 'journal', 'files', 'node:crypto', 'node:path', 'node:fs/promises'],
  app: ['.', 'core', 'engine', 'journal', 'link/stopper', 'link/deadlines', 'zod', 'node:crypto'],
  link: ['.', 'zod', 'node:'],
  config: ['.', 'core', 'files', 'zod', 'yaml', 'node:fs', 'node:path'],
  prompts: [
    '.',
    'core',
    'files',
    'config',
    'liquidjs',
    'zod',
    'node:fs',
    'node:fs/promises',
    'node:path',
    'node:crypto',
  ],
  rehearsal: ['.', 'zod', 'yaml', 'node:'],
  'write-hook': ['.', 'core', 'node:'],
  'adapters/tmux': ['.', 'core', 'execa', 'node:'],
  'adapters/git': ['.', 'core', 'files', 'execa', 'node:'],
  'adapters/project': ['.', 'core', 'files', 'execa', 'node:'],
  'adapters/proof': ['.', 'core', 'files', 'node:'],
  'adapters/agents': ['.', 'core', 'files', 'execa', 'yaml', 'zod', 'node:'],
  'adapters/watch': ['.', 'core', 'files', 'node:'],
  'adapters/clock': ['.', 'node:'],
  'adapters/log': ['.', 'core', 'files', 'pino', 'node:'],
  'adapters/machine': ['.', 'core', 'execa', 'zod', 'node:'],
  'adapters/modules': ['.', 'files', 'node:'],
  'adapters/sinks': ['.', 'files', 'execa', 'node:'],
  'adapters/notify': ['.', 'execa', 'node:'],
  'doors/mcp': [
    '.',
    'app/table',
    // What it asks to show resources, beside the table.
    'app/resource-requests',
    // The tools of role servers.
    'app/role-table',
    'app/views',
    'app/arguments',
    'app/printable',
    'app/prompt-requests',
    'core/prompt-names',
    'core/role-tool-names',
    'core/toolset',
    'link',
    '@modelcontextprotocol/sdk',
    'zod',
    'node:',
  ],
  'doors/cli': [
    '.',
    'app/table',
    'app/views',
    'app/arguments',
    'app/pane-text',
    'app/printable',
    'app/prompt-requests',
    'core/prompt-names',
    'core/role-tool-names',
    'core/toolset',
    'link',
    'commander',
    'zod',
    'node:',
  ],
};

describe('what imports what', () => {
  it.each(Object.keys(MAY_IMPORT))('src/%s imports values only from where it may', (folder) => {
    const allowed = MAY_IMPORT[folder] ?? [];
    const strangers = importsIn(folder).filter(({ to, typeOnly }) => !typeOnly && !isAllowed(folder, to, allowed));
    expect(strangers.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
  });

  it('every folder of src has a rule', () => {
    const folders = new Set(
      sources.map((file) => folderOf(file)).filter((folder) => folder !== '' && folder !== 'compose'),
    );
    expect([...folders].filter((folder) => MAY_IMPORT[folder] === undefined)).toEqual([]);
  });

  it('only main.ts and compose know every constructor', () => {
    const others = sources.filter((file) => !['', 'compose'].includes(folderOf(file)));
    expect(others.filter((file) => importsOf(file).some(({ to }) => to.startsWith('compose/'))).map(short)).toEqual([]);
  });

  it('has no cycle', () => {
    expect(cycles()).toEqual([]);
  });
});

describe('what does not occur', () => {
  const absent: [string, readonly string[], RegExp, RegExp?][] = [
    ['any, or a cast through unknown, in src', sources, /\bas any\b|: any[,;)\]}= ]|<any>|\bas unknown as\b/],
    ['an empty or comment-only catch', [...sources, ...tests], /catch\s*(\([^)]*\))?\s*\{\s*(\/\/[^\n]*\s*)*\}/],
    ['a swallowed rejection in src', sources, /\.catch\(\(\) => (\{\s*\}|undefined|null)\)/, /utimes\(/],
    ['process.env outside of src/config', sources.filter((file) => folderOf(file) !== 'config'), /process\.env\b/],
    ['a module mock', tests, /\bvi\.mock\(/],
    // Two rigs play a human or a disturbance, whose pauses are the point.
    [
      'a bare sleep in a test',
      tests.filter((file) => !/rig\/(adversity|troubles)\.ts$/.test(file)),
      /await (sleep|delay|setTimeout)\(/,
      /signal|stands for/,
    ],
    ['a skipped or focused test', tests, /\b(it|test|describe)\.(skip|todo|only)\b/],
    ['a loose end', [...sources, ...tests], /\b(TODO|FIXME|XXX|HACK)\b/],
    ['a file that only re-exports', sources, /^export \* from/m],
    ['a shell that is given a command line', sources, /\bexecSync\(|\bshell: true\b|\bexec\(['"`]/],
    ['console output', sources, /\bconsole\.(log|error|warn|info)\(/],
  ];
  it.each(absent)('%s', (_what, files, pattern, except) => {
    const found = files
      .filter((file) => !file.endsWith('house.test.ts'))
      .flatMap((file) => linesWith(file, pattern, except));
    expect(found).toEqual([]);
  });

  it('a name that says nothing', () => {
    const names = /(^|\/)(utils?|helpers?|common|types|manager|service|misc|index)\.ts$/i;
    expect([...sources, ...tests].map(short).filter((file) => names.test(file))).toEqual([]);
  });

  it('an unguarded paste: the word stands in one file, and only inside an if-shell', () => {
    const files = sources.filter((file) => /paste-buffer/.test(code(file)));
    expect(files.map(short)).toEqual(['src/adapters/tmux/typing.ts']);
    expect(code(files[0] ?? '')).toContain('if-shell');
  });

  it('keys of ours: send-keys stands only where tmux passes on the very key that a human pressed', () => {
    const files = sources.filter((file) => /send-keys/.test(code(file)));
    expect(files.map(short)).toEqual(['src/adapters/tmux/key-table.ts']);
    const uses = [...code(files[0] ?? '').matchAll(/send-keys([^'"`]*)/g)].map(([, words = '']) => words.trim());
    expect(uses).toEqual(['-M', '']);
  });

  it('a host of a package registry', () => {
    const files = ['package.json', 'package-lock.json', '.npmrc'].map((name) => join(root, name));
    expect(files.filter((file) => /https?:\/\/[^"\s]*(registry|npmjs|jsr)/.test(read(file)))).toEqual([]);
  });
});

describe('size', () => {
  it('no file is over 350 lines, and the median is at most 110', () => {
    const sizes = sources.map((file) => read(file).split('\n').length).sort((a, b) => a - b);
    expect(sources.filter((file) => read(file).split('\n').length > 350).map(short)).toEqual([]);
    expect(sizes[Math.floor(sizes.length / 2)]).toBeLessThanOrEqual(110);
  });

  it('at most five classes that are not errors', () => {
    const classes = sources.flatMap((file) =>
      [...code(file).matchAll(/^(?:export )?class \w+[^{]*/gm)].map(([line]) => line),
    );
    expect(classes.filter((line) => !/extends \w*Error\b/.test(line)).length).toBeLessThanOrEqual(5);
  });
});

function filesBelow(folder: string, ending: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending))
    .map((name) => join(folder, name))
    .sort();
}

function read(file: string): string {
  return readFileSync(file, 'utf8');
}

/** The file without its comments. */
function code(file: string): string {
  return read(file)
    .replaceAll(/\/\*[\s\S]*?\*\//g, '')
    .replaceAll(/(^|\s)\/\/.*$/gm, '');
}

const short = (file: string): string => relative(root, file);

/** `core`, `adapters/tmux`, `` for src itself. */
function folderOf(file: string): string {
  const parts = relative(join(root, 'src'), dirname(file)).split('/');
  return parts[0] === 'adapters' || parts[0] === 'doors' ? parts.slice(0, 2).join('/') : (parts[0] ?? '');
}

function importsIn(folder: string): Import[] {
  return sources.filter((file) => folderOf(file) === folder).flatMap(importsOf);
}

/** `to` is a path within src for own files (`core/run.ts`), else the module's name. */
function importsOf(file: string): Import[] {
  const statements = code(file).matchAll(
    /(?:import|export)\s+(type\s+)?([^'";]*?)from\s+'([^']+)'|import\('([^']+)'\)|^import '([^']+)'/gm,
  );
  return [...statements].map(([, type, names = '', from, dynamic, bare]) => {
    const to = from ?? dynamic ?? bare ?? '';
    const typeOnly =
      type !== undefined ||
      (/^\s*\{/.test(names) &&
        names
          .replaceAll(/[{}]/g, '')
          .split(',')
          .filter((name) => name.trim() !== '')
          .every((name) => name.trim().startsWith('type ')));
    return {
      from: short(file),
      to: to.startsWith('.') ? relative(join(root, 'src'), join(dirname(file), to)) : to,
      typeOnly,
    };
  });
}

function isAllowed(folder: string, to: string, allowed: readonly string[]): boolean {
  return allowed.some((each) => {
    if (each === '.') return to.startsWith(`${folder}/`);
    if (each === 'node:') return to.startsWith('node:');
    return to === each || to === `${each}.ts` || to.startsWith(`${each}/`);
  });
}

function cycles(): string[] {
  const edges = new Map(
    sources.map((file) => [
      relative(join(root, 'src'), file),
      importsOf(file)
        .filter(({ typeOnly }) => !typeOnly)
        .map(({ to }) => to),
    ]),
  );
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) found.push([...path.slice(path.indexOf(file)), file].join(' → '));
    if (path.includes(file) || done.has(file)) return;
    for (const next of edges.get(file) ?? []) visit(next, [...path, file]);
    done.add(file);
  };
  for (const file of edges.keys()) visit(file, []);
  return found;
}

function linesWith(file: string, pattern: RegExp, except?: RegExp): string[] {
  const text = code(file);
  const all = new RegExp(pattern.source, `${pattern.flags.replace('g', '')}g`);
  return [...text.matchAll(all)]
    .map((match) => text.slice(text.lastIndexOf('\n', match.index) + 1, text.indexOf('\n', match.index)).trim())
    .filter((line) => except === undefined || !except.test(line))
    .map((line) => `${short(file)}: ${line}`);
}
