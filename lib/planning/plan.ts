/**
 * The planner: from objectives to techniques, schedules and windows, with the arithmetic shown. Pure: no constructs, no
 * AWS calls. One file a technique beside this one; this file chooses.
 */
import { planArtifacts } from './artifact-export';
import { efsBackupRule } from './efs-backup';
import { copyLine } from './rds-copy';
import { continuousLine, continuousRule, supportsContinuous } from './rds-continuous';
import { snapshotLine, snapshotRule } from './rds-snapshot';
import { DEFAULT_ASSUMPTIONS, type PlanAssumptions } from './assumptions';
import { BACKUP_INTERVAL_HOURS } from './intervals';
import type { DatabaseKind, ObjectiveSeconds, PlanLine, Site } from './plan-document';

export interface PlanInput {
  readonly objectives: { readonly inRegion: ObjectiveSeconds; readonly drSite: ObjectiveSeconds };
  readonly databases: readonly { readonly name: string; readonly kind: DatabaseKind }[];
  readonly volumes: readonly { readonly name: string }[];
  /** Durations that AWS does not publish; what is left out takes its cautious default. */
  readonly assumptions?: Partial<PlanAssumptions>;
  /** How long recovery points are kept. Continuous ones are kept at most 35 days whatever this says. Default: 35. */
  readonly retentionDays?: number;
}

export interface PlanResult {
  /** A line per component and site: the technique that carries the promise there. Also for what is infeasible. */
  readonly lines: readonly PlanLine[];
  /** Objectives that cannot be met. Empty: the plan is feasible. */
  readonly infeasible: readonly InfeasibleObjective[];
  readonly databases: readonly DatabaseProtection[];
  readonly volumes: readonly VolumeProtection[];
}

/** An RPO that no technique for this component meets at this site. */
export interface InfeasibleObjective {
  readonly component: string;
  readonly site: Site;
  readonly objectiveSeconds: number;
  /** The tightest RPO that can be met. */
  readonly nearestFeasibleSeconds: number;
  readonly reason: string;
}

/** One rule of an AWS Backup plan. */
export interface BackupRule {
  /** Unique within the component: `snapshot`, `continuous`. */
  readonly name: string;
  readonly intervalHours: number;
  /** `cron(...)`, in UTC. */
  readonly scheduleExpression: string;
  readonly startWindowMinutes: number;
  readonly completionWindowMinutes: number;
  /** Continuous backup (point-in-time recovery). */
  readonly continuous: boolean;
  /** Copy every recovery point of this rule to the vault of the DR site. */
  readonly copyToDr: boolean;
  readonly retentionDays: number;
}

export interface DatabaseProtection {
  readonly name: string;
  readonly rules: readonly BackupRule[];
}

export interface VolumeProtection {
  readonly name: string;
  /** AWS Backup of the file system: a second copy, independent of the export. */
  readonly rules: readonly BackupRule[];
  readonly export: { readonly intervalMinutes: number; /** `cron(...)` */ readonly scheduleExpression: string };
}

/** AWS Backup keeps a continuous recovery point at most this long, and so is the default for all. */
export const DEFAULT_RETENTION_DAYS = 35;

/**
 * @throws if `retentionDays` is not a whole number from 1 to 36,500, or an assumption is not a positive number of seconds
 */
export function plan(input: PlanInput): PlanResult {
  const assumptions = { ...DEFAULT_ASSUMPTIONS, ...input.assumptions };
  const retentionDays = input.retentionDays ?? DEFAULT_RETENTION_DAYS;
  validate(assumptions, retentionDays);
  const databases = input.databases.map((database) =>
    planDatabase(database, input.objectives, assumptions, retentionDays),
  );
  const volumes = input.volumes.map(({ name }) => planVolume(name, input.objectives, assumptions, retentionDays));
  const components = [...databases, ...volumes];
  return {
    lines: components.flatMap((component) => component.lines),
    infeasible: components.flatMap((component) => component.infeasible),
    databases: databases.map((database) => database.protection),
    volumes: volumes.map((volume) => volume.protection),
  };
}

type Objectives = PlanInput['objectives'];

