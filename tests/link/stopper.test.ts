import { expect, it } from 'vitest';
import { stopper, type StopSignal } from '../../src/link/stopper.ts';

const both: [string, () => { readonly signal: StopSignal; abort(): void }][] = [
  ['a stopper', stopper],
  ['an AbortController', () => new AbortController()],
];

it.each(both)('%s tells each listener once, and none that was taken away', (_what, make) => {
  const told: string[] = [];
  const { signal, ...rest } = pick(make());
  const away = (): number => told.push('away');
  signal.addEventListener('abort', () => told.push('first'));
  signal.addEventListener('abort', away);
  signal.addEventListener('abort', () => told.push('second'));
  signal.removeEventListener('abort', away);
  expect(signal.aborted).toBe(false);
  rest.abort();
  rest.abort();
  expect(signal.aborted).toBe(true);
  expect(told).toEqual(['first', 'second']);
});

it.each(both)('%s is aborted already when its listeners hear of it', (_what, make) => {
  const { signal, abort } = pick(make());
  let seen = false;
  signal.addEventListener('abort', () => {
    seen = signal.aborted;
  });
  abort();
  expect(seen).toBe(true);
});

/** The methods of an AbortController need their object. */
const pick = (made: { readonly signal: StopSignal; abort(): void }) => ({
  signal: made.signal,
  abort: () => {
    made.abort();
  },
});
