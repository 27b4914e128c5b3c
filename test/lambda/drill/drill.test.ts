import type { MetricDatum } from '@aws-sdk/client-cloudwatch';
import { strict as assert } from 'node:assert';
import { describe, it } from 'node:test';
import { drill } from '../../../lambda/drill/drill';
import type { Aws } from '../../../lambda/drill/surroundings';
import {
  AUTOMATED_BACKUP_ARN,
  automatedBackup,
  FakeSite,
  MANIFEST_KEY,
  named,
  passingChecks,
  PLAN,
  REPLICATED_PLAN,
  reportOf,
  runDrill,
  summaryOf,
  SETTINGS,
} from './fake-site';

const run = (site: FakeSite, event?: unknown, aws?: Aws) => runDrill(site, event, aws === undefined ? {} : { aws });

describe('a drill that passes', () => {
  it('restores, checks, cleans up, and tells', async () => {
    const site = new FakeSite();
    const execution = await run(site);

    assert.equal(execution.status, 'SUCCEEDED');
    const report = reportOf(site);
    assert.deepEqual(report.causes, []);
    assert.deepEqual(report.warnings, []);
    assert.equal(report.verdict, 'PASSED');
    assert.match(report.drillId, /^drill-20261124t042500-[0-9a-f]{8}$/);
    assert.equal(report.measuredRpoSeconds, 1500);
    assert.equal(report.skewSeconds, 600);
    assert.ok((report.measuredRtoSeconds ?? 0) > 0);
    assert.deepEqual(report.cleanUp, { complete: true, leftBehind: [] });
    assert.deepEqual(
      report.components.map(({ component, verdict, restoredFrom }) => [component, verdict, restoredFrom]),
      [
        ['is-db', 'PASSED', 'arn:aws:rds:eu-central-1:111122223333:snapshot:awsbackup:copyjob-1'],
        ['repository', 'PASSED', MANIFEST_KEY],
      ],
    );
    assert.deepEqual(
      [...new Set(report.steps.map(({ name }) => name))].sort(),
      [
        'checks',
        'choose recovery set',
        'delete is-db',
        'is-db available',
        'read recovery plan',
        'remove restored files',
        'restore of is-db',
        'restore of repository',
        'start restore of is-db',
        'tag restored is-db',
      ].sort(),
    );
    assert.ok(report.steps.every(({ outcome }) => outcome === 'OK'));

    const summary = summaryOf(execution.result);
    assert.equal(summary?.verdict, 'PASSED');
    assert.equal('checks' in (summary ?? {}), false);
    assert.deepEqual(site.inputsOf('SNS.Publish'), []);
    assert.equal(site.instances.size, 0);
  });

  it('restores into the isolated network, under its own name', async () => {
    const site = new FakeSite();
    await run(site);
    const [input] = site.inputsOf('Backup.StartRestoreJob');
    const { drillId } = reportOf(site);
    assert.deepEqual(input?.['Metadata'], {
      DBInstanceClass: 'db.t4g.micro',
      Port: '5432',
      DBInstanceIdentifier: `${drillId}-1-is-db`,
      DBSubnetGroupName: 'dr-subnets',
      VpcSecurityGroupIds: '["sg-0dr"]',
      MultiAZ: 'false',
      PubliclyAccessible: 'false',
      DeletionProtection: 'false',
    });
    assert.equal(input?.['IamRoleArn'], 'arn:aws:iam::111122223333:role/restore');
    assert.equal(input?.['IdempotencyToken'], `${drillId}-1-is-db`);
  });

  it('hands the check function what it restored, with the secret of this Region', async () => {
    const site = new FakeSite();
    await run(site);
    const { drillId } = reportOf(site);
    assert.deepEqual(site.restoreEvents, [
      {
        action: 'restore',
        archivePrefix: 'archives/prod/repository/',
        manifestKey: MANIFEST_KEY,
        target: `${drillId}/repository`,
      },
      { action: 'remove', target: drillId },
    ]);
    assert.deepEqual(site.checkEvent, {
      drillId,
      deployment: 'prod',
      databases: [
        {
          name: 'is-db',
          host: 'db.internal',
          port: 5432,
          secretArn: 'arn:aws:secretsmanager:eu-central-1:111122223333:secret:is-AbCdEf',
          datasources: PLAN.databases[0]?.datasources,
          moment: '2026-11-24T04:00:00.000Z',
        },
      ],
      volumes: [
        {
          name: 'repository',
          mountedAt: 'repository',
          archivePrefix: 'archives/prod/repository/',
          manifestKey: MANIFEST_KEY,
        },
      ],
      plannedDatasources: PLAN.databases[0]?.datasources,
      restoreDependencies: PLAN.restoreDependencies,
    });
  });

  it('puts metrics and an event that carry the verdict', async () => {
    const site = new FakeSite();
    await run(site);
    const [metrics] = site.inputsOf('CloudWatch.PutMetricData');
    assert.equal(metrics?.['Namespace'], 'WSO2IS/Recovery');
    assert.deepEqual(
      (metrics?.['MetricData'] as MetricDatum[]).map(({ MetricName, Value, Unit, Dimensions }) => [
        [MetricName, ...(Dimensions ?? []).map((dimension) => dimension.Value)].join(' '),
        // How long it took is the machine's.
        Unit === 'Count' || MetricName === 'MeasuredRpo' ? Value : typeof Value,
        Unit,
      ]),
      [
        ['DrillPassed prod', 1, 'Count'],
        ['DrillDuration prod', 'number', 'Seconds'],
        ['MeasuredRpo prod', 1500, 'Seconds'],
        ['MeasuredRto prod', 'number', 'Seconds'],
        ['MeasuredRpo prod is-db', 1500, 'Seconds'],
        ['MeasuredRto prod is-db', 'number', 'Seconds'],
        ['MeasuredRpo prod repository', 900, 'Seconds'],
        ['MeasuredRto prod repository', 'number', 'Seconds'],
      ],
    );
    const [event] = site.inputsOf('EventBridge.PutEvents');
    const [entry] = event?.['Entries'] as { Source: string; DetailType: string; Detail: string }[];
    assert.equal(entry?.Source, 'wso2is-recovery');
    assert.equal(entry?.DetailType, 'Drill Finished');
    assert.equal((JSON.parse(entry?.Detail ?? '') as { verdict: string }).verdict, 'PASSED');
  });
});

