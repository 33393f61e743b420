import { launch } from '../launch/launch.ts';

launch(`${__dirname}/main.packed`, exports, require, module, __filename, __dirname);
