/**
 * Event contract of the drill (a durable function at each site), what it returns, and the schema of its report.
 *
 * A drill and a recovery are the same function: `mode` decides whether what it restored is removed or kept.
 *
 * The function has a known name and is invoked through its alias `live`: `drillFunctionName` and
 * `inRegionDrillFunctionName` in `lib/site/site-names.ts`.
 *
 * Environment: `SITE` (`dr-site` or `in-region`), `BUCKET` (of the site), `VAULT_NAME`, `RESTORE_ROLE_ARN`,
 * `DB_SUBNET_GROUP`, `DB_SECURITY_GROUP_ID`, `RESTORE_FUNCTION`, `CHECK_FUNCTION`, `ADOPT_FUNCTION` (names), `RESTORE_FILE_SYSTEM_ID`,
 * `RESTORE_ROOT` (folder of the restore volume's access point), `RESTORE_UID` and `RESTORE_GID` (who owns what is in it), `TOPIC_ARN`,
 * `TIMEOUT_SECONDS` (of one execution); where the vault is locked, `LOCK_MIN_DAYS` (its shortest retention); where the bucket has object lock, `OBJECT_LOCK` (`true`); where there are own checks,
 * `OWN_CHECKS` (JSON: ARN by name); where a copy is booted, `BOOT` (JSON: `Boot` of settings.ts); where manifests are signed, `MAC_KEYS` and `ACCEPT_UNSIGNED` (`../shared/kms-authenticator.ts`).
 * The event source is always `wso2is-recovery`.
 */
import type { CheckOutcome } from '../check/contract';
import type { DrillCost } from '../../lib/planning/drill-cost';
import type { ConfigurationChange } from '../../lib/deployment/configuration-changes';
import type { DatabaseKind, ObjectiveSeconds, PlanLine, Site, Technique } from '../../lib/planning/plan-document';

export type { ConfigurationChange } from '../../lib/deployment/configuration-changes';

/** `drill`: what was restored is removed again. `recover`: it is kept, at production's size. */
export type DrillMode = 'drill' | 'recover';

export interface DrillEvent {
  /** Name of the deployment, as in its recovery plan document. */
  readonly deployment: string;
  /** Default: `drill`. */
  readonly mode?: DrillMode;
  /**
   * ISO 8601. What is restored is the newest set of which nothing is later than this: the last moment before the data went
   * bad. The loss is counted from it. Default: the start of the execution.
   */
  readonly at?: string;
  /**
   * Key of a manifest, as `wso2is-recovery list` shows it. That export is restored for its volume, and of everything else
   * what is nearest to it in time. Default: the export is chosen.
   */
  readonly exportKey?: string;
  /**
   * `backup`: volumes are restored from recovery points of AWS Backup in the vault of the site, for when the archive cannot serve;
   * not together with `exportKey`. Default: `archive`.
   */
  readonly volumesFrom?: VolumesFrom;
  /**
   * Choose and say what would be restored; change nothing, report nothing. The answer is a `RestorePreview`. Default: false.
   */
  readonly planOnly?: boolean;
}

export type VolumesFrom = 'archive' | 'backup';

/** What the function returns; `outcome` tells them apart. */
export type DrillResult = DrillSummary | RestorePreview | DrillRefusal;

/** It went to its end, whatever the verdict: the report without what only people read. */
export type DrillSummary = { readonly outcome: 'REPORTED'; readonly reportKey: string } & Omit<
  DrillReport,
  'checks' | 'steps' | 'plan' | 'earlier' | 'changes' | 'estimatedCost'
>;

/** Of `planOnly`. */
export interface RestorePreview {
  readonly outcome: 'PREVIEW';
  readonly mode: DrillMode;
  readonly deployment: string;
  readonly region: string;
  readonly site: Site;
  /** When it was looked, ISO 8601. */
  readonly chosenAt: string;
  /** Every component has something to be restored from. */
  readonly complete: boolean;
  readonly components: readonly PreviewedComponent[];
  /** As in the report. */
  readonly passedOver: readonly PassedOver[];
  /** The oldest moment that would be restored; absent when nothing can be. */
  readonly moment?: string;
  readonly skewSeconds?: number;
  /** From `moment` to `at`, or to `chosenAt`: what would be lost. */
  readonly lossSeconds?: number;
  readonly objectives: ObjectiveSeconds;
  /** How long the plan expects a recovery to take; absent where it says nothing of this site. */
  readonly expectedSeconds?: number;
}

export interface PreviewedComponent {
  readonly component: string;
  readonly kind: 'database' | 'volume';
  /** Absent when there is nothing to restore it from: `reason` says why. */
  readonly technique?: Technique;
  readonly restoredFrom?: string;
  readonly moment?: string;
  readonly reason?: string;
  /**
   * What the restore would make, in words for people: `DB instance recovery-...-1-database`. The id in it is another one at the
   * next execution.
   */
  readonly wouldMake?: string;
}

/** Another drill of the deployment runs: this one ended without touching anything. Recoveries are never refused. */
export interface DrillRefusal {
  readonly outcome: 'REFUSED';
  readonly deployment: string;
  readonly region: string;
  /** For people; names the drill that runs. */
  readonly reason: string;
  readonly running: { readonly drillId: string; readonly startedAt: string };
}

