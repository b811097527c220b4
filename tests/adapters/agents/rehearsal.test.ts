import { randomUUID } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { classifyRehearsal } from '../../../src/adapters/agents/rehearsal-screen.ts';
import { rehearsalProvider } from '../../../src/adapters/agents/rehearsal.ts';
import type { AgentOrder } from '../../../src/core/agent.ts';
import type { Screen } from '../../../src/core/screen.ts';
import type { AgentProvider } from '../../../src/engine/ports.ts';
import { rehearsalProgram } from '../../rig/rehearsal.ts';
import { agentFolder, type AgentFolder } from './agent-folder.ts';

const rule = '─'.repeat(40);
const box = (...rows: string[]): string => ['● said', '', rule, ...rows, rule].join('\n');

const FOOTER = '  ? for shortcuts';

/** The rows that follow each other from there on; of two rules that are drawn alike the upper one is the first. */
const boxAt = (from: number, ...texts: string[]): { text: string; at: number }[] =>
  texts.map((text, index) => ({ text, at: text === rule ? 3 : from + index }));

describe('classifyRehearsal', () => {
  it.each<[string, string, Screen]>([
    ['nothing', '\n\n', { kind: 'unknown' }],
    ['a starting program', 'Rehearsal agent\n\x1b[2mStarting…\x1b[0m', { kind: 'unknown' }],
    [
      'an empty box',
      `${box('❯')}\n  ? for shortcuts · rehearsal\n\n`,
      { kind: 'composer', draft: '', rows: boxAt(4, '❯', rule, '  ? for shortcuts · rehearsal'), busy: false },
    ],
    [
      'ghost text',
      `${box('❯ \x1b[2mtry this\x1b[0m')}\n  ? for shortcuts`,
      { kind: 'composer', draft: '', rows: boxAt(4, '❯ try this', rule, FOOTER), busy: false },
    ],
    [
      'a draft in a colour with the number of dimmed text',
      `${box('❯ \x1b[38;5;2mreal\x1b[39m')}\n  ? for shortcuts`,
      { kind: 'composer', draft: 'real', rows: boxAt(4, '❯ real', rule, FOOTER), busy: false },
    ],
    [
      'a draft of two rows, busy, cut footer',
      `${box('❯ one', '  two')}\n  esc to interrupt …`,
      {
        kind: 'composer',
        draft: 'one\ntwo',
        rows: boxAt(4, '❯ one', '  two', rule, '  esc to interrupt …'),
        busy: true,
      },
    ],
    [
      'a shell box',
      `${box('! ls')}\n  ! for shell mode · rehearsal`,
      { kind: 'composer-mode', mode: 'shell', draft: 'ls' },
    ],
    ['a menu', `${box('❯ /cl')}\n  ? for shortcuts`, { kind: 'composer-mode', mode: 'menu', draft: '/cl' }],
    [
      'a path is no menu',
      `${box('❯ /tmp/x')}\n  ? for shortcuts`,
      { kind: 'composer', draft: '/tmp/x', rows: boxAt(4, '❯ /tmp/x', rule, FOOTER), busy: false },
    ],
    [
      'the transcript',
      `● said\n${rule}\n  Showing detailed transcript · ctrl+o …`,
      { kind: 'view', name: 'transcript' },
    ],
    ['rules without a box', `${rule}\ntext\n${rule}\n  footer`, { kind: 'unknown' }],
    ['a box that is not the last thing', `${box('❯ x')}\n  ? for shortcuts\n$ ls`, { kind: 'unknown' }],
    [
      'a question of an unknown kind',
      `${rule}\n Really?\n\n ❯ Yes\n   No\n\n Esc to cancel`,
      {
        kind: 'dialog',
        dialog: {
          name: 'unrecognised',
          text: 'Really?\nYes\nNo\nEsc to cancel',
          choices: ['Yes', 'No'],
          hint: 'Answer the dialog in the pane.',
        },
        answering: { kind: 'in-the-pane', why: 'tmops does not know this question' },
      },
    ],
  ])('sees %s', (_, capture, screen) => {
    expect(classifyRehearsal(capture)).toEqual(screen);
  });

  it('joins the rows of a wrapped choice', () => {
    const capture = `${rule}\n Command\n ❯ 1. Yes\n   2. Yes, and don't\n     ask again\n   3. No\n\n Esc to cancel · Tab to am…`;
    const screen = classifyRehearsal(capture);
    expect(screen).toMatchObject({
      dialog: { name: 'permission', choices: ['1. Yes', "2. Yes, and don't ask again", '3. No'] },
      answering: { kind: 'by-label', marked: 0, fields: [] },
    });
  });

  it('says which choice is marked and which takes a text', () => {
    const question = (first: string, third: string, text = '3. Type something.'): string =>
      `${rule}\n Question\n\n Which one?\n ${first} 1. The first\n   2. The second\n ${third} ${text}\n\n Enter to select · ↑/↓ to navigate · Esc to cancel`;
    const marked = classifyRehearsal(question(' ', '❯'));
    expect(marked).toMatchObject({ answering: { kind: 'by-label', marked: 2, fields: [2] } });
    expect(marked).toMatchObject({ dialog: { text: expect.not.stringContaining('❯') as string } });
    expect(classifyRehearsal(question('❯', ' '))).toMatchObject({ answering: { marked: 0, rows: { length: 6 } } });
    expect(classifyRehearsal(question(' ', '❯', '3. our prompt'))).toMatchObject({
      answering: { kind: 'in-the-pane', why: 'somebody is typing a text into it' },
    });
    // A mark beside something that is none of its choices marks nothing.
    expect(classifyRehearsal(question('❯ ', ' '))).toMatchObject({
      answering: { kind: 'in-the-pane', why: 'it marks none of its choices' },
    });
    expect(classifyRehearsal(question('❯', ' ').replace(`${rule}\n`, ''))).toMatchObject({
      answering: { kind: 'in-the-pane' },
    });
  });
});

