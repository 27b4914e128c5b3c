import type { DurableContext } from '@aws/durable-execution-sdk-js';
import { readPastDrills } from './report/history';
import { describeError, Journal } from './steps';
import type { Surroundings } from './surroundings';
import type { Course } from './verdict';

/** Reads what earlier drills reported. Never throws: without them the drill says less, and says so. */
export async function pastDrills(
  context: DurableContext,
  { aws, settings, deployment, drillId }: Surroundings,
): Promise<Pick<Course, 'past' | 'pastUnreadable'>> {
  try {
    const past = await new Journal(aws.clock).step(context, 'read earlier drills', () =>
      readPastDrills(aws.s3, settings.bucket, deployment, { but: drillId, site: settings.site }),
    );
    return { past };
  } catch (error) {
    return { pastUnreadable: describeError(error) };
  }
}
