import { parentPort, workerData } from 'node:worker_threads';
import { answerProofs } from '../core/storage/posix/proof-thread.ts';

// The program of a thread that compares or hashes files
void answerProofs(parentPort!, workerData);
