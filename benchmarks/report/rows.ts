/** From measurements to rows with ratios and targets. Pure. */
import { OURS } from '../contenders/ours';
import { pairRatios, spread } from '../measure/ratios';
import type { Operation } from '../operations/names';
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

/** `baseline`: name of the contender that the others are compared with. */
export function toRows(measurements: readonly Measurements[], baseline: string, tree: TreeSizeName): Row[] {
  return measurements.map((measured) =>
    toRow(
      measured,
      measurements.find(
        ({ operation, part, contender }) =>
          operation === measured.operation && part === measured.part && contender === baseline,
      ),
      tree,
    ),
  );
}
