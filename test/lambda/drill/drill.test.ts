import { strict as assert } from 'node:assert';
import { after, before, describe, it } from 'node:test';
import { withDurableExecution } from '@aws/durable-execution-sdk-js';
import { LocalDurableTestRunner } from '@aws/durable-execution-sdk-js-testing';
import type { DrillEvent, DrillReport, DrillSummary } from '../../../lambda/drill/contract';
import { drill } from '../../../lambda/drill/drill';
import { FakeSite, MANIFEST_KEY, named, passingChecks, PLAN, SETTINGS } from './fake-site';

before(() => LocalDurableTestRunner.setupTestEnvironment({ skipTime: true }));
after(() => LocalDurableTestRunner.teardownTestEnvironment());

async function run(site: FakeSite, event: unknown = { deployment: 'prod' }) {
  const aws = site.aws();
  const handler = withDurableExecution((input: DrillEvent, context) => drill(input, context, aws, SETTINGS));
  const runner = new LocalDurableTestRunner<DrillSummary>({ handlerFunction: handler });
  runner.registerFunction('restore-function', site.restoreFunction);
  runner.registerFunction('check-function', site.checkFunction);
  return runner.run({ payload: event });
}

function reportOf(site: FakeSite): DrillReport {
  const [key] = [...site.objects.keys()].filter((name) => name.endsWith('/report.json'));
  assert.ok(key, 'a report was written');
  return JSON.parse(site.objects.get(key) ?? '') as DrillReport;
}

describe('a drill that passes', () => {
  it('restores, checks, cleans up, and tells', async () => {
    const site = new FakeSite();
    const execution = await run(site);

    assert.equal(execution.getStatus(), 'SUCCEEDED');
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

    const summary = execution.getResult();
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
      restoreDependencies: PLAN.restoreDependencies,
    });
  });

  it('puts metrics and an event that carry the verdict', async () => {
    const site = new FakeSite();
    await run(site);
    const [metrics] = site.inputsOf('CloudWatch.PutMetricData');
    assert.equal(metrics?.['Namespace'], 'WSO2IS/Recovery');
    assert.deepEqual(
      (metrics?.['MetricData'] as { MetricName: string; Value: number }[])
        .map(({ MetricName, Value }) => [MetricName, Value])
        .slice(0, 2),
      [
        ['DrillPassed', 1],
        ['MeasuredRpo', 1500],
      ],
    );
    const [event] = site.inputsOf('EventBridge.PutEvents');
    const [entry] = event?.['Entries'] as { Source: string; DetailType: string; Detail: string }[];
    assert.equal(entry?.Source, 'wso2is-recovery');
    assert.equal(entry?.DetailType, 'Drill Finished');
    assert.equal((JSON.parse(entry?.Detail ?? '') as { verdict: string }).verdict, 'PASSED');
  });
});

describe('a drill that must fail', () => {
  /** Runs with what the test breaks; the report must be there, nothing may be left, people must be told. */
  async function fail(breakIt: (site: FakeSite) => void) {
    const site = new FakeSite();
    breakIt(site);
    const execution = await run(site);
    assert.equal(execution.getStatus(), 'SUCCEEDED');
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
    assert.equal(report.causes[0], 'RPO not met: 1500 s measured, at most 1499 s wanted');
    assert.match(report.causes[1] ?? '', /^RTO not met: \d+ s measured, at most 2 s wanted$/);
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
    site.faults.set('S3.PutObject', () => {
      throw named('AccessDenied', 'Access Denied');
    });
    const execution = await run(site);
    assert.equal(execution.getStatus(), 'FAILED');
    assert.match(
      execution.getError().errorMessage ?? '',
      /ended PASSED, but: write report.json: AccessDenied: Access Denied/,
    );
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