describe('a database whose automated backups RDS replicates', () => {
  /** The drill begins at 04:25:00, the export did at 04:10:00, and the only copy is of 04:00:00. */
  function siteWith(...automatedBackups: Record<string, unknown>[]) {
    const site = new FakeSite();
    site.objects.set('plans/prod.json', JSON.stringify(REPLICATED_PLAN));
    site.automatedBackups = automatedBackups;
    return site;
  }
  const covering = automatedBackup('2026-11-20T00:00:00.000Z', '2026-11-24T04:20:00.000Z');

  it('is restored to the moment of the export, into the isolated network, with its tag from the start', async () => {
    const site = siteWith(covering);
    await run(site);
    const report = reportOf(site);
    assert.equal(report.verdict, 'PASSED', JSON.stringify([report.causes, report.warnings]));
    assert.deepEqual(site.inputsOf('RDS.RestoreDBInstanceToPointInTime'), [
      {
        SourceDBInstanceAutomatedBackupsArn: AUTOMATED_BACKUP_ARN,
        TargetDBInstanceIdentifier: `${report.drillId}-1-is-db`,
        RestoreTime: new Date('2026-11-24T04:10:00.000Z'),
        DBSubnetGroupName: 'dr-subnets',
        VpcSecurityGroupIds: ['sg-0dr'],
        MultiAZ: false,
        PubliclyAccessible: false,
        DeletionProtection: false,
        Tags: [{ Key: 'wso2is-recovery:drill', Value: report.drillId }],
      },
    ]);
    assert.deepEqual(site.inputsOf('Backup.StartRestoreJob'), []);
    assert.equal(report.skewSeconds, 0);
    assert.equal(report.measuredRpoSeconds, 900);
    const [database] = report.components;
    assert.deepEqual(
      [database?.technique, database?.restoredFrom, database?.moment, database?.promisedRpoSeconds],
      ['rds-automated-backup-replication', AUTOMATED_BACKUP_ARN, '2026-11-24T04:10:00.000Z', 3900],
    );
    assert.deepEqual(
      report.steps
        .filter(({ component }) => component === 'is-db')
        .map(({ name }) => name)
        .sort(),
      ['delete is-db', 'restore of is-db', 'start restore of is-db'],
    );
  });

  it('is deleted with the automated backups that RDS began to make of it', async () => {
    const site = siteWith(covering);
    await run(site);
    assert.deepEqual(site.inputsOf('RDS.DeleteDBInstance'), [
      {
        DBInstanceIdentifier: `${reportOf(site).drillId}-1-is-db`,
        SkipFinalSnapshot: true,
        DeleteAutomatedBackups: true,
      },
    ]);
    assert.equal(site.instances.size, 0);
    assert.deepEqual(reportOf(site).cleanUp, { complete: true, leftBehind: [] });
  });

  it('is restored to the latest moment where the export is later, and the skew is reported', async () => {
    const site = siteWith(automatedBackup('2026-11-20T00:00:00.000Z', '2026-11-24T04:09:30.700Z'));
    await run(site);
    const [input] = site.inputsOf('RDS.RestoreDBInstanceToPointInTime');
    assert.equal(input?.['UseLatestRestorableTime'], true);
    assert.equal('RestoreTime' in (input ?? {}), false);
    assert.equal(reportOf(site).skewSeconds, 30);
    assert.equal(reportOf(site).verdict, 'PASSED');
  });

  it('is found by the ARN of its source, on whichever page it is', async () => {
    const other = {
      ...covering,
      DBInstanceArn: `${PLAN.databases[0]?.resourceArn}-2`,
      DBInstanceAutomatedBackupsArn: 'x',
    };
    const site = siteWith(other, covering);
    await run(site);
    assert.equal(reportOf(site).components[0]?.restoredFrom, AUTOMATED_BACKUP_ARN);
  });

  it('is restored once, when the call is made again after its answer was lost', async () => {
    const site = siteWith(covering);
    let lost = 1;
    const aws = site.aws();
    const send = aws.rds.send.bind(aws.rds) as (command: { constructor: { name: string } }) => Promise<unknown>;
    Object.assign(aws.rds, {
      send: async (command: { constructor: { name: string } }) => {
        const answer = await send(command);
        if (command.constructor.name === 'RestoreDBInstanceToPointInTimeCommand' && lost-- > 0)
          throw named('TimeoutError', 'socket hang up');
        return answer;
      },
    });
    await run(site, undefined, aws);
    assert.equal(reportOf(site).verdict, 'PASSED');
    assert.equal(site.inputsOf('RDS.RestoreDBInstanceToPointInTime').length, 2);
    assert.equal(site.inputsOf('RDS.DeleteDBInstance').length, 1);
    assert.equal(site.instances.size, 0);
  });

  it('is not taken for restored by an instance of the same name that somebody else made, which stays', async () => {
    const site = siteWith(covering);
    site.faults.set('RDS.RestoreDBInstanceToPointInTime', ({ TargetDBInstanceIdentifier: target }) => {
      const identifier = target as string;
      site.instances.set(identifier, {
        arn: `arn:aws:rds:eu-central-1:111122223333:db:${identifier}`,
        status: 'available',
        tags: new Map(),
        looks: 0,
      });
    });
    await run(site);
    const report = reportOf(site);
    assert.equal(report.verdict, 'FAILED');
    assert.match(
      report.causes[0] ?? '',
      /^is-db: not restored: .* is there already in eu-central-1, and does not carry/,
    );
    assert.deepEqual(site.inputsOf('RDS.DeleteDBInstance'), []);
    assert.equal(report.cleanUp.complete, false);
  });

  for (const [what, automatedBackups, id, reason] of [
    [
      'there is none',
      [],
      PLAN.databases[0]?.resourceArn,
      /^RDS has no replicated automated backup of it in this Region/,
    ],
    [
      'it has no restore window yet',
      [{ ...covering, Status: 'pending', RestoreWindow: undefined }],
      AUTOMATED_BACKUP_ARN,
      /^its status is pending, and it has no restore window yet$/,
    ],
    [
      'its replication ended long ago',
      [{ ...automatedBackup('2026-11-20T00:00:00.000Z', '2026-11-21T00:00:00.000Z'), Status: 'retained' }],
      AUTOMATED_BACKUP_ARN,
      /to 2026-11-21T00:00:00.000Z, and what was chosen is nearer/,
    ],
  ] as const) {
    it(`is restored from its copy where ${what}, which is no clean pass`, async () => {
      const site = siteWith(...automatedBackups);
      await run(site);
      const report = reportOf(site);
      assert.equal(report.verdict, 'PASSED_WITH_WARNINGS', JSON.stringify(report.causes));
      assert.equal(report.components[0]?.technique, 'backup-copy');
      assert.deepEqual(
        report.passedOver.map(({ component, id }) => [component, id]),
        [['is-db', id]],
      );
      assert.match(report.passedOver[0]?.reason ?? '', reason);
      assert.match(
        report.warnings.join('\n'),
        /is-db: restored from backup-copy, not from rds-automated-backup-replication as planned: /,
      );
      assert.deepEqual(site.inputsOf('RDS.RestoreDBInstanceToPointInTime'), []);
    });
  }

  it('has nothing to restore where there is no copy either: both reasons are said', async () => {
    const site = siteWith();
    site.recoveryPoints = [];
    await run(site);
    const report = reportOf(site);
    assert.equal(report.verdict, 'FAILED');
    assert.match(
      report.causes[0] ?? '',
      /^is-db: nothing to restore: .*RDS has no replicated automated backup.*; there is no point at this site/,
    );
    assert.equal(report.components[0]?.technique, 'rds-automated-backup-replication');
  });

  it('FAILED where RDS cannot restore it, and what came of it is deleted', async () => {
    const site = siteWith(covering);
    site.restoredStatus = 'incompatible-restore';
    await run(site);
    const report = reportOf(site);
    assert.equal(report.verdict, 'FAILED');
    assert.match(report.causes[0] ?? '', /^is-db: not restored: .*-1-is-db is incompatible-restore$/);
    assert.equal(site.instances.size, 0);
  });

  it('FAILED where the drill may not look', async () => {
    const site = siteWith(covering);
    site.faults.set('RDS.DescribeDBInstanceAutomatedBackups', () => {
      throw named('AccessDenied', 'not authorized to perform: rds:DescribeDBInstanceAutomatedBackups');
    });
    await run(site);
    assert.match(reportOf(site).causes[0] ?? '', /^choose recovery set: AccessDenied: not authorized/);
  });

  it('is not looked for where the plan does not count on it', async () => {
    const site = new FakeSite();
    await run(site);
    assert.deepEqual(site.inputsOf('RDS.DescribeDBInstanceAutomatedBackups'), []);
  });
});

