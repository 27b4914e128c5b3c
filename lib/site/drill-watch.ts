import { Annotations, Duration, type RemovalPolicy } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as events from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { Alarms } from '../monitoring/alarms';
import { drillMetric } from '../monitoring/drill-metrics';
import { mayPutMetrics } from '../monitoring/may-put-metrics';
import { alarmOnErrors } from '../notifications/failure-topic';
import { longestGapSeconds } from '../planning/schedule-gap';
import type { Site } from '../planning/plan-document';
import { drillsPrefix } from '../private/bucket-layout';
import { DRILL_OVERDUE, watchDimensions } from '../private/metrics';
import { recoveryFunction } from '../private/recovery-function';

export interface DrillWatchOptions {
  readonly site: Site;
  /** Where drills leave their reports. */
  readonly bucket: s3.IBucket;
  /** The longest time that a drill may take. */
  readonly drillTimeout: Duration;
  readonly removalPolicy: RemovalPolicy;
}

/** Whether drills of the schedule are watched: it must tell how far apart they are. */
export const isWatched = (schedule: events.Schedule | undefined): boolean =>
  schedule !== undefined && longestGapSeconds(schedule.expressionString) !== undefined;

/** How often it is looked. */
const INTERVAL = Duration.hours(1);

/**
 * Raises an alarm where an expected drill left no verdict, whatever the reason (the schedule was disabled, the function
 * throttled), when the next one should have reported.
 *
 * A function looks into the bucket every hour, since an alarm over the drill's own metric would look back no further than
 * seven days (CloudWatch: period times evaluation periods), which is less than from one weekly drill to the end of the next.
 */
export class DrillWatch extends Construct {
  private watcher?: lambda.Function;

  public constructor(
    scope: Construct,
    id: string,
    private readonly options: DrillWatchOptions,
  ) {
    super(scope, id);
  }

  /** Watches the drills of a deployment. */
  public add(deployment: string, schedule: events.Schedule): void {
    const { site, bucket, drillTimeout } = this.options;
    const gap = longestGapSeconds(schedule.expressionString);
    if (gap === undefined) {
      Annotations.of(this).addWarningV2(
        'cdk-wso2is-recovery:drillsNotWatched',
        `the schedule of the drills of ${deployment}, ${schedule.expressionString}, does not tell how far apart they are: ` +
          'no alarm is raised where one is missing; write it without L, W, # and years',
      );
      return;
    }
    const fn = (this.watcher ??= this.watchFunction());
    fn.addToRolePolicy(
      new iam.PolicyStatement({
        actions: ['s3:GetObject'],
        resources: [bucket.arnForObjects(`${drillsPrefix(deployment, site)}*`)],
      }),
    );
    fn.addToRolePolicy(
      new iam.PolicyStatement({
        actions: ['s3:PutObject'],
        resources: [bucket.arnForObjects(`${drillsPrefix(deployment, site)}watched-since.json`)],
      }),
    );
    new events.Rule(this, `Schedule-${deployment}`, {
      description: `Looks whether drills of ${deployment} leave their verdicts`,
      schedule: events.Schedule.rate(INTERVAL),
      targets: [
        new LambdaFunction(fn, {
          event: events.RuleTargetInput.fromObject({
            deployment,
            ...(site === 'in-region' && { site }),
            longestGapSeconds: gap,
            drillTimeoutSeconds: drillTimeout.toSeconds(),
          }),
        }),
      ],
    });
    const overdue = drillMetric(DRILL_OVERDUE, deployment, {
      period: INTERVAL,
      dimensionsMap: watchDimensions(deployment, site),
    });
    Alarms.make(this, `Overdue-${deployment}`, overdue, {
      alarmDescription:
        `No drill of ${deployment} left a verdict in time (${schedule.expressionString}): its recovery is unproven. ` +
        `Look at the executions of the drill function, and at its rule. Without data: the watch itself does not run.`,
      threshold: 1,
      // An hour without its run does not matter, three do.
      evaluationPeriods: 3,
      datapointsToAlarm: 1,
      comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      // A new alarm has no data yet, and must not say that the watch broke; the change to "insufficient data" says it.
      treatMissingData: cloudwatch.TreatMissingData.MISSING,
      told: { tellsWithoutData: true },
    });
  }

  private watchFunction(): lambda.Function {
    const { bucket, removalPolicy } = this.options;
    const fn = recoveryFunction(this, 'Function', {
      bundle: 'watch',
      description: 'Looks whether drills left their verdicts in time',
      removalPolicy,
      environment: { BUCKET: bucket.bucketName },
    });
    // Without it S3 answers a report that is missing with "access denied".
    fn.addToRolePolicy(new iam.PolicyStatement({ actions: ['s3:ListBucket'], resources: [bucket.bucketArn] }));
    fn.addToRolePolicy(mayPutMetrics());
    alarmOnErrors(fn);
    return fn;
  }
}
