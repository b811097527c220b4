import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { ConfigFault } from '../../src/config/faults.ts';
import { say } from '../../src/config/say.ts';
import { readArguments } from '../../src/prompts/arguments.ts';
import { readPrompt } from '../../src/prompts/read-prompt.ts';
import { scopeOf } from '../../src/prompts/shelf.ts';
import { openTemplates } from '../../src/prompts/templates.ts';
import { CONTROL, damaged, fuzz, FUZZ_TIMEOUT_MS, INPUTS, strung } from '../rig/fuzz.ts';
import { hostile } from '../rig/hostile.ts';

const NAME = '/prompts/unblock.md';
const shipped = readFileSync(new URL('../../config/prompts/unblock.md', import.meta.url), 'utf8');

const KEYS = [
  'name: unblock',
  'version: 1.0.0',
  'title: T',
  'description: D',
  'tags: ',
  'arguments: ',
  'data: ',
  'tests: ',
];
const piece = fc.oneof(
  fc.constantFrom(...KEYS.map((key) => `\n${key}`)),
  fc.constantFrom('---\n', '\n---\n', '\n---', '- ', '[', ']', '{', '}', ', ', '\n  ', '&a ', '*a', '"', '__proto__: '),
  fc.constantFrom('type: enum', 'values: [a]', 'exists: true', 'expect: [x]', 'status', 'feature'),
  hostile,
);

const tag = fc.oneof(
  fc.constantFrom(
    '{% if feature %}',
    '{% endif %}',
    '{% for x in status.panes %}',
    '{% endfor %}',
    '{% raw %}',
    '{% else %}',
  ),
  fc.constantFrom(
    "{% include '_part' %}",
    "{% layout '_part' %}",
    '{% block a %}',
    '{% endblock %}',
    "{% render '_part' %}",
  ),
  fc.constantFrom(
    '{{ feature',
    '}}',
    '{%',
    '%}',
    '{{ status.waitsFor }}',
    ' | untrusted: ',
    ' | map: "a"',
    ' | join',
    '..',
    '(1..9)',
  ),
  fc.constantFrom(
    '{% assign x = status %}',
    '{% capture x %}',
    '{% endcapture %}',
    '{{ x | split: "" | last }}',
    'x',
    '\n',
  ),
  hostile,
);

const within = (fault: ConfigFault, text: string): void => {
  expect(fault.line).toBeGreaterThan(0);
  expect(fault.line).toBeLessThanOrEqual(text.split('\n').length);
  expect(say(fault)).not.toMatch(CONTROL);
};

test(
  'whatever stands in a file is a prompt, or faults at places in it',
  () => {
    fuzz(
      'front matter',
      fc.oneof(
        damaged([shipped], piece),
        strung(piece, 30).map((text) => `---${text}`),
      ),
      (text) => {
        const read = readPrompt({ name: NAME, text }, 'workspace');
        if (read.ok) expect(read.prompt.name).toBe('unblock');
        else for (const fault of read.faults) within(fault, text);
      },
      Math.ceil(INPUTS / 20),
    );
  },
  FUZZ_TIMEOUT_MS,
);

test(
  'whatever stands in a template is text, or a fault at a place in it',
  () => {
    const head = `---\n${KEYS.slice(0, 4).join('\n')}\narguments: [{name: feature, type: feature, required: true, description: D}]\ndata: [status]\n---\n`;
    fuzz(
      'templates',
      strung(tag, 20),
      (body) => {
        const text = head + body;
        const read = readPrompt({ name: NAME, text }, 'workspace');
        if (!read.ok) return;
        const { prompt } = read;
        const part = {
          name: '_part',
          origin: 'shipped',
          source: { name: '_part.md', text: 'part' },
          line: 0,
          body: 'part',
        } as const;
        const templates = openTemplates({ prompts: [prompt], shipped: [], parts: [part], faults: [] });
        for (const fault of templates.faultsOf(prompt)) within(fault, text);
        const status = { waitsFor: '{{ 7 | times: 191 }}\u001b[31m', panes: [{ a: 1 }] };
        const made = templates.render(prompt, scopeOf(prompt, { feature: 'abc' }, { status }, {}), 'b0undary');
        if (!made.ok) within(made.fault, text);
        else expect(made.text).not.toContain('1337');
      },
      Math.ceil(INPUTS / 50),
    );
  },
  FUZZ_TIMEOUT_MS,
);

test(
  'whatever a client gives for arguments is taken, or refused in words',
  () => {
    const types = ['feature', 'role', 'step', 'integer', 'word'] as const;
    const all = types.map((type) => ({ name: type, type, description: 'D', required: false, exists: false }));
    const given = fc.dictionary(fc.oneof(fc.constantFrom(...types, '__proto__'), hostile), hostile, { maxKeys: 3 });
    fuzz(
      'arguments',
      given,
      (values) => {
        const read = readArguments({ name: 'a', arguments: all }, values);
        if (read.ok) for (const value of Object.values(read.values)) expect(String(value)).toMatch(/^\S{1,100}$/);
        else expect(read.why).not.toMatch(CONTROL);
      },
      Math.ceil(INPUTS / 20),
    );
  },
  FUZZ_TIMEOUT_MS,
);
