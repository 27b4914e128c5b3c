import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { DrillReport, RestorePreview } from '../../../lambda/drill/contract';
import {
  automatedBackup,
  FakeSite,
  MANIFEST_KEY,
  named,
  PLAN,
  REPLICATED_PLAN,
  runDrill,
  summaryOf,
} from './fake-site';

const RECOVER = { deployment: 'prod', mode: 'recover' };

async function recover(site: FakeSite, event: object = RECOVER) {
  const { result, history } = await runDrill(site, event);
  const summary = summaryOf(result);
  const report = JSON.parse(site.objects.get(summary.reportKey) ?? '') as DrillReport;
  return { summary, report, recovery: report.recovery!, history };
}

/** Calls that change something, by name and the id of what they change. */
const changing = (site: FakeSite) =>
  site.calls.filter(({ name }) => !/\.(Get|List|Describe)/.test(name)).map(({ name }) => name);

describe('a recovery', () => {
  it('keeps what it restored, under names and a tag that no drill has', async () => {
    const site = new FakeSite();
    const { report, summary } = await recover(site);
    assert.equal(report.verdict, 'PASSED', report.causes.join());
    assert.match(report.drillId, /^recovery-20261124t042500-[0-9a-f]{8}$/);
    assert.equal(summary.reportKey, `recoveries/prod/${report.drillId}/report.json`);
    const identifier = `${report.drillId}-1-is-db`;
    assert.deepEqual([...site.instances.keys()], [identifier]);
    assert.deepEqual([...site.instances.get(identifier)!.tags], [['wso2is-recovery:recovery', report.drillId]]);
    assert.deepEqual(site.inputsOf('RDS.DeleteDBInstance'), []);
    assert.deepEqual(
      site.restoreEvents.map(({ action }) => action),
      ['restore', 'configure'],
    );
    assert.deepEqual(report.cleanUp, { complete: true, leftBehind: [] });
  });

  it('restores at the size and with the standby of production, protected against deletion', async () => {
    const site = new FakeSite();
    await recover(site);
    const metadata = site.inputsOf('Backup.StartRestoreJob')[0]?.['Metadata'] as Record<string, string>;
    assert.equal(metadata['DBInstanceClass'], 'db.t4g.micro');
    assert.equal(metadata['MultiAZ'], 'true');
    assert.equal(metadata['DeletionProtection'], 'true');
    assert.equal(metadata['PubliclyAccessible'], 'false');
  });

  it('does the same with a replicated automated backup', async () => {
    const site = new FakeSite();
    site.objects.set('plans/prod.json', JSON.stringify(REPLICATED_PLAN));
    site.automatedBackups = [automatedBackup('2026-11-20T00:00:00.000Z', '2026-11-24T04:20:00.000Z')];
    const { report } = await recover(site);
    const [input] = site.inputsOf('RDS.RestoreDBInstanceToPointInTime');
    assert.equal(input?.['DeletionProtection'], true);
    assert.equal('MultiAZ' in (input ?? {}), false);
    assert.deepEqual(input?.['Tags'], [{ Key: 'wso2is-recovery:recovery', Value: report.drillId }]);
  });

  it('says where everything is, what deployment.toml must say, and what to do next, in order', async () => {
    const site = new FakeSite();
    const change = {
      datasource: 'identity_db',
      section: 'database.identity_db',
      key: 'hostname' as const,
      line: 3,
      from: 'old',
      to: 'db.internal',
    };
    site.configuration = { found: true, changes: [change] };
    const { report, recovery } = await recover(site);
    const id = report.drillId;
    assert.deepEqual(recovery.databases, [
      {
        component: 'is-db',
        kind: 'rds-instance',
        identifier: `${id}-1-is-db`,
        host: 'db.internal',
        port: 5432,
        secretArn: 'arn:aws:secretsmanager:eu-central-1:111122223333:secret:is-AbCdEf',
        datasources: ['identity_db', 'shared_db'],
        multiAz: true,
        backupRetentionDays: 7,
      },
    ]);
    assert.deepEqual(recovery.artifacts, {
      fileSystemId: 'fs-0dr',
      path: `/drills/${id}`,
      volumes: [{ component: 'repository', mountedAt: 'repository', path: `/drills/${id}/repository` }],
    });
    assert.deepEqual(recovery.configurationChanges, [change]);
    const configure = site.restoreEvents.find(({ action }) => action === 'configure');
    assert.deepEqual(configure, {
      action: 'configure',
      target: `${id}/repository/conf/deployment.toml`,
      endpoints: [{ host: 'db.internal', port: 5432, datasources: PLAN.databases[0]?.datasources }],
    });
    assert.deepEqual(
      recovery.nextSteps.map((step) => step.slice(0, 24)),
      [
        'allow the servers of Ide',
        `mount /drills/${id}`.slice(0, 24),
        'make the 1 changes of de',
        'start one server, sign i',
        'lead DNS to it',
        'protect what now is prod',
      ],
    );
    assert.match(recovery.notes.join('\n'), /callback URLs/);
  });

  it('says how an instance that came without a standby or backups gets them', async () => {
    const site = new FakeSite();
    site.availability = { MultiAZ: false, BackupRetentionPeriod: 0 };
    const { report, recovery } = await recover(site);
    const [database] = recovery.databases;
    assert.deepEqual([database!.multiAz, database!.backupRetentionDays], [false, 0]);
    const modify = `aws rds modify-db-instance --db-instance-identifier ${report.drillId}-1-is-db --apply-immediately`;
    const told = recovery.nextSteps.filter((step) => step.includes('modify-db-instance'));
    assert.deepEqual(told, [
      `${report.drillId}-1-is-db has no standby; where production had one: \`${modify} --multi-az\``,
      `RDS makes no automated backups of ${report.drillId}-1-is-db: \`${modify} --backup-retention-period 7\``,
    ]);
    // Before servers are led to it.
    assert.ok(
      recovery.nextSteps.indexOf(told[1]!) < recovery.nextSteps.findIndex((step) => /^start one server/.test(step)),
    );
  });

  it('names the sections of the product where the restored deployment.toml cannot be compared, and says why', async () => {
    const site = new FakeSite();
    site.faults.set('restore.configure', () => {
      throw new Error('deployment.toml cannot be read');
    });
    const { report, recovery } = await recover(site);
    assert.deepEqual(
      recovery.configurationChanges.map(({ section, key, to }) => [section, key, to]),
      [
        ['database.identity_db', 'hostname', 'db.internal'],
        ['database.identity_db', 'port', '5432'],
        ['database.shared_db', 'hostname', 'db.internal'],
        ['database.shared_db', 'port', '5432'],
      ],
    );
    assert.match(recovery.notes[0] ?? '', /not from the restored file \(.*deployment.toml cannot be read/);
    assert.equal(report.verdict, 'PASSED');
  });

  it('keeps what it could restore where a part failed, and says so first', async () => {
    const site = new FakeSite();
    site.restoreJobEnd = { Status: 'FAILED', StatusMessage: 'Snapshot is damaged' };
    const { report, recovery } = await recover(site);
    assert.equal(report.verdict, 'FAILED');
    assert.match(report.causes[0] ?? '', /Snapshot is damaged/);
    assert.equal(recovery.artifacts?.volumes.length, 1);
    assert.match(recovery.nextSteps[0] ?? '', /^is-db could not be restored: .*start the recovery again/);
    assert.deepEqual(site.inputsOf('RDS.DeleteDBInstance'), []);
  });

  it('has nothing to keep without a plan', async () => {
    const site = new FakeSite();
    site.objects.delete('plans/prod.json');
    const { report, recovery } = await recover(site);
    assert.equal(report.verdict, 'FAILED');
    assert.deepEqual([recovery.databases, recovery.artifacts, recovery.configurationChanges], [[], undefined, []]);
    assert.match(recovery.nextSteps[0] ?? '', /^nothing was restored/);
  });

  it('is not the worse for an objective that it missed: that is a warning', async () => {
    const site = new FakeSite();
    const objectives = { ...PLAN.objectives, drSite: { rpoSeconds: 60, rtoSeconds: 2 } };
    site.objects.set('plans/prod.json', JSON.stringify({ ...PLAN, objectives }));
    const { report } = await recover(site);
    assert.equal(report.verdict, 'PASSED_WITH_WARNINGS');
    assert.deepEqual(report.causes, []);
    assert.match(report.warnings.join('\n'), /RPO not met: 25 min measured, at most 1 min wanted/);
    assert.match(report.warnings.join('\n'), /RTO not met/);
  });

  it('tells everybody, and leaves the metrics to the drills', async () => {
    const site = new FakeSite();
    await recover(site);
    assert.equal(site.inputsOf('SNS.Publish').length, 1);
    assert.match(site.inputsOf('SNS.Publish')[0]?.['Message'] as string, /What to do next:\n- allow the servers/);
    assert.deepEqual(site.inputsOf('CloudWatch.PutMetricData'), []);
    const [entry] = site.inputsOf('EventBridge.PutEvents')[0]?.['Entries'] as { DetailType: string }[];
    assert.equal(entry?.DetailType, 'Recovery Finished');
  });

  it('starts while a drill runs, and takes no lock', async () => {
    const site = new FakeSite();
    site.objects.set(
      'locks/prod/drill.json',
      '{"drillId":"drill-20261124t042400-00000000","executionArn":"other","expiresAt":"2027-01-01T00:00:00Z"}',
    );
    site.runningExecutions.add('other');
    const { report } = await recover(site);
    assert.equal(report.verdict, 'PASSED');
    assert.equal(
      site.inputsOf('S3.PutObject').some(({ Key }) => (Key as string).startsWith('locks/')),
      false,
    );
  });
});

describe('which set', () => {
  /** Two exports, two copies: at 01:00 and 04:00. */
  function siteOfTwoSets() {
    const site = new FakeSite();
    const [copy] = site.recoveryPoints;
    site.recoveryPoints = [
      { ...copy, RecoveryPointArn: 'copy-of-04', CreationDate: new Date('2026-11-24T04:00:00.000Z') },
      { ...copy, RecoveryPointArn: 'copy-of-01', CreationDate: new Date('2026-11-24T01:00:00.000Z') },
    ];
    site.archivePoints = [
      { manifestKey: MANIFEST, startedAt: '2026-11-24T01:05:00.000Z' },
      { manifestKey: MANIFEST_KEY, startedAt: '2026-11-24T04:10:00.000Z' },
    ];
    return site;
  }
  const MANIFEST = 'archives/prod/repository/manifests/of-01';

  it('of a moment: the newest that is not later, and the loss is counted from there', async () => {
    const site = siteOfTwoSets();
    const { report } = await recover(site, { ...RECOVER, at: '2026-11-24T02:00:00Z' });
    assert.deepEqual(
      report.components.map(({ restoredFrom }) => restoredFrom),
      ['copy-of-01', MANIFEST],
    );
    assert.equal(report.measuredRpoSeconds, 3600);
    assert.deepEqual(report.asked, { at: '2026-11-24T02:00:00.000Z' });
    assert.deepEqual(
      report.passedOver.map(({ id, reason }) => [id, reason]),
      [
        ['copy-of-04', 'it is later than 2026-11-24T02:00:00.000Z, which was asked for'],
        [MANIFEST_KEY, 'it is later than 2026-11-24T02:00:00.000Z, which was asked for'],
      ],
    );
  });

  it('of an export: that one, and what is nearest to it; its age was chosen', async () => {
    const site = siteOfTwoSets();
    const { report } = await recover(site, { deployment: 'prod', exportKey: MANIFEST });
    assert.deepEqual(
      report.components.map(({ restoredFrom }) => restoredFrom),
      ['copy-of-01', MANIFEST],
    );
    assert.equal(report.mode, 'drill');
    assert.equal(report.verdict, 'PASSED');
    assert.deepEqual(report.asked, { exportKey: MANIFEST });
  });

  it('of an export that is older than the objective: a warning, since it was asked for', async () => {
    const site = siteOfTwoSets();
    const objectives = { ...PLAN.objectives, drSite: { ...PLAN.objectives.drSite, rpoSeconds: 3600 } };
    site.objects.set('plans/prod.json', JSON.stringify({ ...PLAN, objectives }));
    const { report } = await recover(site, { deployment: 'prod', exportKey: MANIFEST });
    assert.equal(report.verdict, 'PASSED_WITH_WARNINGS');
    assert.deepEqual(report.warnings, [
      'RPO not met: 3 h 25 min measured, at most 1 h wanted: the export was asked for',
    ]);
  });

  it('of an export that is not there: FAILED before anything is made', async () => {
    const site = siteOfTwoSets();
    const { report } = await recover(site, { ...RECOVER, exportKey: 'archives/prod/repository/manifests/of-02' });
    assert.equal(report.verdict, 'FAILED');
    assert.match(
      report.causes[0] ?? '',
      /the export archives\/prod\/repository\/manifests\/of-02 that was asked for is not in/,
    );
    assert.deepEqual(site.inputsOf('Backup.StartRestoreJob'), []);
    assert.deepEqual(site.restoreEvents, []);
  });
});

describe('planOnly', () => {
  it('says what would be restored, and changes nothing', async () => {
    const site = new FakeSite();
    const { result } = await runDrill(site, { ...RECOVER, planOnly: true });
    const preview = result as RestorePreview;
    assert.deepEqual(changing(site), []);
    assert.deepEqual(site.restoreEvents, []);
    const id = /instance (recovery-20261124t042500-[0-9a-f]{8})-/.exec(preview.components[0]?.wouldMake ?? '')?.[1];
    assert.deepEqual(preview, {
      outcome: 'PREVIEW',
      mode: 'recover',
      deployment: 'prod',
      region: 'eu-central-1',
      site: 'dr-site',
      chosenAt: '2026-11-24T04:25:00.000Z',
      complete: true,
      components: [
        {
          component: 'is-db',
          kind: 'database',
          technique: 'backup-copy',
          restoredFrom: 'arn:aws:rds:eu-central-1:111122223333:snapshot:awsbackup:copyjob-1',
          moment: '2026-11-24T04:00:00.000Z',
          wouldMake: `DB instance ${id}-1-is-db`,
        },
        {
          component: 'repository',
          kind: 'volume',
          technique: 'artifact-export-replicated',
          restoredFrom: MANIFEST_KEY,
          moment: '2026-11-24T04:10:00.000Z',
          wouldMake: `folder /drills/${id}/repository of file system fs-0dr`,
        },
      ],
      passedOver: [],
      moment: '2026-11-24T04:00:00.000Z',
      skewSeconds: 600,
      lossSeconds: 1500,
      objectives: { rpoSeconds: 14_400, rtoSeconds: 28_800 },
    });
  });

  it('says how long the plan expects it to take, and what cannot be restored', async () => {
    const site = new FakeSite();
    site.recoveryPoints = [];
    const recoveryTimes = [
      { component: 'all together', site: 'dr-site', basis: 'estimate', seconds: 5400, terms: [] },
      { component: 'all together', site: 'in-region', basis: 'estimate', seconds: 1, terms: [] },
    ];
    site.objects.set('plans/prod.json', JSON.stringify({ ...PLAN, recoveryTimes }));
    const { result } = await runDrill(site, { deployment: 'prod', planOnly: true });
    const preview = result as RestorePreview;
    assert.equal(preview.expectedSeconds, 5400);
    assert.equal(preview.complete, false);
    assert.match(preview.components[0]?.reason ?? '', /^there is no point at this site/);
    assert.equal(preview.components[0]?.wouldMake, undefined);
  });

  it('fails as an execution where it cannot look: there is no report to wait for', async () => {
    const site = new FakeSite();
    site.faults.set('Backup.ListRecoveryPointsByBackupVault', () => {
      throw named('AccessDeniedException', 'not authorized');
    });
    const { status, error } = await runDrill(site, { ...RECOVER, planOnly: true });
    assert.equal(status, 'FAILED');
    assert.match(error ?? '', /^choose recovery set: AccessDeniedException: not authorized/);
    assert.deepEqual(changing(site), []);
  });
});
