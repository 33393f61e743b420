import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/helpers/install.ts'],
    reporters: ['default', './test/helpers/closing-line.ts'],
    // A test waits for processes, not for this one; the machine's load decides how long
    testTimeout: 120_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
    // Real daemons on a busy machine: there a second go tells a fault of the code from one of the moment
    retry: process.env.CI === undefined ? 0 : 1,
  },
});
