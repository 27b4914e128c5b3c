import { type MetricDatum, PutMetricDataCommand, type StandardUnit } from '@aws-sdk/client-cloudwatch';
import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { PublishCommand } from '@aws-sdk/client-sns';
import type { DurableContext } from '@aws/durable-execution-sdk-js';
import { DRILL_METRICS, METRIC_NAMESPACE } from '../../lib/private/metrics';
import type { DrillReport } from './contract';
import { duration as inWords } from './report/format';
import { nextSteps } from './report/next-steps';
import { renderReport } from './report/render-report';
import { reportPrefix } from './report-key';
import { describeError, DrillError, Journal } from './steps';
import type { Surroundings } from './surroundings';

const EVENT_SOURCE = 'wso2is-recovery';
const EVENT_DETAIL_TYPES = { drill: 'Drill Finished', recover: 'Recovery Finished' } as const;

/**
 * Tells the world: report, metrics, event, and a message where a person must look. Each is tried whatever became of the
 * others.
 *
 * @throws DrillError where one of them could not be told: a drill that nobody hears of must not look as if all was well.
 */
export async function publish(context: DurableContext, surroundings: Surroundings, report: DrillReport): Promise<void> {
  const { aws, settings } = surroundings;
  const prefix = reportPrefix(report);
  const journal = new Journal(aws.clock);
  const failures: string[] = [];
  const tell = async (name: string, send: () => Promise<unknown>) => {
    try {
      await journal.step(context, name, () => send().then(() => null));
    } catch (error) {
      failures.push(describeError(error));
    }
  };

  await tell('write report.json', () =>
    aws.s3.send(
      new PutObjectCommand({
        Bucket: settings.bucket,
        Key: `${prefix}report.json`,
        Body: `${JSON.stringify(report, null, 2)}\n`,
        ContentType: 'application/json',
      }),
    ),
  );
  await tell('write report.html', () =>
    aws.s3.send(
      new PutObjectCommand({
        Bucket: settings.bucket,
        Key: `${prefix}report.html`,
        Body: renderReport(report),
        ContentType: 'text/html; charset=utf-8',
      }),
    ),
  );
  // The metrics are those of drills: an alarm must not take a recovery for one.
  if (report.mode === 'drill')
    await tell('put metrics', async () => {
      // PutMetricData takes 1,000 at once; no deployment has so many components.
      await aws.cloudWatch.send(
        new PutMetricDataCommand({ Namespace: METRIC_NAMESPACE, MetricData: metricsOf(report) }),
      );
    });
  await tell('put event', async () => {
    const answer = await aws.eventBridge.send(
      new PutEventsCommand({
        Entries: [
          {
            Source: EVENT_SOURCE,
            DetailType: EVENT_DETAIL_TYPES[report.mode],
            Detail: JSON.stringify(eventDetailOf(report, `s3://${settings.bucket}/${prefix}`)),
          },
        ],
      }),
    );
    // PutEvents answers 200 also when it took none of them.
    const [entry] = answer.Entries ?? [];
    if ((answer.FailedEntryCount ?? 0) > 0) throw new DrillError(`${entry?.ErrorCode}: ${entry?.ErrorMessage}`);
  });
  // Of a recovery everybody wants to hear.
  if (report.verdict !== 'PASSED' || report.mode === 'recover') {
    await tell('notify', () =>
      aws.sns.send(
        new PublishCommand({
          TopicArn: settings.topicArn,
          // SNS takes up to 100 characters, ASCII.
          Subject: `${NAMES[report.mode]} ${report.verdict}: ${report.deployment}`.slice(0, 100),
          Message: messageOf(report, `s3://${settings.bucket}/${prefix}report.html`),
        }),
      ),
    );
  }
  if (failures.length > 0) {
    throw new DrillError(
      `${NAMES[report.mode]} ${report.drillId} ended ${report.verdict}, but: ${failures.join('; ')}`,
    );
  }
}

