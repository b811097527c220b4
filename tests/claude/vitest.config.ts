import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: new URL('../..', import.meta.url).pathname,
    include: ['tests/claude/**/*.test.ts'],
    // Claude Code takes 300 MB and most of a core at its start: one after another.
    maxWorkers: 1,
    fileParallelism: false,
    retry: process.env['CI'] === undefined ? 0 : 2,
    testTimeout: 180_000,
    // The first run fetches Claude Code.
    hookTimeout: 600_000,
  },
});
