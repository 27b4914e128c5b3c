import type { BootUsage, DatabaseUsage, DrillUsage, VolumeUsage } from '../../../lib/planning/drill-cost';
import type { RecoveryPlanDocument } from '../../../lib/planning/plan-document';
import { RUN_TASK, STOP_TASKS } from '../boot-steps';
import type { StepReport } from '../contract';

/** How large something is that a drill made: of a database the class and the storage, of a volume what was written. */
export interface RestoredSize {
  readonly instanceClass?: string;
  readonly storageGib?: number;
  readonly files?: number;
  readonly bytes?: number;
}

interface Used {
  readonly plan?: RecoveryPlanDocument;
  readonly restored: readonly { readonly component: string; readonly size?: RestoredSize }[];
  readonly steps: readonly StepReport[];
  readonly endedAt: string;
  /** Size of the copy of Identity Server that a drill boots; absent: none. */
  readonly bootSize?: Omit<BootUsage, 'seconds'>;
}

/** What a drill used: each thing that it made, from the first step that was about it to the last. */
export function usageOf({ plan, restored, steps, endedAt, bootSize }: Used): DrillUsage {
  const booted = bootSize && bootSecondsOf(steps);
  const stepsOf = (name: string) => steps.filter(({ component }) => component === name);
  const sizeOf = (name: string) => restored.find(({ component }) => component === name)?.size ?? {};
  const volumes = (plan?.volumes ?? []).map(({ name }) => name);
  return {
    databases: (plan?.databases ?? []).flatMap(({ name }): DatabaseUsage[] => {
      const { instanceClass, storageGib } = sizeOf(name);
      const own = stepsOf(name);
      if (own.length === 0) return [];
      return [
        {
          component: name,
          ...(instanceClass === undefined ? {} : { instanceClass }),
          ...(storageGib === undefined ? {} : { storageGib }),
          seconds: (latest(own) - earliest(own)) / 1000,
        },
      ];
    }),
    volumes: volumes.flatMap((name): VolumeUsage[] => {
      const { files, bytes } = sizeOf(name);
      const own = stepsOf(name);
      if (own.length === 0 || files === undefined || bytes === undefined) return [];
      // All files are removed in one step, after the checks.
      return [{ component: name, files, bytes, seconds: (Date.parse(endedAt) - earliest(own)) / 1000 }];
    }),
    ...(bootSize && booted !== undefined ? { boot: { ...bootSize, seconds: booted } } : {}),
    functionSeconds: steps
      .filter(({ name, component }) => name === 'checks' || volumes.includes(component ?? ''))
      .reduce((sum, step) => sum + (Date.parse(step.endedAt) - Date.parse(step.startedAt)) / 1000, 0),
  };
}

/** From when the task was asked for; undefined: none was. */
function bootSecondsOf(steps: readonly StepReport[]): number | undefined {
  const run = steps.find(({ name }) => name === RUN_TASK);
  const stop = steps.find(({ name }) => name === STOP_TASKS);
  return run && stop && (Date.parse(stop.endedAt) - Date.parse(run.startedAt)) / 1000;
}

const earliest = (steps: readonly StepReport[]) => Math.min(...steps.map(({ startedAt }) => Date.parse(startedAt)));
const latest = (steps: readonly StepReport[]) => Math.max(...steps.map(({ endedAt }) => Date.parse(endedAt)));
