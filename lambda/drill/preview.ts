import type { DurableContext } from '@aws/durable-execution-sdk-js';
import type { RecoveryPlanDocument } from '../../lib/planning/plan-document';
import type { RecoverySet } from './choose-recovery-set';
import type { PreviewedComponent, RestorePreview } from './contract';
import { instanceIdentifierOf } from './drill-id';
import type { Asked } from './event';
import { disasterAt, objectivesOf } from './objectives';
import { choose } from './run';
import { Journal } from './steps';
import type { Surroundings } from './surroundings';

/**
 * What would be restored. Looks, and changes nothing.
 *
 * @throws DrillError where there is no plan, or the export asked for is not there: nobody waits for a report here
 */
export async function preview(
  context: DurableContext,
  surroundings: Surroundings,
  asked: Asked,
  startedAt: string,
): Promise<RestorePreview> {
  const { aws, settings, deployment, mode } = surroundings;
  const { plan, recoverySet } = await choose(context, new Journal(aws.clock), surroundings, asked, startedAt);
  const { moment, skewSeconds, passedOver, missing } = recoverySet;
  const expected = plan.recoveryTimes.find(({ component, site }) => component === ALL && site === settings.site);
  return {
    outcome: 'PREVIEW',
    mode,
    deployment,
    region: settings.region,
    site: settings.site,
    chosenAt: startedAt,
    complete: missing.length === 0,
    components: componentsOf(surroundings, plan, recoverySet),
    passedOver,
    ...(moment === undefined
      ? {}
      : { moment, lossSeconds: (Date.parse(disasterAt(startedAt, asked.at)) - Date.parse(moment)) / 1000 }),
    ...(skewSeconds === undefined ? {} : { skewSeconds }),
    objectives: objectivesOf(plan, settings.site),
    ...(expected === undefined ? {} : { expectedSeconds: expected.seconds }),
  };
}

/** What the planner calls the time until everything is usable. */
const ALL = 'all together';

function componentsOf(
  { settings, drillId }: Surroundings,
  { databases, volumes }: RecoveryPlanDocument,
  { chosen, missing }: RecoverySet,
): readonly PreviewedComponent[] {
  const componentOf = (component: string, kind: PreviewedComponent['kind'], wouldMake: string): PreviewedComponent => {
    const point = chosen.find((each) => each.component === component);
    if (point !== undefined) {
      const { technique, id, moment } = point;
      return { component, kind, technique, restoredFrom: id, moment, wouldMake };
    }
    const reason = missing.find((each) => each.component === component)?.reason;
    return { component, kind, ...(reason === undefined ? {} : { reason }) };
  };
  return [
    ...databases.map(({ name, kind }, index) =>
      componentOf(
        name,
        'database',
        `${kind === 'rds-instance' ? 'DB instance' : 'DB cluster'} ${instanceIdentifierOf(drillId, index, name)}`,
      ),
    ),
    ...volumes.map(({ name, mountedAt }) =>
      componentOf(
        name,
        'volume',
        `folder ${[settings.restoreRoot, drillId, mountedAt].filter(Boolean).join('/')} of file system ` +
          settings.restoreFileSystemId,
      ),
    ),
  ];
}
