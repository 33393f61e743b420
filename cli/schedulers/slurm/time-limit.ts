const longestLead = 60;

/**
 * How long before its time limit a task is warned: a minute, which is enough to put on disk what is under way, or
 * a sixtieth of a short limit. SLURM looks every 30 s and sends the signal up to a minute earlier (sbatch(1), --signal):
 * with more, a task of a minute would have half of it to copy in.
 */
export function leadSeconds(time: string | undefined): number {
  const seconds = time === undefined ? undefined : secondsOf(time);
  return seconds === undefined ? longestLead : Math.max(1, Math.min(longestLead, Math.floor(seconds / 60)));
}

/** Seconds of a time limit as sbatch(1) takes it: minutes, m:s, h:m:s, d-h, d-h:m, d-h:m:s; undefined for any other. */
export function secondsOf(time: string): number | undefined {
  const [, days, rest = ''] = /^(?:(\d+)-)?(\d+(?::\d+){0,2})$/.exec(time.trim()) ?? [];
  if (rest === '') return undefined;
  const [first = 0, second = 0, third = 0] = rest.split(':').map(Number);
  if (days !== undefined) return Number(days) * 86_400 + first * 3600 + second * 60 + third;
  const isHours = rest.split(':').length === 3;
  return isHours ? first * 3600 + second * 60 + third : first * 60 + second;
}
