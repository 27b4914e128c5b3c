/** What cannot be met: the arithmetic, the nearest that can, and what would have to change. */
import { type Candidate, objectiveAt, SITES, type SiteObjectives, tightestAt } from './choose';
import { formatDuration } from './duration';
import { databaseCandidates, type PlanContext } from './plan-database';
import type { PlanLine, Site } from './plan-document';
import type { DatabaseInput, InfeasibleObjective, VolumeInput } from './plan-types';
import { areKnown } from './rds-windows';
import { lockAllowsContinuous, MAX_CONTINUOUS_DAYS } from './retention';
import { volumeCandidates } from './plan-volume';

/** A change of architecture or of input, with the candidates that there would be then. */
interface Remedy {
  /** Where it is worth its effort. Default: at both sites. */
  readonly site?: Site;
  readonly change: string;
  readonly candidates: () => readonly Candidate<unknown>[];
}

export function databaseInfeasible(
  database: DatabaseInput,
  candidates: readonly Candidate<unknown>[],
  context: PlanContext,
): InfeasibleObjective[] {
  const planAs = (change: Partial<DatabaseInput>) => () => databaseCandidates({ ...database, ...change }, context);
  const global: Partial<DatabaseInput> = { kind: 'aurora-cluster', globalDatabase: true, without: [] };
  const aurora = database.kind === 'aurora-cluster';
  return unmet(database.name, candidates, context.objectives, [
    ...sameAccount(context, (changed) => databaseCandidates(database, changed)),
    ...(database.without?.length
      ? [{ change: `allow ${database.without.join(' and ')}`, candidates: planAs({ without: [] }) }]
      : []),
    ...(lockAllowsContinuous(context.vaultLock)
      ? []
      : [
          {
            change: `a vault lock whose minimum is at most ${MAX_CONTINUOUS_DAYS} days, which allows continuous backup`,
            candidates: () => databaseCandidates(database, { ...context, vaultLock: undefined }),
          },
        ]),
    ...(database.kind === 'multi-az-cluster'
      ? [
          {
            change: 'an RDS DB instance in place of the Multi-AZ DB cluster, a Multi-AZ instance deployment included',
            candidates: planAs({ kind: 'rds-instance' }),
          },
        ]
      : []),
    ...(!aurora && !areKnown(database)
      ? [
          {
            change: 'maintenance and backup windows that are known, so that the schedule keeps away from them',
            candidates: planAs({ maintenanceWindow: 'sun:03:00-sun:03:30', backupWindow: '02:00-02:30' }),
          },
        ]
      : []),
    ...(database.automatedBackups === false
      ? [
          {
            change: 'automated backups of the instance that are on: a backup retention of at least a day',
            candidates: planAs({ automatedBackups: true }),
          },
        ]
      : []),
    ...(aurora
      ? []
      : [
          {
            site: 'in-region' as const,
            change: 'an Aurora cluster in its place',
            candidates: planAs({ kind: 'aurora-cluster', without: [] }),
          },
        ]),
    {
      site: 'dr-site',
      change: `an Aurora Global Database${aurora ? '' : ' in its place'}, with a secondary cluster in the DR Region`,
      candidates: planAs(global),
    },
  ]);
}

export function volumeInfeasible(
  volume: VolumeInput,
  candidates: readonly Candidate<unknown>[],
  context: PlanContext,
): InfeasibleObjective[] {
  const { assumptions } = context;
  const quicker = Math.round(assumptions.exportSeconds / 10);
  return unmet(volume.name, candidates, context.objectives, [
    ...sameAccount(context, (changed) => volumeCandidates(volume, changed)),
    ...(volume.without?.length
      ? [
          {
            change: `allow ${volume.without.join(' and ')}`,
            candidates: () => volumeCandidates({ ...volume, without: [] }, context),
          },
        ]
      : []),
    {
      change: `exports that are known to take at most ${formatDuration(quicker)} (assumption exportSeconds)`,
      candidates: () =>
        volumeCandidates(volume, { ...context, assumptions: { ...assumptions, exportSeconds: quicker } }),
    },
  ]);
}

function sameAccount(
  context: PlanContext,
  candidates: (changed: PlanContext) => readonly Candidate<unknown>[],
): readonly Remedy[] {
  if (!context.siteInOtherAccount) return [];
  return [
    {
      site: 'dr-site',
      change: 'a DR site in the same account, since what RDS and EFS replicate by themselves stays in it',
      candidates: () => candidates({ ...context, siteInOtherAccount: false }),
    },
  ];
}

function unmet(
  component: string,
  candidates: readonly Candidate<unknown>[],
  objectives: SiteObjectives,
  remedies: readonly Remedy[],
): InfeasibleObjective[] {
  return SITES.flatMap((site) => {
    const { rpoSeconds } = objectiveAt(site, objectives);
    const nearest = tightestAt(site, candidates, objectives);
    if (nearest && nearest.worstCaseSeconds <= rpoSeconds) return [];
    return [
      {
        component,
        site,
        objective: 'rpo' as const,
        objectiveSeconds: rpoSeconds,
        nearestFeasibleSeconds: nearest?.worstCaseSeconds ?? null,
        reason: nearest
          ? `${arithmetic(nearest)} with ${nearest.technique}, the tightest there is`
          : 'nothing brings it there: AWS copies no snapshot of a Multi-AZ DB cluster, and replicates none of its backups',
        remedies: remedies.flatMap(({ site: only = site, change, candidates: changed }) => {
          if (only !== site) return [];
          const reached = tightestAt(site, changed(), objectives)?.worstCaseSeconds;
          return reached !== undefined && reached <= rpoSeconds ? [`${change}: ${formatDuration(reached)}`] : [];
        }),
      },
    ];
  });
}

/** `interval 1h + start window 1h = 2h`. */
export const arithmetic = ({ terms, worstCaseSeconds }: Pick<PlanLine, 'terms' | 'worstCaseSeconds'>) =>
  `${terms.map(({ name, seconds }) => `${name} ${formatDuration(seconds)}`).join(' + ')} = ${formatDuration(worstCaseSeconds)}`;