describe('a drill that must fail', () => {
  /** Runs with what the test breaks; the report must be there, nothing may be left, people must be told. */
  async function fail(breakIt: (site: FakeSite) => void) {
    const site = new FakeSite();
    breakIt(site);
    const execution = await run(site);
    assert.equal(execution.status, 'SUCCEEDED');
    const report = reportOf(site);
    assert.equal(report.verdict, 'FAILED');
    assert.equal(site.inputsOf('SNS.Publish').length, 1);
    assert.equal(site.inputsOf('EventBridge.PutEvents').length, 1);
    assert.deepEqual([...site.instances.keys()], []);
    return { site, report };
  }

  it('without a recovery plan', async () => {
    const { report, site } = await fail((site) => site.objects.delete('plans/prod.json'));
    assert.match(
      report.causes[0] ?? '',
      /^read recovery plan: there is no recovery plan s3:\/\/replica\/plans\/prod.json/,
    );
    assert.equal(report.objectives, undefined);
    assert.deepEqual(site.inputsOf('Backup.StartRestoreJob'), []);
  });

  it('when the restore job fails, with the words of AWS Backup; the volume is checked all the same', async () => {
    const { report, site } = await fail((site) => {
      site.restoreJobEnd = { Status: 'FAILED', StatusMessage: 'Snapshot is damaged' };
    });
    assert.match(report.causes[0] ?? '', /^is-db: not restored: .*FAILED: Snapshot is damaged$/);
    assert.deepEqual(site.checkEvent?.databases, []);
    assert.equal(site.checkEvent?.volumes.length, 1);
    assert.equal(report.components[1]?.verdict, 'PASSED');
  });

  it('when a component has no recovery point', async () => {
    const { report } = await fail((site) => {
      site.recoveryPoints = [];
    });
    assert.match(report.causes[0] ?? '', /^is-db: nothing to restore: there is no point at this site/);
  });

  it('when the point of a volume is not complete at this site', async () => {
    const { report } = await fail((site) => {
      site.archivePoints = [{ manifestKey: 'm', startedAt: '2026-11-24T04:10:00.000Z', unusable: 'pack 7 is missing' }];
    });
    assert.match(report.causes[0] ?? '', /^repository: nothing to restore: .*pack 7 is missing/);
  });

  it('when the artifacts cannot be restored', async () => {
    const { report } = await fail((site) =>
      site.faults.set('restore.restore', () => {
        throw new Error('pack p1 is damaged');
      }),
    );
    assert.match(report.causes[0] ?? '', /^repository: not restored: .*pack p1 is damaged/);
  });

  it('when a check fails, throws, or is missing', async () => {
    const failed = await fail((site) => {
      site.checks = (event) => ({
        checks: passingChecks(event).map((outcome) =>
          outcome.check === 'tenants-agree' ? { ...outcome, status: 'FAILED', reason: '1 tenant is missing' } : outcome,
        ),
      });
    });
    assert.deepEqual(failed.report.causes, ['is-db + repository: tenants-agree: 1 tenant is missing']);

    const threw = await fail((site) => {
      site.checks = () => {
        throw new Error('out of memory');
      };
    });
    assert.match(threw.report.causes[0] ?? '', /^checks: .*out of memory/);
    assert.equal(threw.report.measuredRtoSeconds, undefined);

    const lied = await fail((site) => {
      site.checks = () => ({}) as never;
    });
    assert.equal(lied.report.causes[0], 'the check function answered without any checks');
  });

  it('when the objective is not met, with the numbers', async () => {
    const { report } = await fail((site) => {
      const objectives = { ...PLAN.objectives, drSite: { rpoSeconds: 1499, rtoSeconds: 2 } };
      site.objects.set('plans/prod.json', JSON.stringify({ ...PLAN, objectives }));
    });
    assert.equal(report.causes[0], 'RPO not met: 25 min measured, at most 24 min 59 s wanted');
    assert.match(report.causes[1] ?? '', /^RTO not met: [\d a-z]+ measured, at most 2 s wanted$/);
  });

  it('when tagging is refused: the instance that its own job made is deleted nevertheless', async () => {
    let refusals = 1;
    const { report } = await fail((site) =>
      site.faults.set('RDS.AddTagsToResource', () => {
        if (refusals-- > 0) throw named('AccessDenied', 'not authorized to tag');
      }),
    );
    assert.match(report.causes[0] ?? '', /AccessDenied: not authorized to tag/);
    assert.equal(report.cleanUp.complete, true);
  });
});

