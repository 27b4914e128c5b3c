// Every alarm that a deployment has, as it was deployed: it goes off on what really happens, is told, and clears. A second of
// their periods takes a thousandth of one.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { appendFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  BackupClient,
  GetBackupPlanCommand,
  ListBackupPlansCommand,
  UpdateBackupPlanCommand,
} from '@aws-sdk/client-backup';
import {
  CloudWatchClient,
  DescribeAlarmHistoryCommand,
  DescribeAlarmsCommand,
  GetDashboardCommand,
  type MetricAlarm,
  paginateListMetrics,
} from '@aws-sdk/client-cloudwatch';
import {
  InvokeCommand,
  LambdaClient,
  ListDurableExecutionsByFunctionCommand,
  StopDurableExecutionCommand,
} from '@aws-sdk/client-lambda';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { Site } from '../../lib/planning/plan-document';
import { drillsPrefix, planDocumentKey } from '../../lib/private/bucket-layout';
import { DEPLOYMENT, REGIONS } from '../../local/demo/configuration';
import { type Deployed } from '../../local/demo/deployed';
import { backUpDatabases, drill, exportArtifacts, repositoryOf } from '../../local/demo/life';
import { startLocalAws, type LocalAws } from '../../local/local-aws';
import { eventually } from '../local/stack';
import { Pager } from './pager';
import { QUICK } from './quick';
import { deploySample, takeRecoverySet } from './sample';
import { functionsOf, runAll, runOnce } from './scheduled';

const { primary, dr } = REGIONS;
const HOUR_SECONDS = 3600;