const NAMES = { drill: 'Recovery drill', recover: 'Recovery' } as const;

function metricsOf(report: DrillReport): MetricDatum[] {
  const datum = (name: string, value: number | undefined, unit: StandardUnit, component?: string): MetricDatum[] =>
    value === undefined
      ? []
      : [
          {
            MetricName: name,
            Value: value,
            Unit: unit,
            Timestamp: new Date(report.endedAt),
            Dimensions: [
              { Name: 'Deployment', Value: report.deployment },
              ...(component === undefined ? [] : [{ Name: 'Component', Value: component }]),
            ],
          },
        ];
  const { passed, duration, rpo, rto } = DRILL_METRICS;
  const durationSeconds = (Date.parse(report.endedAt) - Date.parse(report.startedAt)) / 1000;
  return [
    ...datum(passed, report.verdict === 'FAILED' ? 0 : 1, 'Count'),
    ...datum(duration, durationSeconds, 'Seconds'),
    ...datum(rpo, report.measuredRpoSeconds, 'Seconds'),
    ...datum(rto, report.measuredRtoSeconds, 'Seconds'),
    ...report.components.flatMap(({ component, measuredRpoSeconds, measuredRtoSeconds }) => [
      ...datum(rpo, measuredRpoSeconds, 'Seconds', component),
      ...datum(rto, measuredRtoSeconds, 'Seconds', component),
    ]),
  ];
}

/** EventBridge and SNS take 256 KB: the first causes, each as long as a person reads, and where the rest is. */
const FIRST = 20;
const LONGEST_SENTENCE = 1000;

const firstOf = (sentences: readonly string[]) =>
  sentences
    .slice(0, FIRST)
    .map((sentence) => (sentence.length > LONGEST_SENTENCE ? `${sentence.slice(0, LONGEST_SENTENCE - 1)}…` : sentence));

/** `docs/drill-event.schema.json` */
function eventDetailOf(report: DrillReport, location: string) {
  const { mode, site, drillId, deployment, region, verdict, startedAt, endedAt, objectives } = report;
  const { measuredRpoSeconds, measuredRtoSeconds, skewSeconds, cleanUp } = report;
  return {
    formatVersion: 1,
    mode,
    site,
    drillId,
    deployment,
    region,
    verdict,
    causes: firstOf(report.causes),
    warnings: firstOf(report.warnings),
    startedAt,
    endedAt,
    objectives,
    measuredRpoSeconds,
    measuredRtoSeconds,
    skewSeconds,
    cleanUpComplete: cleanUp.complete,
    report: `${location}report.json`,
  };
}

/** In the order in which a person who was woken up asks. */
function messageOf(report: DrillReport, location: string): string {
  const { mode, drillId, deployment, region, verdict, objectives, measuredRpoSeconds, measuredRtoSeconds } = report;
  const section = (title: string, lines: readonly string[]) =>
    lines.length === 0 ? [] : ['', title, ...firstOf(lines).map((line) => `- ${line}`)];
  const measured = (name: string, seconds: number | undefined, objective: number | undefined) =>
    `${name}: ${seconds === undefined ? 'not measured' : inWords(seconds)}` +
    (objective === undefined ? '' : ` (objective: ${inWords(objective)})`);
  return [
    `The ${NAMES[mode].toLowerCase()} of ${deployment} in ${region} ended ${verdict}.`,
    ...section('Causes, the first one first:', report.causes),
    ...section('Warnings:', report.warnings),
    '',
    measured('Loss (RPO)', measuredRpoSeconds, objectives?.rpoSeconds),
    measured('Recovery time (RTO)', measuredRtoSeconds, objectives?.rtoSeconds),
    ...section('What to do next:', nextSteps(report)),
    '',
    `Report: ${location}`,
    `To read it: aws s3 cp ${location} . --region ${region}`,
    `${mode === 'drill' ? 'Drill' : 'Recovery'}: ${drillId}`,
    '',
  ].join('\n');
}
