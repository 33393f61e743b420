import type { Writable } from 'node:stream';
import { SingleBar } from 'cli-progress';
import type { Account } from '../../core/model/account.ts';
import type { Totals } from '../../core/model/plan.ts';
import { formatBytes, formatCount, formatDuration } from '../../core/model/units.ts';

type Terminal = Writable & { readonly isTTY?: boolean };

/** Shows how far something is, on a terminal only; elsewhere it says nothing. */
export type Progress<T> = { show(facts: T): void; end(): void };

const silent = { show: () => undefined, end: () => undefined };

export function scanProgress(terminal: Terminal): Progress<Totals> {
  if (terminal.isTTY !== true) return silent;
  const bar = newBar(terminal, 'scanning: {entries} entries, {bytes}');
  return {
    show: ({ entries, bytes }) =>
      bar.update(entries, { entries: formatCount(entries), bytes: formatBytes(bytes) }),
    end: () => bar.stop(),
  };
}

export type CopyFacts = {
  readonly account: Account;
  readonly phase: string;
  readonly remainingMs: number | undefined;
};

export function copyProgress(terminal: Terminal, total: number): Progress<CopyFacts> {
  if (terminal.isTTY !== true) return silent;
  const bar = newBar(
    terminal,
    '{phase} [{bar}] {percentage}% {done}/{planned} entries, {bytes}, {remaining}',
    total,
  );
  return {
    show: ({ account, phase, remainingMs }) =>
      bar.update(total - account.left.entries, {
        phase,
        done: formatCount(total - account.left.entries),
        planned: formatCount(total),
        bytes: formatBytes(account.copied.bytes),
        remaining: remainingMs === undefined ? '' : `${formatDuration(remainingMs)} left`,
      }),
    end: () => bar.stop(),
  };
}

function newBar(stream: Terminal, format: string, total = 0): SingleBar {
  const bar = new SingleBar({
    stream: stream as NodeJS.WriteStream,
    format,
    hideCursor: true,
    clearOnComplete: true,
    barCompleteChar: '#',
    barIncompleteChar: '.',
  });
  bar.start(total, 0, {
    entries: '0',
    bytes: '0 B',
    phase: '',
    done: '0',
    planned: formatCount(total),
    remaining: '',
  });
  return bar;
}
