import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    include: ['tests/**/*.test.ts'],
    exclude: ['tests/claude/**', 'tests/long/**'],
    // Real tmux, git and processes: on two cores a third file uses the time in which the others wait.
    maxWorkers: 3,
    // Real processes on a loaded machine: in CI a test that fails is tried again before main is refused.
    retry: process.env['CI'] === undefined ? 0 : 2,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // Told by .ci/coverage.mjs, which adds what the built program runs in processes of its own.
    coverage: {
      provider: 'v8',
      include: ['src/**'],
      reporter: ['json'],
      reportsDirectory: 'coverage',
      reportOnFailure: true,
    },
  },
});
