import { launch } from '../launch/launch.ts';

launch(`${__dirname}/continue.packed`, exports, require, module, __filename, __dirname);
