import { chmodSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { say } from '../../src/config/say.ts';
import { readLibrary } from '../../src/prompts/library.ts';
import { listPrompts } from '../../src/prompts/listing.ts';
import { brief, file, folders, libraryOf, rendered, settings, shelf } from './rig.ts';

describe('what the workspace has', () => {
  const shipped = { 'a.md': file('a', 'shipped a'), 'b.md': file('b', 'shipped b'), '_part.md': 'shipped part' };

  test('stands in place of what ships, by name, and adds to it', () => {
    const on = shelf(shipped, { 'a.md': file('a', 'own a'), 'c.md': file('c', 'own c') });
    expect(['a', 'b', 'c'].map((name) => rendered(on, name))).toEqual(['own a\n', 'shipped b\n', 'own c\n']);
  });

  test('is served also where what ships has a higher version', () => {
    const on = shelf({ 'a.md': file('a', 'shipped', [], '2.0.0') }, { 'a.md': file('a', 'own', [], '1.5.0') });
    expect(rendered(on, 'a')).toBe('own\n');
  });

  test('includes shipped parts, replaces them, and still reaches them', () => {
    const body = "{% include '_part' %}, {% include 'shipped/_part' %}";
    expect(rendered(shelf(shipped, { 'c.md': file('c', body) }), 'c')).toBe('shipped part, shipped part\n');
    expect(rendered(shelf(shipped, { 'c.md': file('c', body), '_part.md': 'own part' }), 'c')).toBe(
      'own part, shipped part\n',
    );
  });

  test('extends a shipped prompt of its own name', () => {
    const base = { 'a.md': file('a', 'begin {% block middle %}theirs{% endblock %} end') };
    const own = { 'a.md': file('a', "{% layout 'shipped/a' %}{% block middle %}mine{% endblock %}") };
    expect(rendered(shelf(base, own), 'a')).toBe('begin mine end\n');
  });
});

describe('of several versions', () => {
  const versions = {
    'a@1.9.0.md': file('a', 'nine', [], '1.9.0'),
    'a@1.10.0.md': file('a', 'ten', [], '1.10.0'),
    'a@0.9.9.md': file('a', 'old', [], '0.9.9'),
  };

  test('the highest is served, as numbers and not as text', () => {
    expect(rendered(shelf(versions), 'a')).toBe('ten\n');
  });

  test('the configuration pins one', () => {
    expect(rendered(shelf(versions, {}, { use: { a: '0.9.9' } }), 'a')).toBe('old\n');
  });

  test.each<[string, Parameters<typeof shelf>[2], string]>([
    ['a version that is not there', { use: { a: '3.0.0' } }, 'a version of a that is there: 0.9.9, 1.9.0, 1.10.0'],
    ['one version twice', { compare: { a: { versions: ['1.9.0', '1.9.0'], split: 50 } } }, 'two different versions'],
  ])('%s keeps it from being used', (_, prompts, says) => {
    expect(rendered(shelf(versions, {}, prompts), 'a')).toContain(says);
  });

  test('two that take different arguments are not compared', () => {
    const more = ['arguments: [{ name: x, type: word, description: A word. }]'];
    const files = { 'a@1.0.0.md': file('a', ''), 'a@1.1.0.md': file('a', '', more, '1.1.0') };
    const on = shelf(files, {}, { compare: { a: { versions: ['1.0.0', '1.1.0'], split: 50 } } });
    expect(rendered(on, 'a')).toContain('two versions that take the same arguments');
  });

  test('a name that nobody has is told with the nearest', () => {
    const { faults } = readLibrary(folders(versions));
    expect(faults).toEqual([]);
    expect(listPrompts(libraryOf(versions), settings({ use: { unblok: '1.0.0' } })).map(({ name }) => name)).toEqual([
      'a',
    ]);
  });
});

describe('a file that cannot be used', () => {
  const more = (line: string): string => file('a', 'text', [line]);
  test.each<[string, string, string]>([
    ['no front matter', 'Hello', 'a.md:1:1 syntax'],
    ['front matter without an end', '---\nname: a\n', 'a.md:1:1 syntax'],
    ['another name', file('b', ''), 'a.md:2:7 bad-value name'],
    ['no version', '---\nname: a\ntitle: T\ndescription: D\n---\n', 'a.md:2:1 missing-key version'],
    ['half a version', file('a', '', [], '1.2'), 'a.md:3:10 wrong-type version'],
    ['an unknown key', more('titel: x'), 'a.md:6:1 unknown-key titel'],
    ['a tag in capitals', more('tags: [Bad]'), 'a.md:6:8 bad-value tags[0]'],
    [
      'an unknown type',
      more('arguments: [{ name: x, type: path, description: D }]'),
      'a.md:6:30 bad-value arguments[0].type',
    ],
    [
      'an enum without values',
      more('arguments: [{ name: x, type: enum, description: D }]'),
      'a.md:6:13 missing-key arguments[0].values',
    ],
    [
      'a value of two words',
      more('arguments: [{ name: x, type: enum, values: [a b], description: D }]'),
      'a.md:6:45 bad-value arguments[0].values[0]',
    ],
    [
      'an argument twice',
      more('arguments: [{ name: x, type: word, description: D }, { name: x, type: word, description: D }]'),
      'a.md:6:62 bad-value arguments[1].name',
    ],
    [
      'an argument with the name of data',
      more('arguments: [{ name: status, type: word, description: D }]'),
      'a.md:6:21 bad-value arguments[0].name',
    ],
    ['data of a feature without one', more('data: [status]'), 'a.md:6:8 bad-value data[0]'],
    ['unknown data', more('data: [panes]'), 'a.md:6:8 bad-value data[0]'],
    ['YAML that is none', more('tags: ['), 'a.md:7:1 syntax'],
  ])('%s is told at its place', (_, text, place) => {
    const { prompts, faults } = libraryOf({ 'a.md': text });
    expect(prompts).toEqual([]);
    expect(faults.map(brief).slice(0, 1)).toEqual([place]);
    expect(faults.map(say).join('\n')).toContain('expected');
  });

  test('one that is wrong is not replaced by the shipped one: whoever asks is told', () => {
    const on = shelf({ 'a.md': file('a', 'shipped') }, { 'a.md': 'broken' });
    expect(rendered(on, 'a')).toContain('workspace/a.md:1:1: this cannot be read');
  });

  test.each(['Unblock.md', 'a b.md', 'a@one.md', '-a.md'])('%s is no name of a prompt', (name) => {
    const { faults } = libraryOf({ [name]: file('a', '') });
    expect(faults.map(brief)).toEqual([`${name}:1:1 wrong-file`]);
  });

  test('the same version twice is told', () => {
    const { faults } = libraryOf({ 'a.md': file('a', '1'), 'a@1.0.0.md': file('a', '2') });
    expect(faults.map(say).join('')).toContain('a@1.0.0 too');
  });
});

describe('what somebody else may have written', () => {
  test('a file that all may write is refused', () => {
    const places = folders({}, { 'a.md': file('a', 'text') });
    chmodSync(join(places.workspace, 'a.md'), 0o666);
    const { prompts, faults } = readLibrary(places);
    expect(prompts).toEqual([]);
    expect(faults.map(({ kind }) => kind)).toEqual(['untrusted-file']);
  });

  test('a folder that all may write into is refused, and no prompt is served meanwhile', () => {
    const places = folders({ 'a.md': file('a', 'shipped') }, {});
    chmodSync(places.workspace, 0o777);
    const library = readLibrary(places);
    expect(library.faults.map(({ kind }) => kind)).toEqual(['untrusted-file']);
    expect(listPrompts(library, settings())).toEqual([]);
  });

  test('a link out of the folder is not followed, one within is', () => {
    const places = folders({}, { '_part.md': 'part' });
    writeFileSync(join(places.shipped, 'secret.txt'), 'secret');
    symlinkSync(join(places.shipped, 'secret.txt'), join(places.workspace, '_out.md'));
    symlinkSync('/nowhere', join(places.workspace, '_gone.md'));
    symlinkSync('_part.md', join(places.workspace, '_in.md'));
    const { parts, faults } = readLibrary(places);
    expect(parts.map(({ name }) => name)).toEqual(['_in', '_part']);
    expect(faults.map(brief)).toEqual(['_gone.md:1:1 wrong-file', '_out.md:1:1 wrong-file']);
  });

  test('a folder that is not there holds nothing', () => {
    const places = folders({ 'a.md': file('a', '') });
    expect(readLibrary({ ...places, workspace: '/nowhere/at/all' }).faults).toEqual([]);
  });
});
