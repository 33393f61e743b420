import inspector from 'node:inspector';
import { isMainThread } from 'node:worker_threads';

const controller = new AbortController();

/** Aborted by SIGUSR1, which says that the time limit is near: from the moment on when this file is loaded. */
export const warning = controller.signal;

if (isMainThread) {
  process.on('SIGUSR1', () => controller.abort());
  // Before that Node takes it for a wish to debug, and opens a port to everybody on this node
  if (inspector.url() !== undefined) {
    inspector.close();
    controller.abort();
  }
}
