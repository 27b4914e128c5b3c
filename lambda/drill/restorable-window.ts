/** What point-in-time recovery offers: every second of a span of time. Pure. */
import type { Technique } from '../../lib/planning/plan-document';

/** Whether a technique offers a window rather than points. */
export const offersWindow = (technique: Technique): boolean =>
  technique === 'rds-automated-backup-replication' || technique === 'backup-continuous';

export interface RestorableWindow extends WindowTimes {
  /** ARN of the automated backup; of its source where there is none. */
  readonly id: string;
  readonly technique: Technique;
}

export interface WindowTimes {
  /** ISO 8601; absent: nothing can be restored from it yet. */
  readonly earliest?: string;
  readonly latest?: string;
  /** It goes on after `latest`, but must not be used there. Default: it ends there. */
  readonly cutShort?: true;
  /** Why it cannot be used; absent: it can. */
  readonly unusable?: string;
}

/** Milliseconds since 1970, both whole seconds: RDS restores to a second. */
export interface Span {
  readonly earliest: number;
  readonly latest: number;
  /** The window goes no further than `latest`. */
  readonly ends: boolean;
}

/** What of a window is not after `now` (milliseconds since 1970), or why nothing is. */
export function usableSpan(window: WindowTimes, now: number): Span | { readonly unusable: string } {
  if (window.unusable !== undefined) return { unusable: window.unusable };
  if (window.earliest === undefined || window.latest === undefined) return { unusable: 'it has no restore window' };
  const earliest = Math.ceil(Date.parse(window.earliest) / 1000) * 1000;
  const latest = Math.floor(Math.min(Date.parse(window.latest), now) / 1000) * 1000;
  if (earliest <= latest)
    return { earliest, latest, ends: window.cutShort === undefined && Date.parse(window.latest) <= now };
  return { unusable: `no second of its restore window, ${window.earliest} to ${window.latest}, is before the drill` };
}

/** The second of the span that is nearest to a moment, and not after it where there is a choice. */
export const nearestIn = ({ earliest, latest }: Pick<Span, 'earliest' | 'latest'>, ms: number) =>
  Math.min(Math.max(Math.floor(ms / 1000) * 1000, earliest), latest);
