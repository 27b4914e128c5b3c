/** The newest state of a component that can be restored. Pure; used by `status` and by the watch. */
import type { Technique } from '../../lib/planning/plan-document';
import type { ComponentPoints } from '../drill/choose-recovery-set';
import { usableSpan } from '../drill/restorable-window';

export interface Newest {
  readonly id: string;
  readonly technique: Technique;
  readonly moment: string;
  readonly ageSeconds: number;
}

export function newestOf({ points, windows = [] }: ComponentPoints, now: Date): Newest | undefined {
  const states = [
    ...points
      .filter(({ unusable }) => unusable === undefined)
      .map(({ id, technique, moment }) => ({ id, technique, ms: Date.parse(moment) })),
    ...windows.flatMap(({ id, technique, ...window }) => {
      const span = usableSpan(window, now.getTime());
      return 'unusable' in span ? [] : [{ id, technique, ms: span.latest }];
    }),
  ];
  const [newest] = states.sort((a, b) => b.ms - a.ms);
  return (
    newest && {
      id: newest.id,
      technique: newest.technique,
      moment: new Date(newest.ms).toISOString(),
      ageSeconds: ageSecondsOf(newest.ms, now),
    }
  );
}

/** Not below 0: clocks differ a little. */
export const ageSecondsOf = (ms: number, now: Date) => Math.max(0, Math.round((now.getTime() - ms) / 1000));
