import { PosixStorage } from '../../core/storage/posix/posix-storage.ts';
import { makeTwoTrees, requestFor } from '../helpers/storage-trees.ts';
import { type OpenAs, type StorageCase, storageContract } from './storage.ts';
import { dividedFileContract } from './storage-divided.ts';
import { finishContract } from './storage-finish.ts';
import { obstacleContract } from './storage-obstacles.ts';

function openTrees(): StorageCase {
  const trees = makeTwoTrees();
  const open = ({ attempt = 1, restart = 0, pid = 7, ...more }: OpenAs = {}) =>
    new PosixStorage(requestFor(trees, { writer: { run: 'r1', attempt, restart, pid }, ...more }));
  return { ...trees, open };
}

storageContract('posix', openTrees);
obstacleContract('posix', openTrees);
dividedFileContract('posix', openTrees);
finishContract('posix', openTrees);
