import { Duration, Stack } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';
import { formatDuration } from '../planning/duration';
import type { Site } from '../planning/plan-document';
import { DRILL_AGE, DRILL_METRICS, EXPORT_METRICS, watchDimensions } from '../private/metrics';
import type { Alarms } from './alarms';
import { drillMetric } from './drill-metrics';
import { exportMetric } from './export-metrics';
import { recoveryPointAge, watchIntervalMinutes } from './recovery-point-age';
import type { WatchedDeployment } from './point-watch';

export interface ShownDeployment extends Pick<
  WatchedDeployment,
  'deployment' | 'databases' | 'volumes' | 'notMeasured'
> {
  /** Objectives of the site. */
  readonly rpoSeconds: number;
  readonly rtoSeconds: number;
  /** Whether drills can run at the site. */
  readonly drills: boolean;
  /** Whether somebody measures how long ago the last was: where it is known when the next must come. */
  readonly drillsWatched: boolean;
  /** Volumes whose exports put their metrics in this Region. */
  readonly exported: readonly string[];
}

/** CloudWatch's grid is 24 wide. */
const WIDTH = 24;
/** Fits some thirty alarms; CloudWatch scrolls where there are more. */
const ALARMS_HEIGHT = 5;
const AGE = { width: 6, height: 5 } as const;
const HEIGHT = 6;

/** Drills may be a month apart. */
const DRILL_HISTORY = '-P90D';
const EXPORT_HISTORY = '-P7D';
const DAY = Duration.days(1);
const HOUR = Duration.hours(1);

const RED = '#d13212';
const GREEN = '#1d8102';

/**
 * What an on-call person looks at first: alarms, green or red, at the top; below, for each component, how old the newest
 * usable point is against its objective; then drills and exports. Of its own Region alone.
 */
export class RecoveryDashboard {
  private readonly dashboard: cloudwatch.Dashboard;

  /** @param name unique in the account: CloudWatch's dashboards belong to no Region */
  public constructor(
    scope: Construct,
    id: string,
    name: string,
    private readonly site: Site,
    alarms: Alarms,
  ) {
    this.dashboard = new cloudwatch.Dashboard(scope, id, { dashboardName: name });
    this.dashboard.addWidgets(
      new cloudwatch.AlarmStatusWidget({
        title: `Recovery in ${Stack.of(scope).region}: every alarm must be green (docs/operations.md says what each means)`,
        // More are made after this one is.
        alarms: alarms.made,
        width: WIDTH,
        height: ALARMS_HEIGHT,
      }),
    );
  }

  /** Adds the rows of a deployment. */
  public add(shown: ShownDeployment): void {
    for (const row of [...inRows(this.ages(shown)), drillsOf(shown, this.site), exportsOf(shown)]) {
      if (row.length > 0) this.dashboard.addWidgets(...row);
    }
  }

  private ages({ deployment, databases, volumes, notMeasured, rpoSeconds }: ShownDeployment): cloudwatch.IWidget[] {
    const { name, seconds } = rpoSeconds < 48 * 3600 ? UNITS.minutes : UNITS.hours;
    const objective = rpoSeconds / seconds;
    return [...databases, ...volumes].map((component) => {
      if (notMeasured.includes(component)) {
        return new cloudwatch.TextWidget({
          ...AGE,
          markdown: `**${deployment} ${component}**\n\nNot measured here: see AuroraGlobalDBReplicationLag of its cluster.`,
        });
      }
      const period = Duration.minutes(watchIntervalMinutes(rpoSeconds));
      const age = recoveryPointAge(deployment, this.site, component, { period });
      return new cloudwatch.GaugeWidget({
        ...AGE,
        title: `${deployment} ${component}: newest usable point, ${name} (objective ${formatDuration(rpoSeconds)})`,
        metrics: [
          new cloudwatch.MathExpression({
            expression: `age / ${seconds}`,
            usingMetrics: { age },
            label: name,
            period,
          }),
        ],
        leftYAxis: { min: 0, max: objective * 1.5 },
        annotations: [
          { value: objective, color: GREEN, fill: cloudwatch.Shading.BELOW },
          { value: objective, color: RED, fill: cloudwatch.Shading.ABOVE, label: 'objective' },
        ],
      });
    });
  }
}

