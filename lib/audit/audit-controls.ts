/** Which controls of AWS Backup Audit Manager hold a deployment to its plan. Pure: no constructs, no calls. */
import type { BackupRule } from '../planning/plan-types';
import type { VaultLock } from '../planning/retention';

/** As AWS Backup names what it protects. */
export type AuditedType = 'RDS' | 'Aurora' | 'EFS';

/** One database or volume, as it was planned. */
export interface AuditedComponent {
  readonly type: AuditedType;
  /** Of its snapshots: one of them at least has an `intervalHours`. */
  readonly rules: readonly BackupRule[];
}

export interface AuditInput {
  readonly components: readonly AuditedComponent[];
  readonly vaultName: string;
  /** Lock of the vault in the Region, with its default. */
  readonly vaultLock?: VaultLock;
  /** Who may delete recovery points, where everybody else is denied it. */
  readonly breakGlassRoleArns?: readonly string[];
  readonly drRegion: string;
  /** Where the DR site is in another account. */
  readonly drAccount?: string;
  /** In which a restore must have ended, where restores are tested in the Region. */
  readonly maxRestoreMinutes?: number;
  /** Narrows the controls over resources to those that carry it. */
  readonly resourceTag?: AuditTag;
  /** Carried by the backup plans of a type: its own, so that each type is held to its own numbers. */
  readonly planTag: (type: AuditedType) => AuditTag;
}

export interface AuditTag {
  readonly key: string;
  readonly value: string;
}

export interface AuditControl {
  readonly name: string;
  readonly parameters?: Readonly<Record<string, string>>;
  readonly scope?: {
    readonly types?: readonly string[];
    readonly ids?: readonly string[];
    readonly tag?: AuditTag;
  };
}

/** Controls that share a subject: a type of resources, each with its own numbers, or the vault. */
export interface AuditFramework {
  readonly subject: AuditedType | 'Vault';
  readonly controls: readonly AuditControl[];
}

/** AWS Backup takes at most five roles in `principalArnList`. */
export const MAX_AUDITED_ROLES = 5;

export function auditFrameworks(input: AuditInput): AuditFramework[] {
  const types = [...new Set(input.components.map(({ type }) => type))];
  return [
    ...types.map((type) => ({ subject: type, controls: controlsOf(type, input) })),
    { subject: 'Vault', controls: controlsOfVault(input) },
  ];
}

function controlsOf(type: AuditedType, input: AuditInput): AuditControl[] {
  const components = input.components.filter((component) => component.type === type);
  const regular = components.map(({ rules }) => mostFrequent(rules));
  // A scope takes types or one tag: with the tag, resources of other types that carry it are no matter to a control over backups.
  const scope = input.resourceTag ? { tag: input.resourceTag } : { types: [type] };
  const isCopied = components.every(({ rules }) =>
    rules.some(({ copyRetentionDays }) => copyRetentionDays !== undefined),
  );
  return [
    { name: 'BACKUP_RESOURCES_PROTECTED_BY_BACKUP_PLAN', scope },
    {
      name: 'BACKUP_PLAN_MIN_FREQUENCY_AND_MIN_RETENTION_CHECK',
      parameters: {
        ...frequency(Math.max(...regular.map(({ intervalHours }) => intervalHours))),
        requiredRetentionDays: `${Math.min(...regular.map(({ retentionDays }) => retentionDays))}`,
      },
      scope: { tag: input.planTag(type) },
    },
    {
      name: 'BACKUP_LAST_RECOVERY_POINT_CREATED',
      parameters: age(Math.max(...regular.map(worstAgeHours))),
      scope,
    },
    ...(isCopied
      ? [
          {
            name: 'BACKUP_RESOURCES_PROTECTED_BY_CROSS_REGION',
            parameters: { crossRegionList: input.drRegion },
            scope,
          },
        ]
      : []),
    ...(isCopied && input.drAccount !== undefined
      ? [
          {
            name: 'BACKUP_RESOURCES_PROTECTED_BY_CROSS_ACCOUNT',
            parameters: { crossAccountList: input.drAccount },
            scope,
          },
        ]
      : []),
    ...(input.vaultLock
      ? [
          {
            name: 'BACKUP_RESOURCES_PROTECTED_BY_BACKUP_VAULT_LOCK',
            parameters: lockParameters(input.vaultLock),
            scope,
          },
        ]
      : []),
    ...(input.maxRestoreMinutes === undefined
      ? []
      : [
          {
            name: 'RESTORE_TIME_FOR_RESOURCES_MEET_TARGET',
            parameters: { maxRestoreTime: `${Math.floor(input.maxRestoreMinutes)}` },
            scope,
          },
        ]),
  ];
}

const controlsOfVault = ({ vaultName, breakGlassRoleArns }: AuditInput): AuditControl[] => [
  { name: 'BACKUP_RECOVERY_POINT_ENCRYPTED' },
  ...(breakGlassRoleArns
    ? [
        {
          name: 'BACKUP_RECOVERY_POINT_MANUAL_DELETION_DISABLED',
          parameters: { principalArnList: breakGlassRoleArns.join(',') },
          scope: { ids: [vaultName], types: ['AWS::Backup::BackupVault'] },
        },
      ]
    : []),
];

type RegularRule = BackupRule & { readonly intervalHours: number };

/** The rule that carries the objective: the tiers of a retention have no even interval. */
function mostFrequent(rules: readonly BackupRule[]): RegularRule {
  const regular = rules.filter((rule): rule is RegularRule => rule.intervalHours !== undefined);
  return regular.reduce((best, rule) => (rule.intervalHours < best.intervalHours ? rule : best));
}

/** At most how old the newest point may be while every job keeps to its windows. */
const worstAgeHours = ({ intervalHours, startWindowMinutes, completionWindowMinutes }: RegularRule) =>
  intervalHours + (startWindowMinutes + completionWindowMinutes) / MINUTES_AN_HOUR;

const MINUTES_AN_HOUR = 60;
const HOURS_A_DAY = 24;
/** AWS Config: 24 hours or 31 days between two backups, 744 hours of age. */
const MAX_DAYS = 31;
const MAX_AGE_HOURS = 744;

const frequency = (hours: number) =>
  hours <= HOURS_A_DAY
    ? { requiredFrequencyUnit: 'hours', requiredFrequencyValue: `${Math.ceil(hours)}` }
    : {
        requiredFrequencyUnit: 'days',
        requiredFrequencyValue: `${Math.min(MAX_DAYS, Math.ceil(hours / HOURS_A_DAY))}`,
      };

const age = (hours: number) => ({
  recoveryPointAgeUnit: 'hours',
  recoveryPointAgeValue: `${Math.min(MAX_AGE_HOURS, Math.ceil(hours))}`,
});

const lockParameters = ({ minDays, maxDays }: VaultLock) => ({
  ...(minDays !== undefined && { minRetentionDays: `${minDays}` }),
  ...(maxDays !== undefined && { maxRetentionDays: `${maxDays}` }),
});
