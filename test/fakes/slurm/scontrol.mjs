import { complaint, readOptions } from './options.mjs';
import { findRecords, joinWaiting, readId } from './records.mjs';
import { failure, knob, okay, spendKnob, unreachable } from './state.mjs';
import { expandPattern } from './task-script.mjs';

const table = [
  ['oneliner', 'o', false],
  ['details', 'd', false],
];
const noValue = 4294967294;

function config() {
  const settings = [
    ...[
      [
        'AccountingStorageType',
        knob('accounting-off') === undefined ? 'accounting_storage/slurmdbd' : 'accounting_storage/none',
      ],
    ],
    ...[
      ['ClusterName', 'fake'],
      ['EnforcePartLimits', 'NO'],
      ['JobFileAppend', '0'],
      ['JobRequeue', '1'],
    ],
    ...[
      ['KillWait', '1 sec'],
      ['MaxArraySize', knob('max-array-size') ?? '1001'],
      ['MaxJobCount', '10000'],
    ],
    ...[
      ['MessageTimeout', '10 sec'],
      ['MinJobAge', '300 sec'],
      ['SLURM_VERSION', '22.05.8'],
      ['TmpFS', '/tmp'],
    ],
  ];
  const date = new Date().toISOString().slice(0, 19);
  const lines = settings.map(([name, value]) => `${name.padEnd(23)} = ${value}`);
  return okay(
    `${[`Configuration data as of ${date}`, ...lines, '', 'Slurmctld(primary) at fake is UP'].join('\n')}\n`,
  );
}

const showTime = (ms) => (ms === undefined ? 'Unknown' : new Date(ms).toISOString().slice(0, 19));

/** The fields that a copy tool may read, in SLURM's order. */
function record(job, task) {
  const options = new Map(job.options);
  const output = (pattern) => {
    const name = expandPattern(pattern, job, {
      ...task,
      task: task.task === null || task.label ? noValue : task.task,
    });
    return name.startsWith('/') ? name : `${job.directory}/${name}`;
  };
  const out = options.get('output') ?? (job.isArray ? 'slurm-%A_%a.out' : 'slurm-%j.out');
  const array = [
    ['ArrayJobId', job.id],
    ['ArrayTaskId', task.label ?? task.task],
  ];
  if (job.throttle > 0) array.push(['ArrayTaskThrottle', job.throttle]);
  const dependency = job.dependencies.map(({ kind, ids }) => `${kind}:${ids.join(':')}`).join(',');
  const fields = [
    ...[['JobId', task.raw], ...(job.isArray ? array : []), ['JobName', job.name]],
    ...[
      ['UserId', `${job.user}(${job.uid})`],
      ['Account', options.get('account') ?? '(null)'],
    ],
    ...[
      ['QOS', options.get('qos') ?? '(null)'],
      ['JobState', task.shown],
      ['Reason', task.reason],
    ],
    ...[
      ['Dependency', (task.reason === 'Dependency' && dependency) || '(null)'],
      ['Requeue', 1],
    ],
    ...[
      ['Restarts', task.restarts],
      ['BatchFlag', 1],
      ['Reboot', 0],
      ['ExitCode', task.exit],
    ],
    ...[
      ['TimeLimit', options.get('time') ?? 'UNLIMITED'],
      ['SubmitTime', showTime(job.submitted)],
    ],
    ...[
      ['StartTime', showTime(task.started)],
      ['EndTime', showTime(task.ended)],
      ['Partition', job.partition],
    ],
    ...[['NodeList', task.node], ...(task.node ? [['BatchHost', task.node]] : []), ['NumNodes', 1]],
    ...[
      ['CPUs/Task', options.get('cpus-per-task') ?? 1],
      ['Features', options.get('constraint') ?? '(null)'],
    ],
    ...[
      ['Command', job.command ?? '(null)'],
      ['WorkDir', job.directory],
      ['StdErr', output(options.get('error') ?? out)],
    ],
    ...[
      ['StdIn', '/dev/null'],
      ['StdOut', output(out)],
      ['Power', ''],
    ],
  ];
  return fields.map(([name, value]) => `${name}=${value}`);
}

function showJob(text, isOneLine) {
  const id = text === undefined ? undefined : readId(text);
  if (text !== undefined && !id) return failure(1, 'scontrol_print_job error: Invalid job id specified');
  if (spendKnob('busy')) return failure(1, `slurm_load_jobs error: ${unreachable}`);
  const all = findRecords(id && [{ id: id.id }]).filter(({ tasks }) => tasks.length > 0);
  if (id && all.length === 0) return failure(1, 'slurm_load_jobs error: Invalid job id specified');
  const asked = (task) => id?.task === undefined || task.task === id.task;
  const found = all.flatMap(({ job, tasks }) =>
    (id?.task === undefined ? joinWaiting(job, tasks) : tasks.filter(asked)).map((task) => record(job, task)),
  );
  if (found.length === 0)
    return {
      exitCode: id ? 1 : 0,
      stdout: id ? `Job ${text} not found\n` : 'No jobs in the system\n',
      stderr: '',
    };
  return okay(
    found.map((fields) => (isOneLine ? `${fields.join(' ')} \n` : `${fields.join('\n   ')}\n\n`)).join(''),
  );
}

/** `scontrol show config` and `scontrol [-o] show job [ID]`. */
export function scontrol(args) {
  const { options, words, wrong } = readOptions(table, args, false);
  if (wrong) return failure(1, ...complaint('scontrol', wrong));
  if (words[0] === 'show' && words[1] === 'config') {
    return spendKnob('busy') ? failure(1, `slurm_load_ctl_conf error: ${unreachable}`) : config();
  }
  if (words[0] === 'show' && /^jobs?$/.test(words[1])) return showJob(words[2], options.has('oneliner'));
  return failure(1, `invalid keyword: ${words.join(' ')}`);
}
