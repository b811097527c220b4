import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { systemClock } from '../../src/adapters/clock/clock.ts';
import { SESSION, type EngineRig, type Role } from './engine.ts';
import { attachHuman } from './human.ts';
import type { Random } from './random.ts';

/** Something that goes wrong around one role's pane, from its beginning until it is over. */
export interface Trouble {
  readonly name: string;
  /** How often it is chosen, in relation to the others. */
  readonly weight: number;
  /** Resolves when it is over; false when it could not be made, because nobody was there to be troubled. */
  make(scene: Scene): Promise<boolean>;
}

export interface Scene {
  readonly engine: EngineRig;
  readonly role: Role;
  readonly random: Random;
  /** The role's pane, as far as the run knows it. */
  readonly pane: string;
}

/** A trouble goes on for so many ms. */
const { sleep: lasts } = systemClock();

/** Troubles of single panes. Each leaves the pane as a human would who is done with it. */
export const TROUBLES: readonly Trouble[] = [
  {
    name: 'swallowed Enters',
    weight: 4,
    make: (scene) => told(scene, { do: 'swallow-enters', n: scene.random.pick([1, 1, 1, 2, 3]) }),
  },
  {
    name: 'busy agent',
    weight: 4,
    make: (scene) => told(scene, { do: 'work', ms: scene.random.int(50, 1500) }),
  },
  {
    name: 'slow drawing',
    weight: 2,
    async make(scene) {
      if (!(await told(scene, { do: 'echo-delay', ms: scene.random.int(20, 400) }))) return false;
      await lasts(scene.random.int(200, 1200));
      await told(scene, { do: 'echo-delay', ms: 0 });
      return true;
    },
  },
  {
    name: 'late evidence',
    weight: 2,
    make: (scene) =>
      told(scene, { do: 'hook', event: 'UserPromptSubmit', delay: scene.random.int(100, 2500), times: 1 }),
  },
  {
    name: 'doubled evidence',
    weight: 1,
    make: (scene) => told(scene, { do: 'hook', event: 'UserPromptSubmit', double: true }),
  },
  {
    name: 'no evidence',
    weight: 0.3,
    make: (scene) => told(scene, { do: 'hook', event: 'UserPromptSubmit', drop: true }),
  },
  {
    name: 'dialog',
    weight: 3,
    async make(scene) {
      const name = scene.random.pick(['permission', 'question', 'limit']);
      if (!(await told(scene, { do: 'dialog', name }))) return false;
      await lasts(scene.random.int(50, 1500));
      await answerDialog(scene);
      return true;
    },
  },
  {
    name: 'draft',
    weight: 3,
    async make(scene) {
      const draft = scene.random.pick(['half a sentence that', 'x', 'wait —', 'do not (yet) look at 12']);
      // In copy mode letters are commands, and some of them wait for an answer.
      await tmux(scene, 'copy-mode', '-q', '-t', scene.pane);
      if (!(await keys(scene, '-l', '--', draft))) return false;
      await lasts(scene.random.int(20, 1200));
      await told(scene, { do: 'draft', text: '' });
      return true;
    },
  },
  {
    name: 'copy mode',
    weight: 3,
    make: (scene) => tmux(scene, 'copy-mode', '-t', scene.pane),
  },
  {
    name: 'copy mode of a watcher',
    weight: 1,
    async make(scene) {
      const human = attachHuman(scene.engine.server, SESSION, { cols: 180, rows: 60 });
      try {
        await tmux(scene, 'select-pane', '-t', scene.pane);
        if (!(await tmux(scene, 'copy-mode', '-t', scene.pane))) return false;
        await lasts(scene.random.int(200, 1500));
        await tmux(scene, 'copy-mode', '-q', '-t', scene.pane);
        return true;
      } finally {
        await human.leave();
      }
    },
  },
  {
    name: 'small client',
    weight: 1,
    async make(scene) {
      const human = attachHuman(scene.engine.server, SESSION, { cols: 80, rows: 24 });
      await lasts(scene.random.int(300, 1500));
      await human.leave();
      return human.drawn() !== '';
    },
  },
  { name: 'killed agent', weight: 2, make: (scene) => killAgent(scene) },
  { name: 'closed pane', weight: 0.5, make: (scene) => tmux(scene, 'kill-pane', '-t', scene.pane) },
];

