import { parentPort, workerData } from 'node:worker_threads';
import { tapeChunks } from '../core/run/tape-chunk.ts';
import { answerStretches } from '../core/storage/posix/stretch-thread.ts';

// The program of a thread that helps with the scan: it makes lines of the tape, and its parent puts them in order
answerStretches(parentPort!, workerData, tapeChunks);
