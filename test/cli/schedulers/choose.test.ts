import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { chooseScheduler, type SchedulerChoice } from '../../../cli/schedulers/choose.ts';

let bin = '';

beforeEach(async () => {
  bin = await mkdtemp(join(tmpdir(), 'bcopy bin-'));
});

afterEach(() => rm(bin, { recursive: true }));

/** An sbatch that fails with these words, or one that is well when there are none. */
async function installSbatch(complaints: readonly string[] = []): Promise<void> {
  const words = complaints.map((line) => `echo '${line}' >&2`);
  const lines = ['#!/bin/sh', ...words, `exit ${complaints.length === 0 ? 0 : 1}`, ''];
  await writeFile(join(bin, 'sbatch'), lines.join('\n'));
  await chmod(join(bin, 'sbatch'), 0o755);
}

function choose(wanted: SchedulerChoice['wanted'], more: Record<string, string> = {}, note = vi.fn()) {
  return chooseScheduler({
    wanted,
    environment: { PATH: bin, ...more },
    supervisorPath: 'supervisor.js',
    note,
  });
}

const unconfigured = [
  'sbatch: error: resolve_ctls_from_dns_srv: res_nsearch error: Unknown host',
  'sbatch: error: fetch_config: DNS SRV lookup failed',
  'sbatch: error: _establish_config_source: failed to fetch config',
  'sbatch: fatal: Could not establish a configuration source',
];
const empty = [
  'sbatch: s_p_parse_file: file "/etc/slurm/slurm.conf" is empty',
  'sbatch: error: ClusterName needs to be specified',
  'sbatch: fatal: Unable to process configuration file',
];
const broken = [
  'sbatch: error: _parse_next_key: Parsing error at unrecognized key: Nodename1',
  'sbatch: fatal: Unable to process configuration file',
];
const unreachable = [
  'sbatch: error: fetch_config: failed to fetch remote configs: Unable to contact slurm controller',
  'sbatch: fatal: Could not establish a configuration source',
];

it('is SLURM where there is a cluster', async () => {
  await installSbatch();
  expect((await choose(undefined)).kind).toBe('slurm');
});

it('is this machine without sbatch, and says so', async () => {
  const note = vi.fn();
  expect((await choose(undefined, {}, note)).kind).toBe('local');
  expect(note).toHaveBeenCalledWith('sbatch is not on PATH; jobs run on this machine');
});

it.each([[unconfigured], [empty]])('is this machine when nobody configured a cluster: %j', async (words) => {
  await installSbatch(words);
  expect((await choose(undefined)).kind).toBe('local');
  expect((await choose(undefined, { SLURM_CONF: '/shared/slurm.conf' })).kind).toBe('slurm');
  await expect(choose('slurm')).rejects.toMatchObject({ kind: 'noScheduler' });
});

it.each([[broken], [unreachable]])('stays SLURM when its cluster is in trouble: %j', async (words) => {
  await installSbatch(words);
  expect((await choose(undefined)).kind).toBe('slurm');
});

it('is what was asked for', async () => {
  await expect(choose('slurm')).rejects.toMatchObject({ kind: 'noScheduler', exitCode: 20 });
  await installSbatch();
  expect((await choose('slurm')).kind).toBe('slurm');
  expect((await choose('local')).kind).toBe('local');
});
