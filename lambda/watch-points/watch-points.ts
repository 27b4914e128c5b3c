import { type CloudWatchClient, type MetricDatum, PutMetricDataCommand } from '@aws-sdk/client-cloudwatch';
import type { S3Client } from '@aws-sdk/client-s3';
import pMap from 'p-map';
import type { Site } from '../../lib/planning/plan-document';
import { planDocumentKey, PLANS_PREFIX } from '../../lib/private/bucket-layout';
import { COMPONENTS_SEEN, METRIC_NAMESPACE, RECOVERY_POINT_AGE } from '../../lib/private/metrics';
import { S3Store } from '../archive/s3-store';
import type { ComponentPoints } from '../drill/choose-recovery-set';
import { readPlan } from '../drill/read-plan';
import { ageSecondsOf, newestOf } from '../recovery-points/newest';
import { componentsOf, onlyComponent, seeSite, type SiteClients, type SiteToSee } from '../recovery-points/see-site';
import type { Logger } from '../shared/log';
import type { ComponentAge, ComponentUnseen, WatchPointsEvent, WatchPointsResult } from './contract';

export interface Surroundings extends SiteClients, SiteToSee {
  readonly cloudWatch: CloudWatchClient;
  readonly log: Logger;
  readonly now: () => Date;
}

/** AWS Backup and RDS throttle who asks for much at once. */
const COMPONENTS_IN_FLIGHT = 4;

/**
 * One component that cannot be seen hides no other: the metric that counts the components seen is lower then, and its alarm
 * says so.
 *
 * @throws where the plan cannot be read or the metrics cannot be put: then no metric is there, and the same alarm says so
 */
export async function watchPoints(
  { deployment }: WatchPointsEvent,
  surroundings: Surroundings,
): Promise<WatchPointsResult> {
  const { s3, bucket, site, cloudWatch, log, now } = surroundings;
  const plan = await readPlan(deployment, bucket, s3);
  const time = now();
  const publishedAt = await firstPublished(s3, bucket, planDocumentKey(deployment));
  const components = await pMap(
    componentsOf(plan),
    async (component): Promise<ComponentAge | ComponentUnseen> => {
      try {
        const [points] = await seeSite(onlyComponent(plan, component), surroundings, surroundings);
        return ageOf(points!, publishedAt, time);
      } catch (error) {
        const unseen = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
        log.error('the recovery points of a component cannot be seen', { component, site, reason: unseen });
        return { component, unseen };
      }
    },
    { concurrency: COMPONENTS_IN_FLIGHT },
  );
  await cloudWatch.send(
    new PutMetricDataCommand({
      Namespace: METRIC_NAMESPACE,
      MetricData: metricsOf(components, deployment, site, time),
    }),
  );
  return { components };
}

/** The age of the newest state, or that of the promise of which nothing was kept yet. */
export function ageOf(points: ComponentPoints, publishedAt: Date, now: Date): ComponentAge {
  const { component } = points;
  const newest = newestOf(points, now);
  return newest
    ? { component, ageSeconds: newest.ageSeconds, newest }
    : { component, ageSeconds: ageSecondsOf(publishedAt.getTime(), now) };
}

export function metricsOf(
  components: readonly (ComponentAge | ComponentUnseen)[],
  deployment: string,
  site: Site,
  time: Date,
): MetricDatum[] {
  const dimensions = [
    { Name: 'Deployment', Value: deployment },
    { Name: 'Site', Value: site },
  ];
  const seen = components.filter((each) => 'ageSeconds' in each);
  return [
    ...seen.map(({ component, ageSeconds }) => ({
      MetricName: RECOVERY_POINT_AGE,
      Value: ageSeconds,
      Unit: 'Seconds' as const,
      Timestamp: time,
      Dimensions: [...dimensions, { Name: 'Component', Value: component }],
    })),
    {
      MetricName: COMPONENTS_SEEN,
      Value: seen.length,
      Unit: 'Count' as const,
      Timestamp: time,
      Dimensions: dimensions,
    },
  ];
}

/** By the oldest version that the bucket keeps: a plan that is published anew forgives nothing. */
async function firstPublished(s3: S3Client, bucket: string, key: string): Promise<Date> {
  const times: number[] = [];
  for await (const { key: name, modified, deleted } of new S3Store(s3, bucket, PLANS_PREFIX).listVersions()) {
    if (PLANS_PREFIX + name === key && !deleted) times.push(modified.getTime());
  }
  if (times.length === 0) throw new Error(`s3://${bucket}/${key} has no version any more: deploy again`);
  return new Date(Math.min(...times));
}
