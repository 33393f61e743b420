import { BcopyError } from '../core/model/errors.ts';
import { formatError } from './output/errors.ts';
import { chooseScheduler } from './schedulers/choose.ts';
import { continueRun } from './steps/continue-run.ts';
import { readRun } from './steps/find-run.ts';
import { packagePaths } from './steps/package-paths.ts';

// `continue.js RUN ATTEMPT`, in the directory where the run was made. The finish job starts it when something is left.

const { version, supervisorBundle: supervisorPath } = packagePaths();
// For an end that nobody has foreseen
process.exitCode = 1;
void main(process.argv.slice(2))
  .catch((error: unknown) => {
    process.stderr.write(formatError(error, version));
    return error instanceof BcopyError ? error.exitCode : 1;
  })
  .then((code) => {
    process.exitCode = code;
  });

async function main([runId = '', attempt = '']: readonly string[]): Promise<number> {
  const note = (message: string) => void process.stdout.write(`${message}\n`);
  const { env: environment } = process;
  const scheduler = async () => {
    const wanted = (await readRun(runId)).attempts.at(-1)?.scheduler;
    return chooseScheduler({ wanted, environment, supervisorPath, note });
  };
  const next = await continueRun({ runId, attempt: Number(attempt), scheduler, environment, version });
  if (next === undefined) note('another attempt was made meanwhile');
  else if (next.kind === 'whole') note('nothing is to be removed');
  else if (next.kind === 'ends') note(`it does not go on by itself: ${next.why}`);
  else note(`attempt ${next.attempt} goes on with it as job ${next.job}`);
  return 0;
}
