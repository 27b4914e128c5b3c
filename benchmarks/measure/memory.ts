/** The peak memory of a process and everything below it, as the kernel keeps it. */
import { readFileSync } from 'node:fs';

/** The kernel keeps each process's own peak, so a look misses only what is gained between the last look and the end. */
const LOOK_EVERY_MS = 50;

export interface MemoryWatch {
  /** Bytes: the sum of the peaks of all processes seen, which for one process is its peak. */
  stop(): number;
}

/** Watches what `pid`, a shell, starts; the shell itself is not counted. */
export function watchMemory(pid: number): MemoryWatch {
  const peaks = new Map<number, number>();
  const look = () => {
    for (const child of descendants(pid)) {
      const peak = peakOf(child);
      if (peak !== undefined) peaks.set(child, peak);
    }
  };
  const timer = setInterval(look, LOOK_EVERY_MS);
  return {
    stop: () => {
      clearInterval(timer);
      return [...peaks.values()].reduce((sum, peak) => sum + peak, 0);
    },
  };
}

function descendants(pid: number): number[] {
  const children = read(`/proc/${pid}/task/${pid}/children`)?.trim() ?? '';
  if (children === '') return [];
  return children.split(' ').flatMap((child) => [Number(child), ...descendants(Number(child))]);
}

function peakOf(pid: number): number | undefined {
  const match = /^VmHWM:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/status`) ?? '');
  return match ? Number(match[1]) * 1024 : undefined;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined; // It has ended meanwhile.
  }
}
