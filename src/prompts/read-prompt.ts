import { check } from '../config/check.ts';
import type { ConfigFault } from '../config/faults.ts';
import { locatedIn } from '../config/located.ts';
import type { Located } from '../config/located.ts';
import { shapeOf, type Shape } from '../config/shape.ts';
import { faultAt, fileFault, type Source } from '../config/source.ts';
import { parseYaml } from '../config/yaml.ts';
import { frontMatter, type FrontMatter } from './front-matter.ts';

/** A template as text, and where it stands: `line` lines of its file come before it. */
export interface TemplateText {
  readonly body: string;
  readonly source: Source;
  readonly line: number;
}

export type Origin = 'shipped' | 'workspace';

export interface PromptFile extends FrontMatter, TemplateText, Located {
  readonly origin: Origin;
}

export type ReadPrompt =
  { readonly ok: true; readonly prompt: PromptFile } | { readonly ok: false; readonly faults: readonly ConfigFault[] };

/** No prompt written by hand comes near this, in characters. */
const MOST_CHARS = 64 * 1024;

const OPENING = /^---[ \t]*\r?\n/;
const CLOSING = /^---[ \t]*(?:\r?\n|$)/m;

let shape: Shape | undefined;

/** Reads a prompt: its front matter, checked, and its text. Its file is called after its name, and may add its version. */
export function readPrompt(source: Source, origin: Origin): ReadPrompt {
  const { text, name: file } = source;
  if (text.length > MOST_CHARS)
    return { ok: false, faults: [fileFault('too-large', file, `at most ${MOST_CHARS} characters`)] };
  const start = OPENING.exec(text)?.[0].length ?? 0;
  const closing = start === 0 ? null : CLOSING.exec(text.slice(start));
  if (closing === null) {
    const place = { source, start: 0, end: 1 };
    const expected = 'front matter at the beginning, between two lines of ---';
    return { ok: false, faults: [faultAt('syntax', place, [], { expected })] };
  }
  const end = start + closing.index;
  const { tree, faults } = parseYaml({ source, start, end }, null);
  if (faults.length > 0) return { ok: false, faults };
  shape ??= shapeOf(frontMatter);
  const checked = check(tree, frontMatter, shape);
  if (!checked.ok) return checked;
  const located = locatedIn(tree);
  const misnamed = misnaming(file, checked.value, located);
  if (misnamed) return { ok: false, faults: [misnamed] };
  const from = end + closing[0].length;
  const line = text.slice(0, from).split('\n').length - 1;
  return { ok: true, prompt: { ...checked.value, ...located, origin, source, line, body: text.slice(from) } };
}

/** Whoever looks for a prompt looks for its file. */
function misnaming(file: string, { name, version }: FrontMatter, located: Located): ConfigFault | null {
  const [called = '', ofVersion] = (/([^/]*)\.md$/.exec(file)?.[1] ?? '').split('@');
  if (called !== name) return located.blame(['name'], `the name of its file, ${called}`);
  if (ofVersion === undefined || ofVersion === version) return null;
  return located.blame(['version'], `the version in the name of its file, ${ofVersion}`);
}
