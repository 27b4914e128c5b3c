/**
 * Chooses what is restored together: one state per component, of one moment. Pure.
 *
 * A state is a point (a recovery point, an export) or any second of a window (point-in-time recovery). Every point and the
 * end of every window anchors a candidate set: of each other component the state nearest to it in time (of two equally
 * near ones that of a window, then the newer). So a window gives the very moment of an export that lies within it, else the
 * nearest moment inside, and points are the fallback where no window is as near. The best candidate is the one that, in
 * this order,
 *
 * 1. loses no more than the objective allows (its oldest moment is within the RPO): a set that fits together but is too
 *    old answers another question than the one that was asked;
 * 2. fits together: its skew is at most `toleranceSeconds`;
 * 3. is the newest, by its oldest moment: what is lost is counted from there;
 * 4. has the smallest skew;
 * 5. is of windows rather than of points.
 */
import type { Technique } from '../../lib/planning/plan-document';
import type { PassedOver } from './contract';
import { nearestIn, type RestorableWindow, type Span, usableSpan } from './restorable-window';

export interface RecoverySetInput {
  readonly components: readonly ComponentPoints[];
  /** When the disaster is taken to have happened, ISO 8601; what is after it is not used. */
  readonly now: string;
  /** What `now` is called in reasons. Default: the drill. */
  readonly nowIs?: string;
  /** Id of a point: its component is restored from that one alone. */
  readonly pinned?: string;
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
  /** What point-in-time recovery offers. Default: nothing. */
  readonly windows?: readonly RestorableWindow[];
}

/** A recovery point of a database, or an exported point of a volume. */
export interface Point {
  /** Recovery point ARN, or manifest key. */
  readonly id: string;
  readonly technique: Technique;
  /** The moment whose state it holds, ISO 8601. */
  readonly moment: string;
  /** Why it cannot be used; absent: it can. */
  readonly unusable?: string;
  /** Why the lock of the vault does not protect it as it protects others; absent: it does, or there is no lock. */
  readonly outsideLock?: string;
  /** Somebody else may have made it. */
  readonly notAuthentic?: true;
}

export interface RecoverySet {
  readonly chosen: readonly ChosenPoint[];
  /** Components without anything usable. */
  readonly missing: readonly { readonly component: string; readonly reason: string }[];
  /**
   * Windows that were not used, and points newer than what was chosen; and why. Oldest reasons are left off where they
   * are many.
   */
  readonly passedOver: readonly PassedOver[];
  /** Newest minus oldest moment chosen; absent when nothing was. */
  readonly skewSeconds?: number;
  /** The oldest moment chosen, from which the loss is counted. */
  readonly moment?: string;
}

export interface ChosenPoint {
  readonly component: string;
  /** Recovery point ARN, manifest key, or ARN of the automated backup. */
  readonly id: string;
  readonly technique: Technique;
  readonly moment: string;
  /** `moment` is the last that a window has; absent: it is another one, or there is no window. */
  readonly latest?: true;
  /** As of the point. */
  readonly outsideLock?: string;
}

const DEFAULT_TOLERANCE_SECONDS = 900;

/** More than this in a report is noise. */
const PASSED_OVER_PER_COMPONENT = 5;

export function chooseRecoverySet(input: RecoverySetInput): RecoverySet {
  const now = Date.parse(input.now);
  const tooLate = `it is later than ${input.nowIs ?? 'the drill'}`;
  const components = input.components.map((each) => preferLocked(pin(each, input.pinned), now, input.rpoSeconds));
  const usable = components.map((each) => usableStates(each, now));
  const present = usable.filter(({ anchors }) => anchors.length > 0);
  const missing = components
    .filter(({ component }) => !present.some((each) => each.component === component))
    .map((each) => ({ component: each.component, reason: whyNone(each, now, tooLate) }));
  if (present.length === 0) return { chosen: [], missing, passedOver: [] };

  const rank = ranking(now, input.rpoSeconds, input.toleranceSeconds ?? DEFAULT_TOLERANCE_SECONDS);
  const [best] = present.flatMap(({ anchors }) => anchors.map((anchor) => candidate(anchor, present))).sort(rank);
  if (best === undefined) return { chosen: [], missing, passedOver: [] };

  const chosen = best.states.map(({ component, id, technique, ms, atEnd, outsideLock }) => ({
    component,
    id,
    technique,
    moment: new Date(ms).toISOString(),
    ...(atEnd ? { latest: true as const } : {}),
    ...(outsideLock === undefined ? {} : { outsideLock }),
  }));
  return {
    chosen,
    missing,
    passedOver: passedOverOf(components, chosen, now, tooLate),
    skewSeconds: (best.newest - best.oldest) / 1000,
    moment: new Date(best.oldest).toISOString(),
  };
}

