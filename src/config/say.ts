import type { ConfigFault, FaultKind } from './faults.ts';

/**
 * A fault for a human: `file:line:column: what is wrong`, the line with the text underlined, and what is allowed.
 * Several lines, no trailing line break. Control characters of the file are never passed on to the terminal.
 */
export function say(fault: ConfigFault): string {
  const lines = [`${fault.file}:${fault.line}:${fault.column}: ${WORDS[fault.kind](fault)}`, ...underlined(fault)];
  if (fault.nearest !== undefined) lines.push(`  did you mean ${fault.nearest}?`);
  if (fault.expected !== '') lines.push(`  expected ${fault.expected}`);
  return lines.map(harmless).join('\n');
}

/** The same without secrets in what is quoted. */
export const sayWithout =
  (hide: (text: string) => string) =>
  (fault: ConfigFault): string =>
    say({ ...fault, text: hide(fault.text), sourceLine: hide(fault.sourceLine), expected: hide(fault.expected) });

const WIDTH = 100;
const TEXT_SHOWN = 60;

const WORDS: Readonly<Record<FaultKind, (fault: ConfigFault) => string>> = {
  syntax: () => 'this cannot be read',
  'duplicate-key': (fault) => `the key ${quoted(fault)} stands here a second time`,
  'unknown-key': (fault) => `unknown key ${fault.key}`,
  'missing-key': (fault) => `${fault.key} is missing`,
  'bad-key': (fault) => `${quoted(fault)} cannot be a name here (${fault.key})`,
  'wrong-type': (fault) => `${subject(fault)} cannot be ${quoted(fault)}`,
  'bad-value': (fault) => `${subject(fault)} cannot be ${quoted(fault)}`,
  'unset-variable': (fault) => `${quoted(fault)} names a variable that is not set (${fault.key})`,
  'bad-expansion': (fault) => `${quoted(fault)} cannot be expanded (${fault.key})`,
  'unknown-variable': (fault) => `the variable ${fault.text} stands for no key of the configuration`,
  'missing-file': (fault) => (fault.text === '' ? 'there is no such file' : `${quoted(fault)} names no file`),
  'wrong-file': () => 'this file cannot be used',
  'unreadable-file': () => 'this file cannot be read',
  'untrusted-file': (fault) =>
    `${fault.text === '' ? 'this file' : quoted(fault)} may have been written by somebody else`,
  'too-large': (fault) => `${fault.key === '' ? 'this' : fault.key} is too large`,
};

const subject = (fault: ConfigFault): string => (fault.key === '' ? 'the whole' : fault.key);

/** Text that is quoted in its file is left in those quotes. */
function quoted(fault: ConfigFault): string {
  const shown = fault.text.length > TEXT_SHOWN ? `${fault.text.slice(0, TEXT_SHOWN)}…` : fault.text;
  return /^["']/.test(shown) ? shown : `"${shown}"`;
}

/** Tabs stay tabs in the padding, so that the marks stand under the text whatever a tab's width is. */
function underlined(fault: ConfigFault): string[] {
  if (fault.sourceLine.trim() === '') return [];
  const line = Array.from(fault.sourceLine);
  const from = fault.column > WIDTH ? fault.column - WIDTH / 2 : 0;
  const shown = line.slice(from, from + WIDTH);
  const padding = shown.slice(0, fault.column - 1 - from).map((character) => (character === '\t' ? '\t' : ' '));
  const marks = Math.max(1, Math.min(Array.from(fault.text).length, WIDTH - padding.length));
  const gutter = String(fault.line);
  return [
    `  ${gutter} | ${shown.join('')}`,
    `  ${' '.repeat(gutter.length)} | ${padding.join('')}${'^'.repeat(marks)}`,
  ];
}

const harmless = (line: string): string => line.replaceAll(/[^\P{C}\t]/gu, '\u{FFFD}');
