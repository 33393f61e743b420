import { readFileSync, writeFileSync } from 'node:fs';
import { deserialize, serialize } from 'node:v8';
import './become-user.ts';
import { type LookRequest, lookAtTrees } from './look-at-trees.ts';
import { refuseCall } from './refuse-call.ts';

export type LookWork = {
  readonly request: LookRequest;
  readonly refused?: readonly [call: number, errno: number];
};

/** Looks at two trees and writes down what was found, where the kernel may lack a call, or a container refuse it. */
const { request, refused } = deserialize(readFileSync(0)) as LookWork;
if (refused !== undefined) refuseCall(...refused);
void lookAtTrees(request).then((found) => writeFileSync(3, serialize(found)));
