import { Aws } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import { SnsDestination } from 'aws-cdk-lib/aws-lambda-destinations';
import * as sns from 'aws-cdk-lib/aws-sns';
import { Duration } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { Alarms } from '../monitoring/alarms';
import { METRIC_NAMESPACE } from '../private/metrics';

/** The topic that everything that fails reaches; encrypted, TLS only. */
export function failureTopic(scope: Construct, id: string, key: kms.IKey): sns.Topic {
  const topic = new sns.Topic(scope, id, {
    displayName: 'WSO2 Identity Server recovery',
    masterKey: key,
    enforceSSL: true,
  });
  // By account: any alarm of it may tell.
  topic.addToResourcePolicy(
    new iam.PolicyStatement({
      principals: [new iam.ServicePrincipal('cloudwatch.amazonaws.com')],
      actions: ['sns:Publish'],
      resources: [topic.topicArn],
      conditions: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } },
    }),
  );
  return topic;
}

/** How an execution of a durable function ends badly. */
const FAILED_EXECUTION_METRICS = {
  Failed: 'DurableExecutionFailed',
  TimedOut: 'DurableExecutionTimedOut',
  Stopped: 'DurableExecutionStopped',
} as const;

/**
 * Alarms over the executions of a durable function that failed within five minutes. Lambda counts as errors only invocations:
 * an execution may fail though each of its invocations ended well.
 */
export function alarmOnFailedExecutions(fn: lambda.Function): void {
  for (const [how, metricName] of Object.entries(FAILED_EXECUTION_METRICS)) {
    alarmOnAny(fn, `${how}Alarm`, sumOf(fn, metricName));
  }
  alarmOnDroppedEvents(fn);
}

/** An alarm over events of a schedule that never became an execution. */
export function alarmOnDroppedEvents(fn: lambda.Function): void {
  alarmOnAny(fn, 'DroppedAlarm', sumOf(fn, 'AsyncEventsDropped'));
}

const sumOf = (fn: lambda.Function, metricName: string) =>
  fn.metric(metricName, { statistic: 'Sum', period: ALARM_PERIOD });

/** An asynchronous invocation that failed for good sends its error; an alarm shows that it happened, also when throttled. */
export function notifyOfFunction(fn: lambda.Function, topic: sns.ITopic, retryAttempts: number): void {
  fn.configureAsyncInvoke({ onFailure: new SnsDestination(topic), retryAttempts, maxEventAge: Duration.hours(1) });
  alarmOnErrors(fn);
}

/** An alarm over the function's errors of five minutes. */
export function alarmOnErrors(fn: lambda.Function): void {
  alarmOnAny(fn, 'ErrorsAlarm', fn.metricErrors({ period: ALARM_PERIOD }));
}

export interface LoggedText {
  /** As it is in the line. */
  readonly text: string;
  /** Of the metric that counts such lines, in the account and Region. */
  readonly metricName: string;
}

/**
 * An alarm over lines of an hour in the function's log that hold a text: of what is no failure and must be known. An hour, so that what
 * every run says anew is one alarm and not one for each.
 */
export function alarmOnLogged(fn: lambda.Function, id: string, { text, metricName }: LoggedText) {
  const filter = fn.logGroup.addMetricFilter(`${id}Filter`, {
    filterPattern: logs.FilterPattern.literal(JSON.stringify(text)),
    metricNamespace: METRIC_NAMESPACE,
    metricName,
  });
  const metric = filter.metric({ statistic: 'Sum', period: Duration.hours(1) });
  alarmOnAny(fn, `${id}Alarm`, metric, `${fn.node.path} logged "${text}": its log group names what`);
}

const ALARM_PERIOD = Duration.minutes(5);

function alarmOnAny(
  fn: lambda.Function,
  id: string,
  metric: cloudwatch.Metric,
  alarmDescription = `${fn.node.path} failed: its log group holds the reason`,
): void {
  Alarms.make(fn, id, metric, {
    alarmDescription,
    threshold: 1,
    evaluationPeriods: 1,
    comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
  });
}
