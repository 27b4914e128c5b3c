import type { RecoveryObjectives } from '../objectives/recovery-objectives';
import type { Site, Technique } from '../planning/plan-document';
import type { PlanResult } from '../planning/plan-types';
import type { WatchedDeployment } from './point-watch';

/** How far it has come is known to CloudWatch alone (`AuroraGlobalDBReplicationLag`); the watch would see older points. */
const NOT_MEASURED: Technique = 'aurora-global-database';

/** What the plan of a deployment promises at a site. Pure. */
export function watchedAt(
  site: Site,
  deployment: string,
  { databases, volumes, lines }: PlanResult,
  objectives: RecoveryObjectives,
): WatchedDeployment {
  const { inRegion, drSite } = objectives._toSeconds();
  const here = lines.filter((line) => line.site === site);
  return {
    deployment,
    databases: databases.map(({ name }) => name),
    volumes: volumes.map(({ name }) => name),
    notMeasured: here
      .filter(({ purpose, technique }) => purpose === 'promise' && technique === NOT_MEASURED)
      .map(({ component }) => component),
    ...(site === 'dr-site' ? drSite : inRegion),
    techniques: here.map(({ technique }) => technique),
  };
}
