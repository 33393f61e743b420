#!/usr/bin/env -S -u NODE_EXTRA_CA_CERTS node
import { launch } from '../launch/launch.ts';

// What `bcopy` is: main.ts, packed
launch(`${__dirname}/main.packed`, exports, require, module, __filename, __dirname);