void describe('the alarms of a deployment', { timeout: 600_000 }, () => {
  let aws: LocalAws;
  let deployed: Deployed;
  const pager = new Pager();
  /** Alarms that were seen to go off and to clear. */
  const seen = new Set<string>();

  before(async () => {
    aws = await startLocalAws({ durations: { ...QUICK, alarmSecond: 0.001 } });
    const drillTable = { schedule: 'rate(7 days)', in_region: true, in_region_schedule: 'rate(7 days)' };
    deployed = await deploySample(aws, { tables: { drill: drillTable, row_counts: {}, restore_testing: {} } });
    for (const region of [primary, dr]) await pager.subscribe(aws, region);
  });
  after(async () => {
    await aws?.stop();
    pager.stop();
  });

  async function alarmsOf(region: string): Promise<MetricAlarm[]> {
    const { MetricAlarms = [] } = await new CloudWatchClient(aws.clientConfig(region)).send(
      new DescribeAlarmsCommand({ MaxRecords: 100 }),
    );
    return MetricAlarms;
  }

  async function alarmsNamed(region: string, pattern: RegExp): Promise<string[]> {
    const names = (await alarmsOf(region)).map(({ AlarmName }) => AlarmName!).filter((name) => pattern.test(name));
    assert.ok(names.length > 0, `no alarm of ${region} is called ${pattern}`);
    return names;
  }

  /** The states that an alarm went into, the oldest first. */
  async function statesOf(region: string, AlarmName: string): Promise<string[]> {
    const { AlarmHistoryItems = [] } = await new CloudWatchClient(aws.clientConfig(region)).send(
      new DescribeAlarmHistoryCommand({ AlarmName, HistoryItemType: 'StateUpdate', MaxRecords: 100 }),
    );
    return AlarmHistoryItems.map(({ HistorySummary }) => / to (\w+)$/.exec(HistorySummary!)?.[1] ?? '').reverse();
  }

  /**
   * What is done sets off every alarm of the name, which tells so; what is done then clears it. Some clear by themselves, when
   * nothing more happens; others by the next look (`again`), since periods overlap here.
   */
  async function firesAndClears(
    region: string,
    pattern: RegExp,
    fire: () => Promise<unknown>,
    clear: () => Promise<unknown> = async () => {},
    again: () => Promise<unknown> = async () => {},
  ): Promise<void> {
    const names = await alarmsNamed(region, pattern);
    const before = await Promise.all(names.map((name) => statesOf(region, name)));
    const since = async (index: number) => (await statesOf(region, names[index]!)).slice(before[index]!.length);
    await fire();
    for (const [index, name] of names.entries()) {
      await until(`ALARM of ${name}`, async () => (await since(index)).includes('ALARM'));
    }
    await clear();
    for (const [index, name] of names.entries()) {
      await until(`OK of ${name}`, async () => {
        const states = await since(index);
        if (states.includes('OK') && states.lastIndexOf('OK') > states.indexOf('ALARM')) return true;
        await again();
        return false;
      });
      seen.add(`${region} ${name}`);
      await pager.hear(region, new RegExp(`^ALARM: "${name}`));
    }
  }

  const one = async (region: string, pattern: RegExp) => {
    const [name, ...more] = await functionsOf(aws, region, pattern);
    assert.ok(name !== undefined && more.length === 0, `${name} ${more.join(' ')}`);
    return name;
  };

  const look = (region: string) => runAll(aws, region, /PointWatch/);

  /** The execution of a function that runs, once it does. */
  async function running(region: string, FunctionName: string): Promise<string> {
    const lambda = new LambdaClient(aws.clientConfig(region));
    return until(`an execution of ${FunctionName}`, async () => {
      const { DurableExecutions = [] } = await lambda.send(
        new ListDurableExecutionsByFunctionCommand({ FunctionName, Statuses: ['RUNNING'] }),
      );
      return DurableExecutions[0]?.DurableExecutionArn;
    });
  }

  /** As the schedule does. */
  const begin = (region: string, functionName: string, qualifier: string, payload: object) =>
    new LambdaClient(aws.clientConfig(region)).send(
      new InvokeCommand({
        FunctionName: functionName,
        Qualifier: qualifier,
        InvocationType: 'Event',
        Payload: JSON.stringify(payload),
      }),
    );

  const exporter = () => deployed.volumes[0]!.exportFunction.split(':') as [string, string];
  const fails = (match: string) => aws.addFault({ kind: 'function-fails', match, times: 1 });

  void it('Silent: nobody looks any more; the next look clears it', async () => {
    for (const region of [primary, dr]) {
      const looks = () => look(region);
      // From the beginning: clear by the first look, then nobody looks.
      await firesAndClears(region, /\/Silent-wso2is$/, looks, looks, looks);
    }
  });

  void it('Age: no component has a point, and the plan is older than the objective; the first points clear it', async () => {
    // Objectives of the sample: an hour in the Region, 6 hours at the DR site.
    await aws.backdate(deployed.artifactBucket, planDocumentKey(DEPLOYMENT), 30 * HOUR_SECONDS);
    await aws.backdate(deployed.replicaBucket, planDocumentKey(DEPLOYMENT), 30 * HOUR_SECONDS);
    let taken: Promise<void> | undefined;
    await Promise.all(
      [primary, dr].map((region) =>
        firesAndClears(
          region,
          /\/Age-wso2is-(database|repository)$/,
          () => look(region),
          async () => {
            await (taken ??= takeRecoverySet(aws, deployed));
            await look(region);
          },
          () => look(region),
        ),
      ),
    );
    const { message } = await pager.hear(dr, /^ALARM: ".*\/Age-wso2is-database"/);
    assert.match(message, /more would be lost now than is allowed/);
    await pager.hear(dr, /^OK: ".*\/Age-wso2is-database"/);
  });

  void it('Suspicious: files turned to noise; they are what they were', async () => {
    const tenants = join(repositoryOf(deployed), 'tenants');
    const files = readdirSync(tenants, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.xml'))
      .map((entry) => join(entry.parentPath, entry.name));
    const contents = files.map((file) => readFileSync(file));
    assert.ok(files.length >= 10);
    await firesAndClears(
      primary,
      /\/Suspicious-repository$/,
      async () => {
        for (const [index, file] of files.entries()) writeFileSync(file, randomBytes(contents[index]!.length + 600));
        await exportArtifacts(aws, deployed);
      },
      async () => {
        for (const [index, file] of files.entries()) writeFileSync(file, contents[index]!);
        await exportArtifacts(aws, deployed);
      },
      () => exportArtifacts(aws, deployed),
    );
  });

  void it('NotExported: a file that never holds still; the next exports read it', async () => {
    const file = join(repositoryOf(deployed), 'never-still.log');
    let writing = true;
    const write = async () => {
      while (writing) {
        appendFileSync(file, 'a line\n');
        await sleep(0);
      }
    };
    await firesAndClears(
      primary,
      /\/NotExportedAlarm$/,
      async () => {
        writeFileSync(file, randomBytes(8_000_000));
        const written = write();
        try {
          await exportArtifacts(aws, deployed);
        } finally {
          writing = false;
          await written;
        }
      },
      () => exportArtifacts(aws, deployed),
    );
  });

  void it('Drift: a backup plan was changed by hand, and is as it was', async () => {
    const backup = new BackupClient(aws.clientConfig(primary));
    const { BackupPlansList = [] } = await backup.send(new ListBackupPlansCommand({}));
    const { BackupPlanId } = BackupPlansList[0]!;
    const { BackupPlan } = await backup.send(new GetBackupPlanCommand({ BackupPlanId }));
    const [first, ...rest] = BackupPlan!.Rules!;
    const update = (Rules: typeof rest) =>
      backup.send(new UpdateBackupPlanCommand({ BackupPlanId, BackupPlan: { ...BackupPlan!, Rules: Rules as never } }));
    await firesAndClears(
      primary,
      /\/DriftWatch\/Drift$/,
      async () => {
        await update([{ ...first!, ScheduleExpression: 'cron(0 3 1 * ? *)' }, ...rest]);
        await runAll(aws, primary, /DriftWatch/);
      },
      async () => {
        await update([first!, ...rest]);
        await runAll(aws, primary, /DriftWatch/);
      },
      () => runAll(aws, primary, /DriftWatch/),
    );
    assert.match((await pager.hear(primary, /^Not as deployed: wso2is/)).message, /was changed by hand/);
    await pager.hear(primary, /^As deployed again: wso2is/);
  });

  /** No drill left a verdict for more than a week, until one does. */
  async function overdue(
    region: string,
    Bucket: string,
    site: Site,
    runDrill: () => Promise<unknown>,
  ): Promise<string> {
    const [name = ''] = await alarmsNamed(region, /\/Overdue-wso2is$/);
    await firesAndClears(
      region,
      /\/Overdue-wso2is$/,
      async () => {
        const watchedSince = new Date(Date.now() - 9 * 24 * HOUR_SECONDS * 1000).toISOString();
        const Key = `${drillsPrefix(DEPLOYMENT, site)}watched-since.json`;
        const Body = JSON.stringify({ watchedSince });
        await new S3Client(aws.clientConfig(region)).send(new PutObjectCommand({ Bucket, Key, Body }));
        await runAll(aws, region, /DrillWatch/);
      },
      async () => {
        await runDrill();
        // The alarm looks back three hours, in which it was overdue.
        await until(`OK of ${name}`, async () => {
          await runAll(aws, region, /DrillWatch/);
          return (await statesOf(region, name)).at(-1) === 'OK';
        });
      },
    );
    return name;
  }

  void it('Overdue: no drill left a verdict for more than a week; a drill does; without the watch it has no data', async () => {
    const name = await overdue(dr, deployed.replicaBucket, 'dr-site', async () => {
      await takeRecoverySet(aws, deployed);
      assert.equal((await drill(aws, deployed)).verdict, 'PASSED');
    });
    await until(`${name} without data`, async () => (await statesOf(dr, name)).at(-1) === 'INSUFFICIENT_DATA');
    await pager.hear(dr, /^INSUFFICIENT_DATA: ".*\/Overdue-wso2is"/);
  });

  void it('Overdue of the drills in the primary Region', async () => {
    await overdue(primary, deployed.artifactBucket, 'in-region', () =>
      begin(primary, 'wso2is-in-region-drill', 'live', { deployment: DEPLOYMENT }),
    );
  });

  for (const [region, functions] of [
    [primary, ['RowCount', 'DriftWatchFunction', 'InRegionDrillWatchFunction', 'InRegionReaper', 'MessagesFunction']],
    [dr, ['SiteRestoreTestingValidate', 'SiteDrillWatchFunction', 'SiteReaper', 'SiteMessagesFunction']],
  ] as const) {
    for (const part of functions) {
      const alarm = part
        .replace(/^Site|Function$/g, '')
        .replace('InRegion', 'InRegion/')
        .replace('RestoreTesting', 'RestoreTesting/');
      const pattern = new RegExp(`/${alarm}(/Function)?/ErrorsAlarm$`);
      void it(`Errors of ${part} in ${region}: it failed, and runs again`, () =>
        firesAndClears(region, pattern, async () => {
          const name = await one(region, new RegExp(part));
          await fails(name);
          assert.match((await runOnce(aws, region, name))!, /was told to let this function fail/);
        }));
    }
  }

  void it('Errors of the export: an invocation crashed; the export went on and succeeded', () =>
    firesAndClears(primary, /\/Export-repositoryRun\/ErrorsAlarm$/, async () => {
      await fails(exporter()[0]);
      await exportArtifacts(aws, deployed);
    }));

  void it('Failed: what reads the volume may not write its archive', () =>
    firesAndClears(primary, /\/Export-repositoryRun\/FailedAlarm$/, async () => {
      const uses = await aws.permissions();
      const { role } = uses.find((use) => /Exportrepository(?!Run)/.test(use.role) && use.action === 's3:PutObject')!;
      await aws.addFault({ kind: 'permission-withheld', match: `${role} s3:PutObject` });
      await assert.rejects(exportArtifacts(aws, deployed), /s3:PutObject/);
      await aws.clearFaults();
    }));

  void it('TimedOut: an export took longer than it may', () =>
    firesAndClears(primary, /\/Export-repositoryRun\/TimedOutAlarm$/, async () => {
      const [name, qualifier] = exporter();
      await aws.addFault({ kind: 'execution-times-out', match: name, times: 1 });
      await begin(primary, name, qualifier, {});
    }));

  void it('Stopped: somebody stopped an export', () =>
    firesAndClears(primary, /\/Export-repositoryRun\/StoppedAlarm$/, async () => {
      const [name, qualifier] = exporter();
      await aws.addFault({ kind: 'call-hangs', match: `${primary} s3:PUT` });
      await begin(primary, name, qualifier, {});
      await new LambdaClient(aws.clientConfig(primary)).send(
        new StopDurableExecutionCommand({ DurableExecutionArn: await running(primary, name) }),
      );
      await aws.clearFaults();
    }));

  void it('Dropped: an event never became an execution, of an export or a drill', async () => {
    for (const [region, pattern, name, qualifier] of [
      [primary, /\/Export-repositoryRun\/DroppedAlarm$/, ...exporter()],
      [primary, /\/InRegion\/Drill\/DroppedAlarm$/, 'wso2is-in-region-drill', 'live'],
      [dr, /\/RecoverySite\/Drill\/DroppedAlarm$/, deployed.drill.functionName, deployed.drill.qualifier],
    ] as const) {
      await firesAndClears(region, pattern, async () => {
        await aws.addFault({ kind: 'event-dropped', match: name, times: 1 });
        await begin(region, name, qualifier, { deployment: DEPLOYMENT });
      });
    }
  });

  void it('those are all alarms that there are', async () => {
    const all: string[] = [];
    for (const region of [primary, dr]) {
      all.push(...(await alarmsOf(region)).map(({ AlarmName }) => `${region} ${AlarmName!}`));
    }
    assert.ok(all.length >= 25, all.join('\n'));
    assert.deepEqual([...seen].sort(), all.sort());
  });

  void it('failures of jobs are told in a sentence, in the Region of the job', async () => {
    await aws.addFault({ kind: 'backup-job-fails', match: ':rds:', message: 'the maintenance window is near' });
    await assert.rejects(backUpDatabases(aws, deployed), /the maintenance window is near/);
    await aws.clearFaults();
    const backup = await pager.hear(primary, /^Backup FAILED: /);
    assert.match(backup.message, /^The backup of arn:aws:rds:eu-central-1:.* failed: the maintenance window is near\./);
    assert.match(backup.message, /wso2is-recovery backup/);
    await aws.addFault({ kind: 'copy-job-fails', match: ':rds:', message: 'the key may not be used' });
    await assert.rejects(backUpDatabases(aws, deployed), /the key may not be used/);
    await aws.clearFaults();
    const copy = await pager.hear(primary, /^Copy to the DR site FAILED: /);
    assert.match(copy.message, /failed: the key may not be used\./);
    for (const { message } of [primary, dr].flatMap((region) => pager.told(region)))
      assert.ok(!/"detail-type"/.test(message), message);
  });

  void it('the dashboards show metrics that somebody puts, and alarms that there are', async () => {
    const dashboards = { [primary]: `wso2is-recovery-wso2is-${primary}`, [dr]: `wso2is-recovery-site-${dr}` };
    for (const region of [primary, dr]) {
      const client = new CloudWatchClient(aws.clientConfig(region));
      const put = new Set<string>();
      for await (const { Metrics = [] } of paginateListMetrics({ client }, {})) {
        for (const { Namespace, MetricName, Dimensions = [] } of Metrics) {
          put.add(
            keyOf(
              Namespace!,
              MetricName!,
              Dimensions.map(({ Name, Value }) => [Name!, Value!] as const),
            ),
          );
        }
      }
      const DashboardName = dashboards[region];
      const names = new Set((await alarmsOf(region)).map(({ AlarmArn }) => AlarmArn!));
      const { DashboardBody = '' } = await client.send(new GetDashboardCommand({ DashboardName }));
      const { widgets } = JSON.parse(DashboardBody) as { widgets: { properties: Widget }[] };
      const shown = widgets.flatMap(({ properties }) => metricsOf(properties));
      assert.ok(shown.length > 0);
      assert.deepEqual(
        shown.filter((metric) => !put.has(metric)),
        [],
        `${DashboardName}: nobody puts these`,
      );
      const alarms = widgets.flatMap(({ properties }) => properties.alarms ?? []);
      assert.deepEqual([...new Set(alarms)].sort(), [...names].sort(), `${DashboardName}: its alarms`);
    }
  });
});

interface Widget {
  readonly alarms?: readonly string[];
  readonly metrics?: readonly (readonly (string | object)[])[];
}

const keyOf = (namespace: string, name: string, dimensions: readonly (readonly [string, string])[]) =>
  [namespace, name, ...dimensions.map((dimension) => dimension.join('=')).sort()].join(' ');

/** `[namespace, name, dimension, value, ..., options]`; a widget writes each out, but for those computed of others. */
function metricsOf({ metrics = [] }: Widget): string[] {
  return metrics.flatMap((row) => {
    const [namespace, name, ...rest] = row.filter((part): part is string => typeof part === 'string');
    if (namespace === undefined) return [];
    const dimensions = rest.flatMap((part, index) => (index % 2 === 0 ? [[part, rest[index + 1]!] as const] : []));
    return [keyOf(namespace, name!, dimensions)];
  });
}

/** Generous, since a busy machine is slow. */
const until = <T>(what: string, ask: () => Promise<T | undefined | false>): Promise<T> =>
  eventually(what, async () => (await ask()) || undefined, 60);
