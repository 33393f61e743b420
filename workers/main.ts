// Before all else, which takes its time
import './warning.ts';
import { setFlagsFromString } from 'node:v8';
import { isMainThread, parentPort, workerData } from 'node:worker_threads';

// What a task or finish does is made ready in the main thread alone, what a thread does in threads: all of it would take longer than the rest

void (isMainThread ? beginJob() : beginThread());

async function beginJob(): Promise<void> {
  // Groups and answers are garbage soon: the space for new objects, of which V8 would make more and more, stays as it is
  setFlagsFromString('--semi-space-growth-factor=1');
  // For an end that nobody has foreseen
  process.exitCode = 1;
  const { runJob } = await import('./job.ts');
  process.exitCode = await runJob(process.argv.slice(2), new URL(import.meta.url));
}

async function beginThread(): Promise<void> {
  if ('comparison' in workerData) {
    const { answerComparisons } = await import('../core/storage/posix/compare-thread.ts');
    await answerComparisons(parentPort!, workerData.comparison);
  } else if ('unlinking' in workerData) {
    const { answerUnlinks } = await import('../core/storage/posix/unlinker.ts');
    answerUnlinks(parentPort!, workerData.unlinking);
  } else {
    const { answerRequests } = await import('./engine.ts');
    if (workerData.hashes === true) {
      const { prepareDigests } = await import('../core/storage/posix/content-digest.ts');
      await prepareDigests();
    }
    answerRequests(parentPort!, workerData);
  }
}