/** Whose point is asked for has no other: not the windows either. */
function pin(each: ComponentPoints, pinned: string | undefined): ComponentPoints {
  if (pinned === undefined || !each.points.some(({ id }) => id === pinned)) return each;
  return {
    component: each.component,
    points: each.points.map((point) =>
      point.id === pinned ? point : { ...point, unusable: 'another one was asked for' },
    ),
  };
}

/**
 * What the lock does not protect could be deleted or was made past it: it is used only where nothing that is protected, and no
 * window, is within the objective.
 */
function preferLocked(each: ComponentPoints, now: number, rpoSeconds: number): ComponentPoints {
  const { component, points, windows = [] } = each;
  const oldest = now - rpoSeconds * 1000;
  const isWithin = (ms: number) => ms >= oldest && ms <= now;
  const hasLocked = points.some(
    ({ unusable, outsideLock, moment }) =>
      unusable === undefined && outsideLock === undefined && isWithin(Date.parse(moment)),
  );
  const hasWindow = windows.some((window) => {
    const span = usableSpan(window, now);
    return !('unusable' in span) && isWithin(span.latest);
  });
  if (!hasLocked && !hasWindow) return each;
  return {
    component,
    windows,
    points: points.map((point) =>
      point.outsideLock === undefined || point.unusable !== undefined
        ? point
        : { ...point, unusable: `outside the lock: ${point.outsideLock}` },
    ),
  };
}

/** One state of a component that can be restored. */
interface State {
  readonly component: string;
  readonly id: string;
  readonly technique: Technique;
  readonly ms: number;
  /** Whether it is the last moment of its window; absent: it is a point. */
  readonly atEnd?: boolean;
  readonly outsideLock?: string;
}

interface UsableStates {
  readonly component: string;
  readonly anchors: readonly State[];
  /** Each source's state that is nearest to a moment. */
  readonly near: (ms: number) => readonly State[];
}

function usableStates({ component, points, windows = [] }: ComponentPoints, now: number): UsableStates {
  const states: readonly State[] = points
    .filter(({ unusable }) => unusable === undefined)
    .map(({ id, technique, moment, outsideLock }) => ({
      component,
      id,
      technique,
      ms: Date.parse(moment),
      ...(outsideLock === undefined ? {} : { outsideLock }),
    }))
    .filter(({ ms }) => ms <= now);
  const spans = windows.flatMap(({ id, technique, ...window }) => {
    const span = usableSpan(window, now);
    return 'unusable' in span ? [] : [{ component, id, technique, span }];
  });
  const near = (ms: number) => [
    ...spans.map(({ span, ...source }) => stateAt(source, span, nearestIn(span, ms))),
    ...states,
  ];
  const ends = spans.map(({ span, ...source }) => stateAt(source, span, span.latest));
  return { component, anchors: [...ends, ...states], near };
}

const stateAt = (source: Pick<State, 'component' | 'id' | 'technique'>, span: Span, ms: number): State => ({
  ...source,
  ms,
  atEnd: span.ends && ms === span.latest,
});

interface Candidate {
  readonly states: readonly State[];
  readonly oldest: number;
  readonly newest: number;
}

