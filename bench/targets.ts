import { type CopySummary, ratio } from './copy-report.ts';
import { labels } from './launch.ts';

const { whole, worker, cp, rsync, floor, unnamedFloor } = labels;

/** What bcopy wants to reach on a workload, beside what it has reached. */
export function formatTargets(workload: string, all: readonly CopySummary[]): string[] {
  const line = (label: string, other: string, measure: 'seconds' | 'syncedSeconds' | 'cpu', limit: number) =>
    formatTarget({
      what: `${workload} ${nameOf(label)}${tailOf(measure)} / ${other}`,
      value: ratio(all, label, other, measure),
      limit,
    });
  const wanted: Record<string, () => (string | undefined)[]> = {
    SMALL: manySmall,
    TREE: manySmall,
    BIG: () => [line(whole, cp, 'syncedSeconds', 0.9), line(whole, rsync, 'syncedSeconds', 0.3)],
    MIX: () => [line(whole, cp, 'seconds', 0.9), line(whole, cp, 'syncedSeconds', 0.9)],
  };
  const lines = [...(wanted[workload]?.() ?? []), memoryLine(workload, all)];
  return lines.filter((one) => one !== undefined);

  function manySmall(): (string | undefined)[] {
    const peer = fastestPeer(all);
    return [
      line(worker, floor, 'cpu', 1.35),
      peer === undefined ? undefined : line(worker, peer, 'seconds', 1),
      line(whole, cp, 'seconds', 0.9),
      line(whole, cp, 'syncedSeconds', 0.9),
      line(whole, rsync, 'seconds', 0.75),
      line(whole, rsync, 'syncedSeconds', 0.75),
    ];
  }
}

function nameOf(label: string): string {
  return label.replace('bcopy, ', '');
}

function tailOf(measure: 'seconds' | 'syncedSeconds' | 'cpu'): string {
  return { seconds: '', syncedSeconds: ', wall + sync', cpu: ', CPU' }[measure];
}

/** The floor is no peer: it has no scan, and cannot go on after a fault. */
function fastestPeer(all: readonly CopySummary[]): string | undefined {
  const peers = all.filter(
    ({ label }) => ![whole, worker, floor, unnamedFloor].includes(label as typeof whole),
  );
  return peers.toSorted((a, b) => a.seconds.median - b.seconds.median)[0]?.label;
}

function memoryLine(workload: string, all: readonly CopySummary[]): string | undefined {
  const peak = all.find(({ label }) => label === worker)?.megabytes.max;
  return formatTarget({ what: `${workload} worker, peak MB`, value: peak, limit: 200 });
}

function formatTarget(target: {
  what: string;
  value: number | undefined;
  limit: number;
}): string | undefined {
  const { what, value, limit } = target;
  if (value === undefined) return undefined;
  const shown = value.toFixed(limit < 100 ? 2 : 0);
  return `${what}: ${shown} (wanted <= ${limit})${value <= limit ? '' : ', missed'}`;
}
