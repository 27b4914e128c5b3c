/** How far two pages go on with the same lines, found by comparing memory. Pure. */

export interface Place {
  readonly lines: Buffer;
  readonly at: number;
}

/** Neighbours of what differs differ too, often: the search begins small, and doubles. */
const FIRST_STEP = 256;
const LARGEST_STEP = 64 * 1024;
const NEWLINE = 10;

/** Bytes of the whole lines that both have from where they are. Both stand at the beginning of a line, and end with one. */
export function equalLines(a: Place, b: Place): number {
  const most = Math.min(a.lines.length - a.at, b.lines.length - b.at);
  const isSame = (from: number, to: number) =>
    a.lines.compare(b.lines, b.at + from, b.at + to, a.at + from, a.at + to) === 0;
  let same = 0;
  let step = FIRST_STEP;
  while (same < most && isSame(same, Math.min(same + step, most))) {
    same = Math.min(same + step, most);
    step = Math.min(step * 2, LARGEST_STEP);
  }
  if (same === most) return most;
  // The first difference is in this step.
  let [low, high] = [same, Math.min(same + step, most)];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (isSame(low, middle)) low = middle;
    else high = middle;
  }
  return low === 0 ? 0 : Math.max(0, a.lines.lastIndexOf(NEWLINE, a.at + low - 1) + 1 - a.at);
}