const UNITS = { minutes: { name: 'minutes', seconds: 60 }, hours: { name: 'hours', seconds: 3600 } } as const;

function inRows(widgets: readonly cloudwatch.IWidget[]): cloudwatch.IWidget[][] {
  const rows: cloudwatch.IWidget[][] = [];
  const inRow = WIDTH / AGE.width;
  for (let at = 0; at < widgets.length; at += inRow) rows.push(widgets.slice(at, at + inRow));
  return rows;
}

function drillsOf(shown: ShownDeployment, site: Site): cloudwatch.IWidget[] {
  const { deployment, drills, drillsWatched, rpoSeconds, rtoSeconds } = shown;
  if (!drills) return [];
  const metric = (name: string, label: string, period = DAY, statistic: string = cloudwatch.Stats.MAXIMUM) =>
    drillMetric(name, deployment, { label, period, statistic });
  const dimensionsMap = { ...watchDimensions(deployment, site) };
  const age = drillMetric(DRILL_AGE, deployment, { label: 'age', period: HOUR, dimensionsMap });
  const daysSince = new cloudwatch.MathExpression({
    expression: 'age / 86400',
    usingMetrics: { age },
    label: 'days since',
    period: HOUR,
  });
  const history = { width: 9, height: HEIGHT, start: DRILL_HISTORY, end: 'P0D', leftYAxis: { min: 0 } };
  return [
    new cloudwatch.SingleValueWidget({
      title: `${deployment}: last drill (passed: 1, failed: 0${drillsWatched ? '; age in days' : ''})`,
      width: 6,
      height: HEIGHT,
      start: DRILL_HISTORY,
      end: 'P0D',
      metrics: [
        metric(DRILL_METRICS.passed, 'passed', DAY, cloudwatch.Stats.MINIMUM),
        ...(drillsWatched ? [daysSince] : []),
      ],
    }),
    ...(
      [
        ['loss that drills measured, seconds', DRILL_METRICS.rpo, rpoSeconds],
        ['recovery time that drills measured, seconds', DRILL_METRICS.rto, rtoSeconds],
      ] as const
    ).map(
      ([what, name, value]) =>
        new cloudwatch.GraphWidget({
          ...history,
          title: `${deployment}: ${what}`,
          left: [metric(name, name)],
          leftAnnotations: [{ value, color: RED, label: `objective ${formatDuration(value)}` }],
        }),
    ),
  ];
}

function exportsOf({ deployment, exported }: ShownDeployment): cloudwatch.IWidget[] {
  if (exported.length === 0) return [];
  const graph = (title: string, left: readonly string[], right: readonly string[] = []) => {
    const metrics = (names: readonly string[]) =>
      exported.flatMap((volume) =>
        names.map((name) => exportMetric(name, deployment, volume, { label: `${volume} ${name}`, period: HOUR })),
      );
    return new cloudwatch.GraphWidget({
      title: `${deployment} exports: ${title}`,
      width: 8,
      height: HEIGHT,
      start: EXPORT_HISTORY,
      end: 'P0D',
      left: metrics(left),
      right: metrics(right),
      leftYAxis: { min: 0 },
      rightYAxis: { min: 0 },
    });
  };
  return [
    graph('seconds', [EXPORT_METRICS.duration]),
    graph('files that changed, paths that could not be read', [EXPORT_METRICS.changed, EXPORT_METRICS.skipped]),
    graph('files, bytes (right)', [EXPORT_METRICS.files], [EXPORT_METRICS.bytes]),
  ];
}
