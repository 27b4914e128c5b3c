/**
 * Chooses what is restored together: one point per component, of one moment. Pure.
 *
 * Every point anchors a candidate set: of each other component the point nearest to it in time (of two equally near ones
 * the newer). The best candidate is the one that, in this order,
 *
 * 1. loses no more than the objective allows (its oldest moment is within the RPO): a set that fits together but is too
 *    old answers another question than the one that was asked;
 * 2. fits together: its skew is at most `toleranceSeconds`;
 * 3. is the newest, by its oldest moment: what is lost is counted from there;
 * 4. has the smallest skew.
 */

export interface RecoverySetInput {
  readonly components: readonly ComponentPoints[];
  /** When the disaster is taken to have happened, ISO 8601; points after it are not used. */
  readonly now: string;
  readonly rpoSeconds: number;
  /**
   * Skew up to which two sets count as equally consistent. Default: 900, one interval of the default export schedule;
   * below it a newer set saves more than a tighter one.
   */
  readonly toleranceSeconds?: number;
}

export interface ComponentPoints {
  readonly component: string;
  readonly points: readonly Point[];
}

/** A recovery point of a database, or an exported point of a volume. */
export interface Point {
  /** Recovery point ARN, or manifest key. */
  readonly id: string;
  /** The moment whose state it holds, ISO 8601. */
  readonly moment: string;
  /** Why it cannot be used; absent: it can. */
  readonly unusable?: string;
}

export interface RecoverySet {
  readonly chosen: readonly ChosenPoint[];
  /** Components without any usable point. */
  readonly missing: readonly { readonly component: string; readonly reason: string }[];
  /** Newer than what was chosen, and why it was not; oldest reasons are left off where they are many. */
  readonly passedOver: readonly { readonly component: string; readonly id: string; readonly reason: string }[];
  /** Newest minus oldest moment chosen; absent when nothing was. */
  readonly skewSeconds?: number;
  /** The oldest moment chosen, from which the loss is counted. */
  readonly moment?: string;
}

export interface ChosenPoint {
  readonly component: string;
  readonly id: string;
  readonly moment: string;
}

const DEFAULT_TOLERANCE_SECONDS = 900;

/** More than this in a report is noise. */
const PASSED_OVER_PER_COMPONENT = 5;

export function chooseRecoverySet(input: RecoverySetInput): RecoverySet {
  const now = Date.parse(input.now);
  const usable = input.components.map(({ component, points }) => ({
    component,
    points: points
      .filter((point) => point.unusable === undefined)
      .map(({ id, moment }) => ({ component, id, moment, ms: Date.parse(moment) }))
      .filter(({ ms }) => ms <= now),
  }));
  const present = usable.filter(({ points }) => points.length > 0);
  const missing = input.components
    .filter(({ component }) => !present.some((each) => each.component === component))
    .map(({ component, points }) => ({ component, reason: whyNone(points, now) }));
  if (present.length === 0) return { chosen: [], missing, passedOver: [] };

  const rank = ranking(now, input.rpoSeconds, input.toleranceSeconds ?? DEFAULT_TOLERANCE_SECONDS);
  const [best] = present.flatMap(({ points }) => points.map((anchor) => candidate(anchor, present))).sort(rank);
  if (best === undefined) return { chosen: [], missing, passedOver: [] };

  const chosen = best.points.map(({ component, id, moment }) => ({ component, id, moment }));
  return {
    chosen,
    missing,
    passedOver: input.components.flatMap((each) => passedOver(each, chosen, now)),
    skewSeconds: (best.newest - best.oldest) / 1000,
    moment: new Date(best.oldest).toISOString(),
  };
}

interface TimedPoint extends ChosenPoint {
  readonly ms: number;
}

interface Candidate {
  readonly points: readonly TimedPoint[];
  readonly oldest: number;
  readonly newest: number;
}

function candidate(
  anchor: TimedPoint,
  components: readonly { readonly component: string; readonly points: readonly TimedPoint[] }[],
): Candidate {
  const points = components.flatMap(({ component, points }) =>
    component === anchor.component ? [anchor] : nearest(points, anchor.ms),
  );
  const moments = points.map(({ ms }) => ms);
  return { points, oldest: Math.min(...moments), newest: Math.max(...moments) };
}

function nearest(points: readonly TimedPoint[], ms: number): TimedPoint[] {
  return [...points].sort((a, b) => Math.abs(a.ms - ms) - Math.abs(b.ms - ms) || b.ms - a.ms).slice(0, 1);
}

function ranking(now: number, rpoSeconds: number, toleranceSeconds: number) {
  const tooOld = (set: Candidate) => Number(now - set.oldest > rpoSeconds * 1000);
  const skew = (set: Candidate) => set.newest - set.oldest;
  const apart = (set: Candidate) => Number(skew(set) > toleranceSeconds * 1000);
  return (a: Candidate, b: Candidate) =>
    tooOld(a) - tooOld(b) || apart(a) - apart(b) || b.oldest - a.oldest || skew(a) - skew(b);
}

function whyNone(points: readonly Point[], now: number): string {
  if (points.length === 0) return 'there is no point at this site: find out whether its backups and copies run';
  const [newest] = [...points].sort((a, b) => Date.parse(b.moment) - Date.parse(a.moment));
  return `none of its ${points.length} points can be used; the newest: ${
    newest?.unusable ?? (newest !== undefined && Date.parse(newest.moment) > now ? 'it is later than the drill' : '')
  }`;
}

function passedOver({ component, points }: ComponentPoints, chosen: readonly ChosenPoint[], now: number) {
  const own = chosen.find((each) => each.component === component);
  return points
    .filter(({ moment }) => own === undefined || Date.parse(moment) > Date.parse(own.moment))
    .sort((a, b) => Date.parse(b.moment) - Date.parse(a.moment))
    .slice(0, PASSED_OVER_PER_COMPONENT)
    .map((point) => ({
      component,
      id: point.id,
      reason:
        point.unusable ??
        (Date.parse(point.moment) > now
          ? 'it is later than the drill'
          : 'no points of the other components are as near to it in time'),
    }));
}
