import type { Reporter, TestModule } from 'vitest/node';

/** Ends the output with one line that people and programs can read: `N passed, N failed, N skipped`. */
class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const counts = { passed: 0, failed: 0, skipped: 0 };
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        counts[state === 'passed' ? 'passed' : state === 'failed' ? 'failed' : 'skipped']++;
      }
      // A module that could not be loaded has no tests to fail
      if (module.errors().length > 0) counts.failed++;
    }
    counts.failed += errors.length;
    setImmediate(() =>
      console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`),
    );
  }
}

// biome-ignore lint/style/noDefaultExport: vitest loads a reporter by its default export
export default ClosingLine;
