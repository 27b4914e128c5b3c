/**
 * The planner: from objectives to techniques, schedules and windows, with the arithmetic shown. Pure: no constructs, no
 * AWS calls. `techniques/` has one file a technique, `choose.ts` takes the cheapest combination of them; this file asks for
 * each component and adds up.
 */
import { assumptionProblems, resolveAssumptions } from './assumptions';
import { toCents } from './cost';
import { PlanInputError } from './errors';
import { databaseInfeasible, volumeInfeasible } from './infeasible';
import { planDatabase, type PlanContext } from './plan-database';
import type { RecoveryTime } from './plan-document';
import {
  type BackupRule,
  type DatabaseProtection,
  type MeasuredRecovery,
  OPTIONAL_TECHNIQUES,
  type PlanInput,
  type PlanResult,
  type VolumeProtection,
} from './plan-types';
import { planVolume } from './plan-volume';
import { windowProblems } from './rds-windows';
import {
  estimatedTooSlow,
  measuredTooSlow,
  recoveryTimes,
  restorableDatabase,
  restorableVolume,
} from './recovery-time';
import { lockProblems, resolveRetention, retentionProblems, vaultLockProblems } from './retention';
import { regionPairWarnings } from './techniques/rds-automated-backup-replication';

/** @throws PlanInputError naming everything in the input that cannot be: assumptions, windows, retention, locks */
export function plan(input: PlanInput): PlanResult {
  const assumptions = resolveAssumptions(input.assumptions);
  const retention = resolveRetention(input.retention);
  const { objectives, vaultLock, drVaultLock, siteInOtherAccount = false, measured = [] } = input;
  refuse([
    ...assumptionProblems(assumptions),
    ...retentionProblems(retention, input.drillIntervalSeconds),
    ...vaultLockProblems('vaultLock', vaultLock),
    ...vaultLockProblems('drVaultLock', drVaultLock),
    ...input.databases.flatMap((database) => windowProblems(database.name, database)),
    ...input.databases.flatMap(({ name, kind, globalDatabase }) =>
      globalDatabase && kind !== 'aurora-cluster'
        ? [`\`globalDatabase\` of ${name} must be left out, got true for ${kind}: only Aurora has Global Databases`]
        : globalDatabase && siteInOtherAccount
          ? [
              `\`globalDatabase\` of ${name} must be left out, got true with a DR site in another account: its clusters are in one`,
            ]
          : [],
    ),
    ...[...input.databases, ...input.volumes].flatMap(sizeProblems),
    ...[...input.databases, ...input.volumes].flatMap(techniqueProblems),
  ]);

  const context: PlanContext = { objectives, assumptions, retention, vaultLock, siteInOtherAccount };
  const databases = input.databases.map((database) => ({ database, ...planDatabase(database, context) }));
  const volumes = input.volumes.map((volume) => ({ volume, ...planVolume(volume, context) }));
  const components = [...databases, ...volumes];
  refuse(
    components.flatMap(({ protection }) => lockProblems(protection.name, rulesOf(protection), vaultLock, drVaultLock)),
  );

  const times = recoveryTimes(
    [
      ...databases.map(({ database, lines }) => restorableDatabase(database, lines, assumptions)),
      ...volumes.map(({ volume, lines }) => restorableVolume(volume, lines, assumptions)),
    ],
    assumptions,
    measured,
  );
  const lines = components.flatMap((component) => component.lines);
  return {
    lines: lines.map((line) => ({ ...line, usdPerMonth: toCents(line.usdPerMonth) })),
    infeasible: [
      ...databases.flatMap(({ database, candidates }) => databaseInfeasible(database, candidates, context)),
      ...volumes.flatMap(({ volume, candidates }) => volumeInfeasible(volume, candidates, context)),
      ...times.flatMap((time) => measuredTooSlow(time, objectives)),
    ],
    recoveryTimes: times,
    warnings: [
      ...components.flatMap(({ warnings }) => warnings),
      ...regionPairWarnings(lines),
      ...unknownMeasured(measured, times),
      ...times.flatMap((time) => estimatedTooSlow(time, objectives)),
    ],
    usdPerMonth: toCents(lines.reduce((sum, { usdPerMonth }) => sum + usdPerMonth, 0)),
    databases: databases.map(({ protection }) => protection),
    volumes: volumes.map(({ protection }) => protection),
  };
}

function refuse(problems: readonly string[]): void {
  if (problems.length > 0) throw new PlanInputError(problems.join('\n'));
}

const rulesOf = (protection: DatabaseProtection | VolumeProtection): readonly BackupRule[] => [
  ...protection.rules,
  ...('continuous' in protection && protection.continuous ? [protection.continuous] : []),
];

function sizeProblems({ name, ...component }: PlanInput['databases'][number] | PlanInput['volumes'][number]): string[] {
  const numbers = { sizeGib: component.sizeGib, files: 'files' in component ? component.files : undefined };
  return Object.entries(numbers).flatMap(([prop, value]) =>
    value === undefined || (Number.isFinite(value) && value > 0)
      ? []
      : [`\`${prop}\` of ${name} must be more than 0, got ${value}: measure it, or leave it out`],
  );
}

function techniqueProblems({ name, without = [] }: PlanInput['databases'][number] | PlanInput['volumes'][number]) {
  return without
    .filter((technique) => !OPTIONAL_TECHNIQUES.includes(technique))
    .map(
      (technique) =>
        `\`without\` of ${name} must be of ${OPTIONAL_TECHNIQUES.join(', ')}, got ${technique}: ` +
        'what undoes a deletion cannot be left out',
    );
}

/** What a drill of something else measured would be left out in silence. */
const unknownMeasured = (measured: readonly MeasuredRecovery[], times: readonly RecoveryTime[]): string[] =>
  measured
    .filter(({ component }) => !times.some((time) => time.component === component))
    .map(
      ({ component, drill }) =>
        `drill ${drill} measured ${component}, which this plan has not: its time is not used; name the component so`,
    );
