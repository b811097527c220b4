import { closeSync, constants, openSync, readSync, watch, writeSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { version } from '../../src/compose/package.ts';
import { socketOfWorkspace } from '../../src/compose/places.ts';
import type { Event, EventKind } from '../../src/core/event.ts';
import { connectLink } from '../../src/link/client.ts';
import { agentsOf } from '../rig/flow.ts';
import { attachHuman, type Human } from '../rig/human.ts';
import { openProduct, type Product } from '../rig/product.ts';
import { seeded } from '../rig/random.ts';
import { steer } from '../rig/rehearsal.ts';
import { until, within } from '../rig/wait.ts';
import { happened } from './journal.ts';
import { rowOf, type Extent, type Row } from './row.ts';

const FEATURE = 'auth-api';
const ROLE = 'tester';
/** As the terminal of somebody who looks at the whole session. */
const SIZE = { cols: 220, rows: 60 };
/** As Claude Code's spinner does. */
const WRITES_EVERY_MS = 80;

/** How long it takes from the first key of a human who is attached until the automation holds still. */
export async function measureHold({ quick }: Extent): Promise<Row[]> {
  const product = await openProduct({ play: 'wait', config: 'evidence:\n  enabled: false' });
  try {
    await product.json('init', FEATURE);
    await product.json('start', FEATURE);
    await happened(product, FEATURE, 'prompt.taken', ({ prompt }) => prompt >= 5);
    const seat = await takeSeat(product);
    try {
      const count = quick ? 10 : 200;
      const idle = await holds(seat, count);
      await steer(product.path(FEATURE, 'current', 'agents', ROLE), { do: 'busy' });
      const stopWriting = await writing(product, seat.pane);
      const working = await holds(seat, count).finally(stopWriting);
      const goal = { p95: 50 };
      return [
        rowOf('hold after a human’s first key', idle, {
          goal,
          note: 'from the bytes in their terminal to the journal’s line on disk; agent idle',
        }),
        rowOf('hold after a human’s first key, agent at work', working, {
          goal,
          note: `the same; its pane writes each ${WRITES_EVERY_MS} ms`,
        }),
      ];
    } finally {
      await seat.leave();
    }
  } finally {
    await product.dispose();
  }
}

/** A human in front of the role's pane, and somebody who reads the journal as it grows. */
interface Seat {
  readonly pane: string;
  readonly human: Human;
  readonly tail: Tail;
  give(): Promise<void>;
  leave(): Promise<void>;
}

async function takeSeat(product: Product): Promise<Seat> {
  const { server, repo } = product;
  const pane = (await agentsOf(product, FEATURE))[ROLE]?.pane ?? '';
  const place = socketOfWorkspace(repo.root);
  const connected = place.ok ? await connectLink(place.socketPath, version) : null;
  if (!connected?.ok) throw new Error('There is no link to the supervisor');
  const { link } = connected;
  const tail = tailOf(product.path(FEATURE, 'current', 'journal.jsonl'));
  const human = attachHuman(server, `tmops-${FEATURE}`, SIZE);
  await until('the session is drawn', () => human.drawn().includes(`[tmops-${FEATURE}]`));
  await server.run('select-window', '-t', pane, ';', 'select-pane', '-t', pane);
  return {
    pane,
    human,
    tail,
    async give() {
      const reply = await link.call('give', { feature: FEATURE, role: ROLE }, { door: 'socket', cwd: repo.root });
      if (!reply.ok) throw new Error(`${reply.failure.sentence} ${reply.failure.hint}`);
    },
    async leave() {
      link.close();
      tail.end();
      await human.leave();
    },
  };
}

/** An agent at work keeps writing, a spinner for one. What is written here changes nothing on the screen. */
async function writing({ server }: Product, pane: string): Promise<() => void> {
  const tty = (await server.run('display-message', '-p', '-t', pane, '#{pane_tty}')).trim();
  const descriptor = openSync(tty, constants.O_WRONLY | constants.O_NOCTTY);
  const timer = setInterval(() => writeSync(descriptor, '\x1b7\x1b8'), WRITES_EVERY_MS);
  return () => {
    clearInterval(timer);
    closeSync(descriptor);
  };
}

async function holds({ human, tail, give }: Seat, count: number): Promise<number[]> {
  const random = seeded(1);
  const samples: number[] = [];
  for (let n = 0; n < count; n += 1) {
    // At any moment between two looks of the automation.
    await pause(random.int(100, 300));
    const taken = tail.next('pane.taken');
    const from = performance.now();
    human.type('x');
    samples.push((await taken) - from);
    const left = tail.next('pane.left');
    human.type('\x7f');
    await left;
    const given = tail.next('pane.given');
    await give();
    await given;
  }
  return samples;
}

interface Tail {
  /** When the next event of the kind was seen in the file, by `performance.now()`. */
  next(kind: EventKind): Promise<number>;
  end(): void;
}

/** Reads what is appended to a journal as soon as the system tells of it. */
function tailOf(file: string): Tail {
  const descriptor = openSync(file, 'r');
  const buffer = Buffer.alloc(65_536);
  let rest = '';
  let awaited: { readonly kind: EventKind; readonly seen: (atMs: number) => void } | null = null;
  const drain = (): void => {
    for (;;) {
      const length = readSync(descriptor, buffer);
      if (length === 0) return;
      const lines = (rest + buffer.toString('utf8', 0, length)).split('\n');
      rest = lines.pop() ?? '';
      const atMs = performance.now();
      if (awaited && lines.some((line) => (JSON.parse(line) as Event).kind === awaited?.kind)) awaited.seen(atMs);
    }
  };
  drain();
  const watcher = watch(file, drain);
  return {
    next(kind) {
      // What is there already is not the next one.
      drain();
      return within(kind, new Promise<number>((seen) => (awaited = { kind, seen })), 10_000);
    },
    end() {
      watcher.close();
      closeSync(descriptor);
    },
  };
}