export type Verdict = 'PASSED' | 'PASSED_WITH_WARNINGS' | 'FAILED';

/** `report.json`, described in `docs/drill-report.md`; its schema is `docs/drill-report.schema.json`. */
export interface DrillReport {
  readonly formatVersion: 1;
  readonly mode: DrillMode;
  readonly site: Site;
  /** Of the execution: `drill-20261124t042500-1a2b3c4d`; of a recovery `recovery-...`. */
  readonly drillId: string;
  readonly deployment: string;
  readonly region: string;
  /** Of a recovery: whether what is kept is whole and passed its checks; objectives that were missed are warnings there. */
  readonly verdict: Verdict;
  /** First cause first; empty when PASSED. */
  readonly causes: readonly string[];
  readonly warnings: readonly string[];
  readonly startedAt: string;
  /** When the last check ended; absent when checks did not run. */
  readonly checkedAt?: string;
  readonly endedAt: string;
  /** What the event asked for; absent: the newest set. */
  readonly asked?: Demand;
  /** Of this site; absent when the recovery plan could not be read. */
  readonly objectives?: ObjectiveSeconds;
  /** How long the plan expected a recovery to take; absent when it could not be read, or expects nothing. */
  readonly promisedRtoSeconds?: number;
  /** Drill start (or the moment asked for) minus the oldest moment restored; absent when nothing was chosen. */
  readonly measuredRpoSeconds?: number;
  /** Drill start to the last check; absent when checks did not run. */
  readonly measuredRtoSeconds?: number;
  /** Newest minus oldest moment restored. */
  readonly skewSeconds?: number;
  /** Automated backups that were not used, and points newer than the chosen ones; and why. */
  readonly passedOver: readonly PassedOver[];
  readonly components: readonly ComponentReport[];
  readonly checks: readonly CheckOutcome[];
  readonly steps: readonly StepReport[];
  /** Of a recovery: complete, and nothing left behind, since everything is kept on purpose. */
  readonly cleanUp: { readonly complete: boolean; readonly leftBehind: readonly string[] };
  readonly plan: readonly PlanLine[];
  /** Of a recovery alone. */
  readonly recovery?: KeptRecovery;
  /** Drills before this one, the newest first; a bounded number of them. */
  readonly earlier: readonly EarlierDrill[];
  /** What differs from the newest of `earlier`: a sentence each. */
  readonly changes: readonly string[];
  readonly estimatedCost: DrillCost;
}

/** What differs from the newest set; of `volumesFrom` nothing stands for the archive. */
export interface Demand {
  readonly at?: string;
  readonly exportKey?: string;
  readonly volumesFrom?: 'backup';
}

/** One drill in the history of a deployment. */
export interface EarlierDrill {
  readonly drillId: string;
  readonly startedAt: string;
  readonly verdict: Verdict;
  readonly measuredRpoSeconds?: number;
  readonly measuredRtoSeconds?: number;
}

export interface PassedOver {
  readonly component: string;
  readonly id: string;
  readonly reason: string;
  /** Somebody else may have made it. Absent: nobody else did, or nobody asked. */
  readonly notAuthentic?: true;
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
  /** How long the plan expected it to take: an estimate, or what an earlier drill measured. */
  readonly promisedRtoSeconds?: number;
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

/** What a recovery kept, and what is left for people to do with it. */
export interface KeptRecovery {
  readonly databases: readonly KeptDatabase[];
  /** Absent: no volume was restored. */
  readonly artifacts?: KeptArtifacts;
  /** The patch: what `deployment.toml` must say for IS to use what was restored. In the order of the file. */
  readonly configurationChanges: readonly ConfigurationChange[];
  /** What else carries the old addresses: DNS, callback URLs, certificates. Sentences. */
  readonly notes: readonly string[];
  /** In order, each a sentence with the names in it. */
  readonly nextSteps: readonly string[];
}

export interface KeptDatabase {
  readonly component: string;
  readonly kind: DatabaseKind;
  /** DB instance or cluster identifier. */
  readonly identifier: string;
  readonly host: string;
  readonly port: number;
  /** ARN, in the site's Region, of the secret with its credentials: those that the database has had before. */
  readonly secretArn: string;
  /** As `deployment.toml` names them. */
  readonly datasources: readonly string[];
  /** Of an instance: it has a standby in another Availability Zone. */
  readonly multiAz?: boolean;
  /** Of an instance: for how many days RDS keeps automated backups of it; 0: it makes none. */
  readonly backupRetentionDays?: number;
}

export interface KeptArtifacts {
  readonly fileSystemId: string;
  /** Folder of the file system that is laid out as an `<IS_HOME>`: `/drills/recovery-...`. */
  readonly path: string;
  readonly volumes: readonly KeptVolume[];
}

export interface KeptVolume {
  readonly component: string;
  /** Relative to `<IS_HOME>`: where IS has to find it. */
  readonly mountedAt: string;
  /** Folder of the file system: `/drills/recovery-.../repository`. */
  readonly path: string;
}
