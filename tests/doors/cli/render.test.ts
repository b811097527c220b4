import { beforeAll, describe, expect, test } from 'vitest';
import { colourInk, noInk } from '../../../src/doors/cli/look.ts';
import * as render from '../../../src/doors/cli/render.ts';
import * as conflict from '../../../src/doors/cli/render-conflict.ts';
import * as steering from '../../../src/doors/cli/render-steering.ts';
import { renderFrame, renderProblem, renderStatus } from '../../../src/doors/cli/render-status.ts';
import { clean, widthOf } from '../../../src/doors/cli/text.ts';
import { cannedStatus } from '../../rig/canned.ts';
import * as views from './views.ts';

beforeAll(() => {
  process.env['TZ'] = 'UTC';
});

const look = { columns: Infinity, ink: noInk, now: views.NOW };
const narrow = { ...look, columns: 60 };

const cases: [string, readonly string[]][] = [
  ['status', renderStatus(cannedStatus, look)],
  ['status-troubled', renderStatus(views.troubled, look)],
  ['status-troubled-80', renderStatus(views.troubled, { ...look, columns: 80 })],
  ['status-completed', renderStatus(views.completed, look)],
  ['status-reporting-80', renderStatus(views.reporting, { ...look, columns: 80 })],
  ['status-reporting-frame-16x60', renderFrame(views.reporting, { ...look, columns: 60, rows: 16 })],
  ['status-steered', renderStatus(views.steered, look)],
  ['status-steered-100', renderStatus(views.steered, { ...look, columns: 100 })],
  ['status-steered-frame-8x60', renderFrame(views.steered, { ...look, columns: 60, rows: 8 })],
  ['status-frame-24x80', renderFrame(views.troubled, { ...look, columns: 80, rows: 24 })],
  ['status-frame-8x40', renderFrame(views.troubled, { ...look, columns: 40, rows: 8 })],
  ['init', render.renderInit(views.initView)],
  ['start', render.renderStart(views.startView, look)],
  ['start-queued', render.renderStart(views.queuedStartView, look)],
  ['status-queued', renderStatus(views.queuedStatus, look)],
  ['list', render.renderList(views.listView, look)],
  ['list-60', render.renderList(views.listView, narrow)],
  ['list-empty', render.renderList({ features: [] }, look)],
  ['wait-attention', render.renderWait(views.waitView, look)],
  [
    'wait-completed',
    render.renderWait(
      { ...views.waitView, reason: 'completed', attention: [], waitsFor: 'Nothing: all steps are done.' },
      look,
    ),
  ],
  ['wait-timeout', render.renderWait({ ...views.waitView, reason: 'timeout', done: false, attention: [] }, look)],
  ['events', render.renderEvents(views.waitView.events, look)],
  ['doctor', render.renderDoctor(views.doctorView, look)],
  [
    'stop',
    render.renderStop({ feature: 'auth-api', run: 'initial', stopped: true, next: 'tmops start auth-api goes on.' }),
  ],
  ['cleanup', render.renderCleanup(views.cleanupView, look)],
  ['cleanup-plan', render.renderCleanup({ ...views.cleanupView, done: false, notes: [] }, look)],
  ['gc', render.renderGc(views.gcView, look)],
  ['gc-plan', render.renderGc({ ...views.gcView, done: false, left: [] }, look)],
  ['gc-none', render.renderGc({ done: true, removed: [], left: [] }, look)],
  ['settle', render.renderSettle({ feature: 'auth-api', prompt: 3, as: 'resend' })],
  ['take', steering.renderHolders(views.holdersView, look)],
  ['give', steering.renderHolders({ ...views.holdersView, waiting: [], waitsFor: views.gateView.waitsFor }, look)],
  ['pause', steering.renderPaused(views.pauseView, look)],
  ['pause-none', steering.renderPaused({ features: [] }, look)],
  ['approve', steering.renderGate('approve')(views.gateView, look)],
  ['approve-module', steering.renderGate('approve')({ ...views.gateView, file: '' }, look)],
  ['reject', steering.renderGate('reject')(views.gateView, look)],
  ['skip', steering.renderStep('skip')(views.stepView, look)],
  ['retry', steering.renderStep('retry')({ ...views.stepView, present: 'tests' }, look)],
  ['redo', steering.renderStep('redo')({ ...views.stepView, present: null }, look)],
  ['rollback', steering.renderRollback(views.rollbackView, look)],
  ['rollback-undo-60', steering.renderRollback(views.undoView, narrow)],
  ['conflict', conflict.renderConflict(views.conflictView, look)],
  ['conflict-60', conflict.renderConflict({ ...views.conflictView, how: 'accept', kept: null }, narrow)],
  ['message', steering.renderMessage(views.messageView, look)],
  ['why', steering.renderWhy(views.whyView, look)],
  ['why-60', steering.renderWhy({ ...views.whyView, attention: views.troubled.attention }, narrow)],
];

test.each(cases)('%s is as in tests/golden/cli', async (name, lines) => {
  await expect(lines.join('\n') + '\n').toMatchFileSnapshot(`../../golden/cli/${name}.txt`);
});

test.each(cases)('%s: no control character, nothing trails', (_, lines) => {
  for (const line of lines) {
    expect(line).not.toMatch(/\p{C}/u);
    expect(line).toBe(line.trimEnd());
  }
});

test('colours add nothing but colours', () => {
  const coloured = renderStatus(views.troubled, { ...look, ink: colourInk });
  expect(coloured.join('\n')).toContain('\u001b[31mrefused\u001b[0m');
  expect(coloured.map(clean)).toEqual(renderStatus(views.troubled, look));
});

test('text of a pane keeps its lines and loses its escapes', () => {
  const view = {
    feature: 'f',
    role: 'tester',
    pane: '%1',
    state: 'idle',
    lines: 2,
    untrusted_output: 'a\u001b[31m\n\u009b2Jb',
  };
  expect(render.renderPane(view)).toEqual(['a', '2Jb']);
});

test('a problem of several lines keeps them (configuration faults point at a place)', () => {
  expect(
    renderProblem({ sentence: 'Not valid.\nfile.yaml:3:5\n  colour: blue', hint: 'Correct it.' }, look, ''),
  ).toEqual(['Not valid.', 'file.yaml:3:5', '  colour: blue', '  Correct it.']);
});

describe('a frame', () => {
  const sizes = [1, 2, 3, 5, 8, 11, 12, 16, 24, 40, 60].flatMap((rows) =>
    [20, 40, 80, 200].map((columns) => [rows, columns] as const),
  );

  test.each(sizes)('of %d rows and %d columns is not exceeded', (rows, columns) => {
    for (const view of [cannedStatus, views.troubled, views.steered, views.reporting, views.completed]) {
      for (const ink of [noInk, colourInk]) {
        const lines = renderFrame(view, { ...look, ink, columns, rows });
        expect(lines.length).toBeGreaterThan(0);
        expect(lines.length).toBeLessThanOrEqual(rows);
        for (const line of lines) expect(widthOf(clean(line))).toBeLessThanOrEqual(columns);
      }
    }
  });

  test('with few rows says the step, what it waits for and what needs a human', () => {
    const lines = renderFrame(views.troubled, { ...look, columns: 60, rows: 6 }).join('\n');
    for (const part of ['auth-api', 'step 3/9', 'not in order', '! Prompt 1']) expect(lines).toContain(part);
  });

  test('leaves out prompts before panes', () => {
    const lines = renderFrame(cannedStatus, { ...look, columns: 80, rows: 16 }).join('\n');
    expect(lines).toContain('Panes');
    expect(lines).not.toContain('Prompts');
  });
});