function candidate(anchor: State, components: readonly UsableStates[]): Candidate {
  const states = components.flatMap(({ component, near }) =>
    component === anchor.component ? [anchor] : nearest(near(anchor.ms), anchor.ms),
  );
  const moments = states.map(({ ms }) => ms);
  return { states, oldest: Math.min(...moments), newest: Math.max(...moments) };
}

function nearest(states: readonly State[], ms: number): State[] {
  const distance = (state: State) => Math.abs(secondOf(state.ms) - secondOf(ms));
  return [...states]
    .sort((a, b) => distance(a) - distance(b) || Number(isPoint(a)) - Number(isPoint(b)) || b.ms - a.ms)
    .slice(0, 1);
}

/** Moments are compared by their seconds, which is as exactly as RDS restores. */
const secondOf = (ms: number) => Math.floor(ms / 1000);

const isPoint = ({ atEnd }: State) => atEnd === undefined;

function ranking(now: number, rpoSeconds: number, toleranceSeconds: number) {
  const tooOld = (set: Candidate) => Number(now - set.oldest > rpoSeconds * 1000);
  const skew = (set: Candidate) => set.newest - set.oldest;
  const apart = (set: Candidate) => Number(skew(set) > toleranceSeconds * 1000);
  // A window gives the second in which an export began: that is no older set, and no worse fit.
  const oldest = (set: Candidate) => secondOf(set.oldest);
  const fit = (set: Candidate) => secondOf(set.newest) - oldest(set);
  const points = (set: Candidate) => set.states.filter(isPoint).length;
  return (a: Candidate, b: Candidate) =>
    tooOld(a) - tooOld(b) || apart(a) - apart(b) || oldest(b) - oldest(a) || fit(a) - fit(b) || points(a) - points(b);
}

function whyNone({ points, windows = [] }: ComponentPoints, now: number, tooLate: string): string {
  return [...windows.map((window) => `${window.id}: ${whyNot(window, now)}`), whyNoPoint(points, now, tooLate)].join(
    '; ',
  );
}

function whyNoPoint(points: readonly Point[], now: number, tooLate: string): string {
  if (points.length === 0) return 'there is no point at this site: find out whether its backups and copies run';
  const [newest] = [...points].sort((a, b) => Date.parse(b.moment) - Date.parse(a.moment));
  return `none of its ${points.length} points can be used; the newest: ${
    newest?.unusable ?? (newest !== undefined && Date.parse(newest.moment) > now ? tooLate : '')
  }`;
}

/** Why a window gives nothing; empty: it does. */
function whyNot(window: RestorableWindow, now: number): string {
  const span = usableSpan(window, now);
  return 'unusable' in span ? span.unusable : '';
}

function passedOverOf(
  components: readonly ComponentPoints[],
  chosen: readonly ChosenPoint[],
  now: number,
  tooLate: string,
) {
  return components.flatMap((each) =>
    [...windowsPassedOver(each, chosen, now), ...pointsPassedOver(each, chosen, now, tooLate)].slice(
      0,
      PASSED_OVER_PER_COMPONENT,
    ),
  );
}

function windowsPassedOver({ component, windows = [] }: ComponentPoints, chosen: readonly ChosenPoint[], now: number) {
  return windows
    .filter(({ id }) => !chosen.some((each) => each.component === component && each.id === id))
    .map((window) => ({
      component,
      id: window.id,
      reason:
        whyNot(window, now) ||
        `it goes from ${window.earliest} to ${window.latest}, and what was chosen is nearer to the other components in time`,
    }));
}

function pointsPassedOver(
  { component, points }: ComponentPoints,
  chosen: readonly ChosenPoint[],
  now: number,
  tooLate: string,
) {
  const own = chosen.find((each) => each.component === component);
  return points
    .filter(({ moment }) => own === undefined || Date.parse(moment) > Date.parse(own.moment))
    .sort((a, b) => Date.parse(b.moment) - Date.parse(a.moment))
    .map((point) => ({
      component,
      id: point.id,
      reason:
        point.unusable ??
        (Date.parse(point.moment) > now ? tooLate : 'no points of the other components are as near to it in time'),
      ...(point.notAuthentic && { notAuthentic: true as const }),
    }));
}
