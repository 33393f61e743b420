/** 1,204 */
export function formatCount(count: number): string {
  return String(Math.trunc(count)).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `1 entry`, `1,204 entries`: a count with its noun. */
export function formatCounted(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/** `2 CPUs`, and how many threads where the user has said it. */
export function sayThreads(cpus: number, threads: number | undefined): string {
  const fixed = threads === undefined ? '' : `, ${formatCounted(threads, 'thread')}`;
  return `${formatCounted(cpus, 'CPU')}${fixed}`;
}

/** 8.0 GiB; whole bytes below one KiB. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];
  let [value, unit] = [bytes, 0];
  // What would be shown as 1024.0 is one of the next unit
  while (Math.abs(value) >= 1023.95 && unit < units.length - 1) [value, unit] = [value / 1024, unit + 1];
  return unit === 0 ? `${Math.round(value)} B` : `${value.toFixed(1)} ${units[unit]}`;
}

/** As SLURM writes times: [D-]HH:MM:SS; with tenths below a minute: 4.2 s. */
export function formatDuration(ms: number): string {
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  const two = (value: number) => String(value).padStart(2, '0');
  const days = Math.floor(seconds / 86_400);
  const clock = `${two(Math.floor(seconds / 3600) % 24)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return days > 0 ? `${days}-${clock}` : clock;
}