/** The next trouble, chosen by weight. */
export function pickTrouble(random: Random, among: readonly Trouble[] = TROUBLES): Trouble {
  let left = random.next() * among.reduce((sum, trouble) => sum + trouble.weight, 0);
  return among.find((trouble) => (left -= trouble.weight) < 0) ?? random.pick(among);
}

const agentDir = ({ engine, role }: Scene): string => engine.place.agentDir(role);

/** Steers the role's agent. One that is dead or not up yet cannot be told anything, which is no fault of anybody. */
async function told(scene: Scene, verb: Readonly<Record<string, unknown>>): Promise<boolean> {
  return (await stateOf(scene, verb)) !== null;
}

/** What the agent answers to a verb of steering; null when it is not there, or cannot do this now. */
export async function stateOf(
  { engine, role }: Pick<Scene, 'engine' | 'role'>,
  verb: Readonly<Record<string, unknown>> = { do: 'state' },
): Promise<Record<string, unknown> | null> {
  return answerOf(engine.place.agentDir(role), verb);
}

/** The same for an agent by its folder. */
export async function answerOf(
  agentFolder: string,
  verb: Readonly<Record<string, unknown>>,
): Promise<Record<string, unknown> | null> {
  const folder = join(agentFolder, 'rehearsal');
  const named = await readFile(join(folder, 'steer.path'), 'utf8').catch(() => null);
  const line = await lineFrom(named?.trim() ?? join(folder, 'steer.sock'), `${JSON.stringify(verb)}\n`);
  const answer = JSON.parse(line ?? 'null') as Record<string, unknown> | null;
  if (answer === null || answer['ok'] === true) return answer;
  if (/cannot open over/.test(String(answer['error']))) return null;
  throw new Error(`Steering ${JSON.stringify(verb)}: ${String(answer['error'])}`);
}

/** The first line that is answered; null when nobody does, or the connection ends before. */
function lineFrom(socketPath: string, asked: string): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    let heard = '';
    const end = (): void => {
      socket.destroy();
      const cut = heard.indexOf('\n');
      resolve(cut < 0 ? null : heard.slice(0, cut));
    };
    socket.setEncoding('utf8').on('data', (text: string) => {
      heard += text;
      if (heard.includes('\n')) end();
    });
    socket.setTimeout(5000, end).on('error', end).on('close', end);
    socket.write(asked);
  });
}

/** Answers as a careful human does, who looks before each key and refuses what they did not ask for. */
async function answerDialog(scene: Scene): Promise<void> {
  // A copy mode takes the first Escape for itself.
  for (let press = 0; press < 4 && (await asks(scene)); press += 1) {
    await keys(scene, 'Escape');
    for (let look = 0; look < 20 && (await asks(scene)); look += 1) await lasts(25);
  }
}

const asks = async (scene: Scene): Promise<boolean> => (await stateOf(scene))?.['surface'] === 'dialog';

async function killAgent(scene: Scene): Promise<boolean> {
  const { provider } = scene.engine;
  const process_ = await provider.process({ agentDir: agentDir(scene) });
  // What was recorded may be of an agent that has ended, whose number somebody else has by now.
  if (process_ === null || (await provider.alive(process_)) !== 'alive') return false;
  try {
    process.kill(process_.pid, 'SIGKILL');
    return true;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
    return false;
  }
}

const keys = (scene: Scene, ...words: string[]): Promise<boolean> =>
  tmux(scene, 'send-keys', '-t', scene.pane, ...words);

/** False when the pane is gone, which it may be at any moment. */
async function tmux({ engine }: Scene, ...words: string[]): Promise<boolean> {
  try {
    await engine.server.run(...words);
    return true;
  } catch (error) {
    if (!(error instanceof Error && /can't find pane|not in a mode|no server|no current client/.test(error.message)))
      throw error;
    return false;
  }
}
