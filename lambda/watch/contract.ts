/**
 * Event contract of the watch function (DR Region; in the primary Region where drills are scheduled there), which an hourly rule calls for each deployment whose drills are scheduled:
 * it looks whether the last drill left a verdict in time, and says so by the metric `DrillOverdue`.
 *
 * Environment: `BUCKET` (replica bucket; in the primary Region the artifact bucket).
 */
import type { Site } from '../../lib/planning/plan-document';

export interface WatchEvent {
  readonly deployment: string;
  /** Whose drills. Default: those of the DR site. */
  readonly site?: Site;
  /** Longest time between two drills by their schedule. */
  readonly longestGapSeconds: number;
  /** Longest time that a drill may take until its report is there. */
  readonly drillTimeoutSeconds: number;
}

export interface WatchResult {
  readonly overdue: boolean;
  /** Since the last drill with a verdict began; where there was none, since the first watch. */
  readonly ageSeconds: number;
  /** Of the last drill with a verdict; absent: there was none. */
  readonly lastDrill?: string;
}
