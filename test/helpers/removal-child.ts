import { readFileSync, writeFileSync } from 'node:fs';
import { deserialize, serialize } from 'node:v8';
import './become-user.ts';
import { isOwnName } from '../../core/model/removal.ts';
import { Removal } from '../../core/storage/posix/removal.ts';
import { undoTrash } from '../../core/storage/posix/undo-trash.ts';
import type { RemovalWork } from './removal-work.ts';
import { removeNames } from './removal-work.ts';

/** Removes names from a destination, or brings them back, and writes down what became of them. */
const { request, paths } = deserialize(readFileSync(0)) as RemovalWork;
if (paths === undefined) writeFileSync(3, serialize(undoTrash(request.destination, request.run)?.kept));
else {
  const removal = new Removal({ ...request, isSafe: isOwnName });
  writeFileSync(3, serialize(removeNames(removal, paths)));
  removal.close();
}