describe('clean-up', () => {
  it('leaves an instance without the tag alone, and names it', async () => {
    const site = new FakeSite();
    site.faults.set('RDS.ListTagsForResource', () => {
      for (const instance of site.instances.values()) instance.tags.clear();
    });
    site.faults.set('Backup.DescribeRestoreJob', () => {
      // The job no longer says what it made.
      if (
        [...site.instances.values()].some(
          ({ tags }) => tags.size === 0 && site.inputsOf('RDS.ListTagsForResource').length > 0,
        )
      )
        throw named('ResourceNotFoundException', 'no such job');
    });
    await run(site);
    const report = reportOf(site);
    assert.equal(report.cleanUp.complete, false);
    assert.match(report.cleanUp.leftBehind[0] ?? '', /^DB instance drill-.*-1-is-db \(is-db\): /);
    assert.equal(report.verdict, 'PASSED_WITH_WARNINGS');
    assert.deepEqual(site.inputsOf('RDS.DeleteDBInstance'), []);
    assert.equal(site.instances.size, 1);
    assert.equal(site.inputsOf('SNS.Publish').length, 1);
  });

  it('deletes without final snapshot and with the automated backups', async () => {
    const site = new FakeSite();
    await run(site);
    assert.deepEqual(site.inputsOf('RDS.DeleteDBInstance'), [
      {
        DBInstanceIdentifier: `${reportOf(site).drillId}-1-is-db`,
        SkipFinalSnapshot: true,
        DeleteAutomatedBackups: true,
      },
    ]);
  });
});

