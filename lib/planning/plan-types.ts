/** What the planner takes and what it gives. Pure data. */
import type { PlanAssumptions } from './assumptions';
import type { DatabaseKind, ObjectiveSeconds, PlanLine, RecoveryTime, Site, Technique } from './plan-document';
import type { RdsWindows } from './rds-windows';
import type { RetentionInput, VaultLock } from './retention';

export interface PlanInput {
  readonly objectives: { readonly inRegion: ObjectiveSeconds; readonly drSite: ObjectiveSeconds };
  readonly databases: readonly DatabaseInput[];
  readonly volumes: readonly VolumeInput[];
  /** What AWS does not publish; what is left out takes its cautious default. */
  readonly assumptions?: Partial<PlanAssumptions>;
  readonly retention?: RetentionInput;
  /** Lock of the vault in the Region, and of the one at the DR site: jobs with another retention fail. */
  readonly vaultLock?: VaultLock;
  readonly drVaultLock?: VaultLock;
  /** Between two drills. A point must be kept longer, or a drill may find nothing that it has not seen expire. */
  readonly drillIntervalSeconds?: number;
  /** Whether the DR site is in another account, where neither RDS nor EFS replicates. Default: false. */
  readonly siteInOtherAccount?: boolean;
  /** What the last drills needed, at the DR site: replaces the estimates. */
  readonly measured?: readonly MeasuredRecovery[];
}

export interface DatabaseInput extends RdsWindows {
  /** Name of the component. */
  readonly name: string;
  readonly kind: DatabaseKind;
  /** In GiB, for the estimates of time and cost. Default: 20. */
  readonly sizeGib?: number;
  /** Whether the Aurora cluster belongs to a Global Database with a secondary cluster in the DR Region. Default: false. */
  readonly globalDatabase?: boolean;
  /**
   * False: the instance is known to have no automated backups (backup retention 0), so that RDS refuses to replicate them
   * until the first continuous backup has turned them on. Default: not known, taken to be on.
   */
  readonly automatedBackups?: boolean;
  /** Techniques that are not wanted. Snapshots and their copies cannot be left out: only they undo a deletion. */
  readonly without?: readonly Technique[];
}

export interface VolumeInput {
  /** Name of the component. */
  readonly name: string;
  /** In GiB, for the estimates of time and cost. Default: 2. */
  readonly sizeGib?: number;
  /** Number of files, for the estimate of time. Default: 10,000. */
  readonly files?: number;
  /** Techniques that are not wanted. AWS Backup of the file system cannot be left out. */
  readonly without?: readonly Technique[];
}

/** Techniques that can be left out. The others are what undoes a deletion, or are there whatever is planned. */
export const OPTIONAL_TECHNIQUES: readonly Technique[] = [
  'backup-continuous',
  'rds-automated-backup-replication',
  'artifact-export',
  'efs-replication',
];

/** How long a drill needed, from its report. */
export interface MeasuredRecovery {
  /** Name of a component, or `ALL_TOGETHER`. */
  readonly component: string;
  /** Drill start to the component being usable; for all together, to the last check. */
  readonly rtoSeconds: number;
  /** Which drill it was: its id or its time. */
  readonly drill: string;
}

/** What stands for the whole deployment where a component is named. */
export const ALL_TOGETHER = 'all together';

export interface PlanResult {
  /** Every technique in use, by component and site; the one that carries the promise first. Also for what is infeasible. */
  readonly lines: readonly PlanLine[];
  /** Objectives that cannot be met. Empty: the plan is feasible. */
  readonly infeasible: readonly InfeasibleObjective[];
  /** How long a recovery takes, by component and site: estimates, or what drills measured. */
  readonly recoveryTimes: readonly RecoveryTime[];
  readonly warnings: readonly string[];
  /** An estimate of all lines together. */
  readonly usdPerMonth: number;
  readonly databases: readonly DatabaseProtection[];
  readonly volumes: readonly VolumeProtection[];
}

/** An objective that cannot be met at a site. */
export interface InfeasibleObjective {
  readonly component: string;
  readonly site: Site;
  readonly objective: 'rpo' | 'rto';
  readonly objectiveSeconds: number;
  /** The tightest that can be met; null where none can, since nothing brings the component to the site. */
  readonly nearestFeasibleSeconds: number | null;
  /** The arithmetic, and which limit makes it so. */
  readonly reason: string;
  /** Changes that would meet it, each with what it reaches. Empty: nothing that this planner knows. */
  readonly remedies: readonly string[];
}

/** One rule of an AWS Backup plan. */
export interface BackupRule {
  /** Unique within the component: `snapshot`, `continuous`, `daily`, `weekly`, `monthly`, `yearly`. */
  readonly name: string;
  /** Of the schedule, where it is even: the tiers of a retention have none. */
  readonly intervalHours?: number;
  /** `cron(...)`, in UTC. */
  readonly scheduleExpression: string;
  readonly startWindowMinutes: number;
  readonly completionWindowMinutes: number;
  /** Continuous backup (point-in-time recovery). */
  readonly continuous: boolean;
  readonly retentionDays: number;
  /** Days until a point moves to cold storage; EFS only. */
  readonly coldAfterDays?: number;
  /** Copy every recovery point of this rule to the vault of the DR site, and keep the copy as long. */
  readonly copyRetentionDays?: number;
}

export interface DatabaseProtection {
  readonly name: string;
  /** Of one backup plan: where start windows overlap, AWS Backup takes one backup, for the rule that keeps it longest. */
  readonly rules: readonly BackupRule[];
  /** Of a backup plan of its own, so that it and the snapshots do not stand in for each other. */
  readonly continuous?: BackupRule;
  /** RDS replicates its automated backups to the DR Region. */
  readonly automatedBackupReplication?: { readonly retentionDays: number };
}

export interface VolumeProtection {
  readonly name: string;
  /** AWS Backup of the file system: a second copy, independent of the export. */
  readonly rules: readonly BackupRule[];
  /** Absent only where it is not wanted. */
  readonly export?: { readonly intervalMinutes: number; /** `cron(...)` */ readonly scheduleExpression: string };
  /** EFS replicates the file system to the DR Region. */
  readonly replicated: boolean;
}
