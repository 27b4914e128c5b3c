/** From measurements to rows with ratios and targets. Pure. */
import { OURS } from '../contenders/ours';
import { pairRatios, spread } from '../measure/ratios';
import { type Operation, OPERATIONS, TIMED } from '../operations/names';
import type { RoundsOutcome } from '../operations/rounds';
import type { Row } from './results';
import { targetOf } from './targets';
import type { TreeSizeName } from '../tree/layout';

/** What one contender did in one operation, in the order of the rounds. */
export interface Measurements {
  readonly operation: Operation;
  readonly part?: string;
  readonly contender: string;
  readonly unit: Row['unit'];
  readonly values: readonly number[];
  readonly cpuSeconds?: readonly number[];
}

export function toRow(measured: Measurements, baseline: Measurements | undefined, tree: TreeSizeName): Row {
  const { operation, part, contender, unit, values } = measured;
  const compared = baseline !== undefined && baseline.contender !== contender ? baseline : undefined;
  const row: Row = {
    operation,
    ...(part === undefined ? {} : { part }),
    contender,
    unit,
    values,
    value: spread(values),
    // A slow contender took part in the first rounds only.
    ...(compared ? { ratio: pairRatios(values, compared.values.slice(0, values.length)) } : {}),
    ...(compared?.cpuSeconds && measured.cpuSeconds
      ? { cpuRatio: pairRatios(measured.cpuSeconds, compared.cpuSeconds.slice(0, measured.cpuSeconds.length)) }
      : {}),
  };
  const target = contender === OURS ? targetOf(operation, part, tree) : undefined;
  if (target === undefined) return row;
  const reached = target.of === 'ratio' ? row.ratio?.median : row.value.median;
  return reached === undefined ? row : { ...row, target: { ...target, met: reached <= target.atMost } };
}

/** Ordered by operation; within one as they were measured. `baseline`: name of whom the others are compared with. */
export function toRows(measurements: readonly Measurements[], baseline: string, tree: TreeSizeName): Row[] {
  const place = ({ operation }: Measurements) => OPERATIONS.indexOf(operation);
  return measurements
    .toSorted((a, b) => place(a) - place(b))
    .map((measured) => {
      const { operation, part } = measured;
      const same = (other: Measurements) =>
        other.operation === operation && other.part === part && other.contender === baseline;
      return toRow(measured, measurements.find(same), tree);
    });
}

/** `wanted`: of the operations that one full export is enough for, those that are asked for. */
export function fromRounds({ samples, stored }: RoundsOutcome, wanted: ReadonlySet<Operation>): Measurements[] {
  const measurements: Measurements[] = [];
  for (const [contender, bytes] of Object.entries(stored)) {
    for (const operation of TIMED) {
      const own = samples.filter((sample) => sample.operation === operation && sample.contender === contender);
      if (own.length === 0) continue;
      if (wanted.has(operation)) {
        const values = own.map(({ seconds }) => seconds);
        const cpuSeconds = own.map((sample) => sample.cpuSeconds);
        measurements.push({ operation, contender, unit: 'seconds', values, cpuSeconds });
      }
      if (operation === 'full' && wanted.has('memory')) {
        const peaks = own.map(({ peakBytes }) => peakBytes);
        measurements.push({ operation: 'memory', contender, unit: 'bytes', values: peaks });
      }
    }
    if (wanted.has('stored')) measurements.push({ operation: 'stored', contender, unit: 'bytes', values: [bytes] });
  }
  return measurements;
}
