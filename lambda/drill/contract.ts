/**
 * Event contract of the drill (a durable function in the DR Region) and the schema of its report.
 *
 * Environment: `BUCKET` (replica bucket), `VAULT_NAME`, `RESTORE_ROLE_ARN`, `DB_SUBNET_GROUP`, `DB_SECURITY_GROUP_ID`,
 * `RESTORE_FUNCTION`, `CHECK_FUNCTION` (names), `TOPIC_ARN`, and, where there are own checks, `OWN_CHECKS` (JSON: ARN by
 * name); the event source is always `wso2is-recovery`.
 */
import type { CheckOutcome } from '../check/contract';
import type { ObjectiveSeconds, PlanLine } from '../../lib/planning/plan-document';

export interface DrillEvent {
  readonly deployment: string;
}

/** What the drill returns: the report without what only people read. */
export type DrillSummary = Omit<DrillReport, 'checks' | 'steps' | 'plan'>;

export type Verdict = 'PASSED' | 'PASSED_WITH_WARNINGS' | 'FAILED';

/** `report.json`; what the function returns is the same without the checks and steps. */
export interface DrillReport {
  readonly formatVersion: 1;
  readonly drillId: string;
  readonly deployment: string;
  readonly region: string;
  readonly verdict: Verdict;
  /** First cause first; empty when PASSED. */
  readonly causes: readonly string[];
  readonly warnings: readonly string[];
  readonly startedAt: string;
  /** When the last check ended; absent when checks did not run. */
  readonly checkedAt?: string;
  readonly endedAt: string;
  /** Of the DR site; absent when the recovery plan could not be read. */
  readonly objectives?: ObjectiveSeconds;
  /** Drill start minus the oldest moment restored; absent when nothing was chosen. */
  readonly measuredRpoSeconds?: number;
  /** Drill start to the last check; absent when checks did not run. */
  readonly measuredRtoSeconds?: number;
  /** Newest minus oldest moment restored. */
  readonly skewSeconds?: number;
  /** Automated backups that were not used, and points newer than the chosen ones; and why. */
  readonly passedOver: readonly { readonly component: string; readonly id: string; readonly reason: string }[];
  readonly components: readonly ComponentReport[];
  readonly checks: readonly CheckOutcome[];
  readonly steps: readonly StepReport[];
  readonly cleanUp: { readonly complete: boolean; readonly leftBehind: readonly string[] };
  readonly plan: readonly PlanLine[];
}

export interface ComponentReport {
  readonly component: string;
  readonly kind: 'database' | 'volume';
  /** What it was restored from; where nothing was, what the plan counted on. */
  readonly technique: string;
  /** The ARN of the recovery point or of the automated backup, or the manifest key; absent when none was usable. */
  readonly restoredFrom?: string;
  /** The moment restored, ISO 8601. */
  readonly moment?: string;
  readonly promisedRpoSeconds?: number;
  readonly measuredRpoSeconds?: number;
  /** Drill start to this component being usable. */
  readonly measuredRtoSeconds?: number;
  readonly verdict: Verdict;
  readonly reason: string;
}

export interface StepReport {
  readonly name: string;
  readonly component?: string;
  readonly startedAt: string;
  readonly endedAt: string;
  readonly outcome: 'OK' | 'FAILED';
  readonly detail?: string;
}
