import { launch } from '../../../launch/launch.ts';

launch(`${__dirname}/supervisor.packed`, exports, require, module, __filename, __dirname);
