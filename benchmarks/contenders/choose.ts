/** Which programs are measured: ours, restic as the baseline, and what else is on the PATH. */
import type { Contender } from './contender';
import { ours } from './ours';
import { rclone, tar } from './rclone';
import { restic } from './restic';

export interface Choice {
  readonly contenders: readonly Contender[];
  /** What is not there, and what that means. */
  readonly leftOut: readonly string[];
}

/** `wanted`: names of those beside ours and restic; absent: all that are there. */
export function chooseContenders(wanted?: readonly string[]): Choice {
  const others: Readonly<Record<string, Contender | undefined>> = { tar: tar(), rclone: rclone() };
  const names = wanted ?? Object.keys(others);
  const unknown = names.find((name) => !(name in others));
  if (unknown !== undefined) {
    throw new Error(`\`--with\` must be of ${Object.keys(others).join(', ')}, got ${unknown}: name what is there`);
  }
  const baseline = restic();
  return {
    contenders: [ours(), baseline, ...names.map((name) => others[name])].filter((one) => one !== undefined),
    leftOut: [
      ...(baseline ? [] : ['restic, and with it every ratio: it is not on the PATH (Debian: apt-get install restic)']),
      ...names.filter((name) => !others[name]).map((name) => `${name}: what it needs is not on the PATH`),
    ],
  };
}
