/** What many measurements say together. Pure. */

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export function spread(values: readonly number[]): Spread {
  if (values.length === 0) throw new RangeError('`values` must have at least one value, got none');
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  return { median, min: sorted[0]!, max: sorted.at(-1)! };
}

/**
 * The spread of the ratios of pairs that were measured one right after the other. What slows the machine slows both of a
 * pair, so it leaves their ratio alone; the ratio of two medians would not have this.
 */
export function pairRatios(ours: readonly number[], theirs: readonly number[]): Spread {
  if (ours.length !== theirs.length) {
    throw new RangeError(`pairs must have both halves, got ${ours.length} and ${theirs.length} measurements`);
  }
  return spread(ours.map((value, index) => value / theirs[index]!));
}
