// The pages cannot be looked at without AWS: what is on them, and where, is read from their bodies.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Duration } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as events from 'aws-cdk-lib/aws-events';
import { Fixture, objectives } from '../fixture';

interface Widget {
  readonly type: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly properties: Record<string, unknown>;
}

/** References become their logical ids. */
function bodyOf(template: Template): { readonly text: string; readonly widgets: readonly Widget[] } {
  const dashboards = Object.values(template.findResources('AWS::CloudWatch::Dashboard'));
  assert.equal(dashboards.length, 1);
  const { DashboardBody } = dashboards[0]!['Properties'] as { DashboardBody: unknown };
  const parts = typeof DashboardBody === 'string' ? [DashboardBody] : joined(DashboardBody);
  const text = parts
    .map((part) =>
      typeof part === 'string'
        ? part
        : Object.values(part as object)
            .flat()
            .join('.'),
    )
    .join('');
  return { text, widgets: (JSON.parse(text) as { widgets: Widget[] }).widgets };
}

const joined = (body: unknown) => (body as { 'Fn::Join': [string, unknown[]] })['Fn::Join'][1];

const fixture = new Fixture();
fixture.addRecovery({ deploymentName: 'prod', objectives: objectives(Duration.hours(1), Duration.hours(7)) });
const [primary, dr] = [Template.fromStack(fixture.stack), Template.fromStack(fixture.siteStack)];
const SITES = [
  { site: 'in-region', template: primary, other: 'eu-west-1', minutes: 60 },
  { site: 'dr-site', template: dr, other: 'eu-central-1', minutes: 420 },
] as const;

for (const { site, template, other, minutes } of SITES) {
  describe(`the dashboard: ${site}`, () => {
    const { text, widgets } = bodyOf(template);

    test('at the top, over the whole width, every alarm of the Region', () => {
      const [first] = widgets;
      assert.deepEqual([first?.type, first?.x, first?.y, first?.width], ['alarm', 0, 0, 24]);
      const alarms = Object.keys(template.findResources('AWS::CloudWatch::Alarm'));
      assert.deepEqual(
        (first?.properties['alarms'] as string[]).map((arn) => arn.split('.')[0]).sort(),
        alarms.toSorted(),
      );
    });

    test('then how old the newest usable point of each component is: green up to the objective, red above', () => {
      const gauges = widgets.filter(({ properties }) => properties['view'] === 'gauge');
      assert.deepEqual(
        gauges.map(({ properties }) => (properties['title'] as string).split(':')[0]),
        ['prod database', 'prod repository'],
      );
      for (const { y, properties } of gauges) {
        assert.equal(y, widgets[0]!.height);
        assert.deepEqual(properties['annotations'], {
          horizontal: [
            { value: minutes, color: '#1d8102', fill: 'below' },
            { value: minutes, color: '#d13212', fill: 'above', label: 'objective' },
          ],
        });
        assert.deepEqual(properties['yAxis'], { left: { min: 0, max: minutes * 1.5 } });
        const [expression, age] = properties['metrics'] as [[{ expression: string }], unknown[]];
        assert.equal(expression[0].expression, 'age / 60');
        assert.deepEqual(age.slice(0, 8), [
          'WSO2IS/Recovery',
          'RecoveryPointAge',
          'Component',
          'database' === age[3] ? 'database' : 'repository',
          'Deployment',
          'prod',
          'Site',
          site,
        ]);
      }
    });

    test('no widget lies over another, none leaves the grid', () => {
      const taken = new Map<string, number>();
      for (const [index, { x, y, width, height }] of widgets.entries()) {
        assert.ok(x >= 0 && x + width <= 24, `widget ${index}: ${x} + ${width}`);
        for (let column = x; column < x + width; column += 1) {
          for (let row = y; row < y + height; row += 1) {
            assert.equal(taken.get(`${column},${row}`), undefined, `widget ${index} lies over another`);
            taken.set(`${column},${row}`, index);
          }
        }
      }
    });

    test('it asks nothing of the other Region', () => {
      assert.doesNotMatch(text, new RegExp(other));
      for (const { type, properties } of widgets) {
        if (type === 'metric') assert.equal(properties['region'], 'AWS::Region');
      }
    });
  });
}