describe('rehearsalProvider', () => {
  let folder: AgentFolder;
  let order: AgentOrder;
  let program: string;
  beforeAll(async () => {
    program = await rehearsalProgram();
  });
  beforeEach(async () => {
    folder = await agentFolder();
    order = {
      workspaceRoot: folder.root,
      feature: 'sample-feature',
      run: 'initial',
      role: 'tester',
      sessionId: randomUUID(),
      cwd: folder.root,
      agentDir: folder.agentDir,
      runDir: folder.root,
      env: { PATH: process.env['PATH'] ?? '', SECRET: 'not for tmux' },
      permissions: { allow: [], denyWrites: [] },
    };
  });
  afterEach(() => folder.remove());

  it('fits the port of the engine', () => {
    const provider: AgentProvider = rehearsalProvider();
    expect(provider.name).toBe('rehearsal');
  });

  it('puts everything into files of the agent', async () => {
    const launch = await rehearsalProvider({ program, slowStartMs: 20 }).create(order);
    expect(launch).toMatchObject({ cwd: folder.root, env: {} });
    expect(JSON.stringify(launch)).not.toContain('SECRET');
    const argv = (await readFile(join(folder.agentDir, 'launch', 'argv'), 'utf8')).split('\n');
    expect(argv.slice(0, 4)).toEqual([process.execPath, program, '--session-id', order.sessionId]);
    expect(argv).toEqual(expect.arrayContaining(['--role', 'tester', '--slow-start', '20', 'sample-feature/tester']));
    const env = await readFile(join(folder.agentDir, 'launch', 'env'), 'utf8');
    expect(env).toContain(`TMOPS_AGENT_DIR=${folder.agentDir}\n`);
  });

  it('says that a variable cannot be passed', async () => {
    const problems: unknown[] = [];
    const provider = rehearsalProvider({ program, onProblem: (problem) => problems.push(problem) });
    await provider.create({ ...order, env: { BAD: 'a\nb' } });
    expect(problems).toMatchObject([{ why: 'BAD cannot be passed in one line' }]);
  });

  it.each<[string, (order: AgentOrder) => Promise<unknown>, object]>([
    [
      'a folder that is not there',
      (order) => rehearsalProvider({ program }).create({ ...order, cwd: '/no/such/folder' }),
      { reason: 'folder-missing' },
    ],
    [
      'a program that is not there',
      (order) => rehearsalProvider({ program: '/no/such/program.js' }).create(order),
      { reason: 'command-missing', sentence: expect.stringContaining('/no/such/program.js') as string },
    ],
    [
      'a play that is not there',
      (order) => rehearsalProvider({ program, play: 'hamlet' }).create(order),
      { reason: 'order', sentence: expect.stringContaining('"hamlet"') as string },
    ],
    [
      'a conversation that does not exist',
      (order) => rehearsalProvider({ program }).resume(order),
      { reason: 'no-conversation', sentence: expect.stringContaining('tester') as string },
    ],
    [
      'a conversation that exists already',
      async (order) => {
        await mkdir(join(order.agentDir, 'rehearsal'));
        await writeFile(join(order.agentDir, 'rehearsal', `${order.sessionId}.jsonl`), '\n');
        return rehearsalProvider({ program }).create(order);
      },
      { reason: 'order' },
    ],
  ])('refuses %s', async (_, call, fault) => {
    await expect(call(order)).rejects.toMatchObject({ name: 'ProviderError', ...fault });
  });

  it.each([
    ['--resume', /^Error: No conversation found with session ID: (\S+)$/],
    ['--session-id', /^Error: Session ID (\S+) is already in use\.$/],
  ])('is backed by a program that refuses %s by itself', async (flag, message) => {
    const id = randomUUID();
    await mkdir(join(folder.agentDir, 'rehearsal'));
    if (flag === '--session-id') await writeFile(join(folder.agentDir, 'rehearsal', `${id}.jsonl`), '\n');
    const argv = [program, flag, id, '--agent-dir', folder.agentDir];
    const { exitCode, stderr } = await execa(process.execPath, argv, { reject: false });
    expect(exitCode).toBe(1);
    expect(message.exec(stderr)?.[1]).toBe(id);
  });

  it('takes no status of a process that is gone', async () => {
    const provider = rehearsalProvider();
    expect(await provider.activity({ ...order, process: null })).toEqual({ kind: 'unknown' });
    await mkdir(join(folder.agentDir, 'rehearsal'));
    await writeFile(join(folder.agentDir, 'process'), `${process.pid}\n1\n`);
    const status = JSON.stringify({ pid: process.pid, status: 'idle', sessionId: order.sessionId });
    await writeFile(join(folder.agentDir, 'rehearsal', 'status.json'), status);
    expect(await provider.activity({ ...order, process: null })).toEqual({ kind: 'unknown' });
  });
});
