import { defineConfig } from 'vitest/config';

// The long proofs: one at a time, for as long as they take.
export default defineConfig({
  test: {
    root: new URL('../..', import.meta.url).pathname,
    include: ['tests/long/**/*.test.ts'],
    maxWorkers: 1,
    testTimeout: 3 * 60 * 60_000,
    hookTimeout: 60_000,
  },
});