describe('below', () => {
  const metricsOf = (template: Template) =>
    bodyOf(template).widgets.flatMap(({ properties }) =>
      ((properties['metrics'] ?? []) as unknown[][]).map((metric) => String(metric[1])),
    );

  test('drills at the DR site, for three months, with the objectives', () => {
    for (const name of ['DrillPassed', 'DrillAge', 'MeasuredRpo', 'MeasuredRto']) {
      assert.ok(metricsOf(dr).includes(name), name);
    }
    const history = bodyOf(dr).widgets.filter(({ properties }) =>
      /that drills measured/.test(String(properties['title'])),
    );
    assert.deepEqual(
      history.map(({ properties }) => [
        properties['start'],
        (properties['annotations'] as { horizontal: { value: number }[] }).horizontal[0]?.value,
      ]),
      [
        ['-P90D', 7 * 3600],
        ['-P90D', 8 * 3600],
      ],
    );
  });

  test('exports in the primary Region; drills there only where they run', () => {
    for (const name of ['ExportDuration', 'ExportFiles', 'ExportBytes', 'ExportChanged', 'ExportSkipped']) {
      assert.ok(metricsOf(primary).includes(name), name);
      assert.ok(!metricsOf(dr).includes(name), name);
    }
    assert.ok(!metricsOf(primary).includes('DrillPassed'));
    const inRegion = new Fixture();
    inRegion.addRecovery({ inRegionRecovery: {} });
    assert.ok(metricsOf(Template.fromStack(inRegion.stack)).includes('DrillPassed'));
  });

  test('how long ago the last drill was, where somebody measures it', () => {
    const metrics = (drillSchedule?: events.Schedule) => {
      const fixture = new Fixture();
      fixture.addRecovery({ inRegionRecovery: { drillSchedule } });
      return metricsOf(Template.fromStack(fixture.stack));
    };
    assert.ok(metrics(events.Schedule.rate(Duration.days(7))).includes('DrillAge'));
    assert.ok(!metrics().includes('DrillAge'));
    // The last Friday of a month: how far apart they are is not known.
    assert.ok(!metrics(events.Schedule.expression('cron(0 3 ? * 6L *)')).includes('DrillAge'));
  });

  test('a component that is not measured says so', () => {
    const { site, siteStack } = new Fixture();
    site._register(
      {
        deployment: 'prod',
        databases: ['aurora'],
        volumes: [],
        notMeasured: ['aurora'],
        rpoSeconds: 60,
        rtoSeconds: 3600,
        techniques: [],
      },
      undefined,
    );
    const texts = bodyOf(Template.fromStack(siteStack)).widgets.filter(({ type }) => type === 'text');
    assert.match(String(texts[0]?.properties['markdown']), /prod aurora[^]*Not measured/);
  });

  test('an objective of days is told in hours', () => {
    const days = new Fixture();
    days.addRecovery({ objectives: objectives(Duration.hours(1), Duration.hours(48)) });
    const gauge = bodyOf(Template.fromStack(days.siteStack)).widgets.find(
      ({ properties }) => properties['view'] === 'gauge',
    );
    assert.deepEqual(gauge?.properties['yAxis'], { left: { min: 0, max: 72 } });
  });
});

test('their names are unique in the account; none is made where nobody wants one', () => {
  const nameOf = (template: Template) =>
    Object.values(template.findResources('AWS::CloudWatch::Dashboard')).map(
      ({ Properties }) => (Properties as { DashboardName: string }).DashboardName,
    );
  assert.deepEqual(nameOf(primary), ['wso2is-recovery-prod-eu-central-1']);
  assert.deepEqual(nameOf(dr), ['wso2is-recovery-site-eu-west-1']);
  const without = new Fixture({ site: { dashboard: false } });
  without.addRecovery({ dashboard: false });
  assert.deepEqual(
    [without.stack, without.siteStack].flatMap((stack) => nameOf(Template.fromStack(stack))),
    [],
  );
});

test('metrics of exports and drills name what the functions put', () => {
  const other = new Fixture();
  const recovery = other.addRecovery({ deploymentName: 'prod' });
  const { site } = other;
  const metrics = [
    recovery.metricExportDuration('repository'),
    recovery.metricExportFiles('repository'),
    recovery.metricExportBytes('repository'),
    recovery.metricExportChanged('repository'),
    recovery.metricExportSkipped('repository'),
    recovery.metricExportSuspicious('repository'),
    site.metricDrillPassed('prod'),
    site.metricDrillDuration('prod'),
    site.metricMeasuredRpo('prod'),
    site.metricMeasuredRto('prod'),
    site.metricComponentRpo('prod', 'database'),
    site.metricComponentRto('prod', 'database', { period: Duration.days(1) }),
  ];
  const ofExports = 'Deployment=prod Component=repository Maximum 300';
  const ofDrills = 'Deployment=prod Maximum 300';
  assert.deepEqual(
    metrics.map(({ namespace, metricName, dimensions, statistic, period }) =>
      [
        namespace,
        metricName,
        ...Object.entries(dimensions ?? {}).map(([name, value]) => `${name}=${value}`),
        statistic,
        period.toSeconds(),
      ].join(' '),
    ),
    [
      `WSO2IS/Recovery ExportDuration ${ofExports}`,
      `WSO2IS/Recovery ExportFiles ${ofExports}`,
      `WSO2IS/Recovery ExportBytes ${ofExports}`,
      `WSO2IS/Recovery ExportChanged ${ofExports}`,
      `WSO2IS/Recovery ExportSkipped ${ofExports}`,
      `WSO2IS/Recovery ExportSuspicious ${ofExports}`,
      'WSO2IS/Recovery DrillPassed Deployment=prod Minimum 300',
      `WSO2IS/Recovery DrillDuration ${ofDrills}`,
      `WSO2IS/Recovery MeasuredRpo ${ofDrills}`,
      `WSO2IS/Recovery MeasuredRto ${ofDrills}`,
      'WSO2IS/Recovery MeasuredRpo Deployment=prod Component=database Maximum 300',
      'WSO2IS/Recovery MeasuredRto Deployment=prod Component=database Maximum 86400',
    ],
  );
});