describe('what passes by itself', () => {
  it('is tried again', async () => {
    const site = new FakeSite();
    let throttled = 2;
    site.faults.set('Backup.StartRestoreJob', () => {
      if (throttled-- > 0) throw named('ThrottlingException', 'Rate exceeded');
    });
    await run(site);
    assert.equal(reportOf(site).verdict, 'PASSED');
    assert.equal(site.inputsOf('Backup.StartRestoreJob').length, 3);
    assert.equal(new Set(site.inputsOf('Backup.StartRestoreJob').map((input) => input['IdempotencyToken'])).size, 1);
  });

  it('is not tried for ever', async () => {
    const site = new FakeSite();
    site.faults.set('Backup.StartRestoreJob', () => {
      throw named('ThrottlingException', 'Rate exceeded');
    });
    await run(site);
    assert.match(reportOf(site).causes[0] ?? '', /ThrottlingException: Rate exceeded/);
    assert.equal(site.inputsOf('Backup.StartRestoreJob').length, 5);
  });
});

describe('the execution itself fails', () => {
  it('when the report cannot be written; the event is put all the same', async () => {
    const site = new FakeSite();
    site.faults.set('S3.PutObject', ({ Key }) => {
      if ((Key as string).startsWith('drills/')) throw named('AccessDenied', 'Access Denied');
    });
    const execution = await run(site);
    assert.equal(execution.status, 'FAILED');
    assert.match(execution.error ?? '', /ended PASSED, but: write report.json: AccessDenied: Access Denied/);
    assert.equal(site.inputsOf('EventBridge.PutEvents').length, 1);
  });

  it('when the event names no deployment, before anything is done', async () => {
    for (const deployment of [undefined, '', '../other', 'Prod', 'a/b']) {
      const site = new FakeSite();
      await assert.rejects(
        drill({ deployment } as never, {} as never, site.aws(), SETTINGS),
        /`deployment` of the drill's event must be the name of a deployment/,
      );
      assert.deepEqual(site.calls, []);
    }
  });
});

describe('a vault with a lock', () => {
  const kept = (DeleteAfterDays: number | undefined) => {
    const site = new FakeSite();
    site.recoveryPoints = site.recoveryPoints.map((point) => ({ ...point, Lifecycle: { DeleteAfterDays } }));
    return site;
  };

  for (const [days, warnings] of [
    [6, ['is-db: restored from outside the lock: it is kept for 6 days, and the lock of the vault wants 7 at least']],
    [7, []],
    [-1, []],
    [undefined, []],
  ] as const) {
    it(`and a point that is kept for ${days} days: ${warnings.length} warnings`, async () => {
      const site = kept(days);
      await runDrill(site, undefined, { settings: { lockMinDays: 7 } });
      assert.deepEqual(reportOf(site).warnings, warnings);
    });
  }

  it('that has none asks nothing of a point', async () => {
    const site = kept(1);
    await runDrill(site);
    assert.deepEqual(reportOf(site).warnings, []);
  });
});