interface ComponentPlan<Protection> {
  readonly lines: readonly PlanLine[];
  readonly infeasible: readonly InfeasibleObjective[];
  readonly protection: Protection;
}

function planDatabase(
  { name, kind }: PlanInput['databases'][number],
  { inRegion, drSite }: Objectives,
  assumptions: PlanAssumptions,
  retentionDays: number,
): ComponentPlan<DatabaseProtection> {
  const [mostFrequent] = BACKUP_INTERVAL_HOURS;
  const longest = (meets: (hours: number) => boolean) => BACKUP_INTERVAL_HOURS.findLast(meets);
  const copyHours = longest((hours) => copyLine(name, hours, assumptions).worstCaseSeconds <= drSite.rpoSeconds);
  const snapshotHours = longest(
    (hours) => snapshotLine(name, hours, assumptions).worstCaseSeconds <= inRegion.rpoSeconds,
  );
  // Snapshots alone where they are enough; continuous backup beside them only where they are not.
  const continuous = snapshotHours === undefined && supportsContinuous(kind);
  const hours = Math.min(copyHours ?? mostFrequent, snapshotHours ?? (continuous ? 24 : mostFrequent));
  const local = continuous ? continuousLine(name) : snapshotLine(name, hours, assumptions);
  const remote = copyLine(name, hours, assumptions);
  // The snapshot rule stays beside continuous backup: it alone is copied, and one recovery point is no history.
  const snapshots = snapshotRule(hours, assumptions, retentionDays);
  return {
    lines: [local, remote],
    infeasible: [
      ...compare(local, inRegion, inRegionAdvice(kind)),
      ...compare(remote, drSite, 'a copy needs a finished backup first, and AWS Backup starts at most one an hour'),
    ],
    protection: { name, rules: continuous ? [snapshots, continuousRule(assumptions, retentionDays)] : [snapshots] },
  };
}

const inRegionAdvice = (kind: DatabaseKind) =>
  supportsContinuous(kind)
    ? 'continuous backup ships its logs every 5 minutes'
    : 'AWS Backup has no continuous backup for a Multi-AZ DB cluster, and starts at most one snapshot an hour';

function planVolume(
  name: string,
  { inRegion, drSite }: Objectives,
  assumptions: PlanAssumptions,
  retentionDays: number,
): ComponentPlan<VolumeProtection> {
  const artifacts = planArtifacts(name, inRegion.rpoSeconds, drSite.rpoSeconds, assumptions);
  return {
    lines: [artifacts.inRegion, artifacts.drSite],
    infeasible: [
      ...compare(artifacts.inRegion, inRegion, 'an export cannot start more often than every 5 minutes'),
      ...compare(
        artifacts.drSite,
        drSite,
        'S3 Replication Time Control promises 15 minutes, after an export that ended',
      ),
    ],
    protection: { name, rules: [efsBackupRule(assumptions, retentionDays)], export: artifacts.schedule },
  };
}

/** Called with a line at its most frequent schedule whenever the objective is missed, so that it is the nearest value. */
function compare(line: PlanLine, objective: ObjectiveSeconds, reason: string): InfeasibleObjective[] {
  if (line.worstCaseSeconds <= objective.rpoSeconds) return [];
  return [
    {
      component: line.component,
      site: line.site,
      objectiveSeconds: objective.rpoSeconds,
      nearestFeasibleSeconds: line.worstCaseSeconds,
      reason: `${line.terms.map((term) => `${term.name} ${term.seconds} s`).join(' + ')} = ${line.worstCaseSeconds} s: ${reason}`,
    },
  ];
}

function validate(assumptions: PlanAssumptions, retentionDays: number): void {
  for (const [name, value] of Object.entries(assumptions)) {
    if (!(Number.isFinite(value) && value > 0)) {
      throw new Error(`\`assumptions.${name}\` must be more than 0 seconds, got ${value}: measure it, or leave it out`);
    }
  }
  if (!(Number.isInteger(retentionDays) && retentionDays >= 1 && retentionDays <= 36_500)) {
    throw new Error(
      `\`retentionDays\` must be a whole number from 1 to 36500, got ${retentionDays}: AWS Backup's range`,
    );
  }
}
