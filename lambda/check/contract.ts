/**
 * Event contract of the check function (DR Region, in the isolated network, the restore volume mounted).
 *
 * Environment: `BUCKET` (replica bucket), `MOUNT_PATH`. It reads the credentials itself from Secrets Manager: they are
 * never in an event, a checkpoint or a log.
 */
import type { DatasourceEntry, RestoreDependencies } from '../../lib/planning/plan-document';

export interface CheckEvent {
  readonly drillId: string;
  readonly deployment: string;
  readonly databases: readonly RestoredDatabase[];
  readonly volumes: readonly RestoredVolume[];
  /** Of the whole plan, restored or not. */
  readonly plannedDatasources: readonly DatasourceEntry[];
  readonly restoreDependencies: RestoreDependencies;
  /** Names of the checks to make; absent: all. */
  readonly only?: readonly string[];
}

export interface RestoredDatabase {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** ARN of the secret in the DR Region. */
  readonly secretArn: string;
  readonly datasources: readonly DatasourceEntry[];
  /** The moment restored, ISO 8601. */
  readonly moment?: string;
}

export interface RestoredVolume {
  readonly name: string;
  /** Relative to `<IS_HOME>`; the restored files are in `<MOUNT_PATH>/<drillId>/<mountedAt>`. */
  readonly mountedAt: string;
  /** Absent: it was restored from a recovery point of AWS Backup, and there is nothing to compare its files with. */
  readonly archivePrefix?: string;
  readonly manifestKey?: string;
}

/** One that came from the archive. */
export type ArchivedVolume = RestoredVolume & Required<Pick<RestoredVolume, 'archivePrefix' | 'manifestKey'>>;

export interface CheckResult {
  readonly checks: readonly CheckOutcome[];
}

export type CheckStatus = 'PASSED' | 'WARNING' | 'FAILED' | 'SKIPPED';

export interface CheckOutcome {
  /**
   * `datasource-connects`, `tables-present`, `tenants-agree`, `user-stores`, `declared-databases`, `keystores-present`,
   * `keystores-open`, `encryption-key`, `encrypted-values`, `artifact-hashes`,
   * `row-counts`; `own: NAME` of a check of the user's own.
   */
  readonly check: string;
  /** Name of the database or volume that was checked; both, joined by ` + `, where two were compared. */
  readonly component: string;
  readonly status: CheckStatus;
  /** One sentence for people; for FAILED and WARNING it says what, where and what to do. */
  readonly reason: string;
  /** What was compared, as numbers and names: `{ tenantsInDatabase: 300, tenantDirectories: 300 }`. */
  readonly compared: Readonly<Record<string, string | number>>;
  readonly durationMs: number;
}
