import { expect, it } from 'vitest';
import { openEvidence } from '../../src/engine/evidence.ts';
import type { AgentProvider } from '../../src/engine/ports.ts';
import { crewOf, loopFrom, playedProvider, playedTerminal } from '../rig/ports.ts';
import { started } from '../rig/run.ts';

/** A feed whose provider counts its watches, each of which takes a moment to begin. */
function bench(over: Partial<AgentProvider> = {}) {
  const { loop } = loopFrom(started().run);
  const watches = { begun: 0, open: 0 };
  const evidence: AgentProvider['evidence'] = async () => {
    watches.begun += 1;
    await new Promise((resolve) => setImmediate(resolve));
    watches.open += 1;
    let isOpen = true;
    return () => {
      if (isOpen) watches.open -= 1;
      isOpen = false;
      return Promise.resolve();
    };
  };
  const crew = crewOf(loop, playedTerminal(), playedProvider({ evidence, ...over }));
  return { feed: openEvidence(crew, () => undefined), watches, evidence };
}

it('follows an agent once, however often and at once all is asked for', async () => {
  const { feed, watches } = bench();
  await Promise.all([feed.followAll(), feed.drain('worker'), feed.drain('worker')]);
  expect(watches.open).toBe(2);
  await feed.stop();
  expect(watches.open).toBe(0);
});

it('follows nobody any more once it has stopped, not even whoever was asked for just before', async () => {
  const { feed, watches } = bench();
  const asked = feed.drain('worker');
  await feed.stop();
  await asked;
  await feed.drain('worker');
  expect(watches.open).toBe(0);
});

it('follows an agent anew whose watch could not be begun', async () => {
  let isFull = false;
  const { feed, watches, evidence } = bench({
    evidence: (...asked) => (isFull ? Promise.reject(new Error('no watch is left')) : evidence(...asked)),
  });
  await feed.drain('worker');
  isFull = true;
  await expect(feed.drain('worker')).rejects.toThrow('no watch is left');
  isFull = false;
  await feed.followAll();
  expect(watches.open).toBe(2);
  await feed.stop();
});
