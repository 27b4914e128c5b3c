// Volumes that come back from recovery points of AWS Backup, where the event asks for them.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RestorePreview } from '../../../lambda/drill/contract';
import type { RecoveryPlanDocument } from '../../../lib/planning/plan-document';
import { FakeSite, MANIFEST_KEY, passingChecks, PLAN, reportOf, runDrill } from './fake-site';

const [REPOSITORY] = PLAN.volumes;
const POINT_ARN = 'arn:aws:backup:eu-central-1:111122223333:recovery-point:efs-1';

function siteWith(plan: RecoveryPlanDocument = PLAN): FakeSite {
  const site = new FakeSite();
  site.objects.set('plans/prod.json', JSON.stringify(plan));
  for (const [index, { fileSystemArn }] of plan.volumes.entries()) {
    site.recoveryPoints.push({
      RecoveryPointArn: POINT_ARN.replace('efs-1', `efs-${index + 1}`),
      ResourceArn: fileSystemArn,
      Status: 'COMPLETED',
      CreationDate: new Date('2026-11-24T03:30:00.000Z'),
    });
  }
  // AWS Backup keeps no hashes, which the check function says.
  site.checks = (event) => ({
    checks: passingChecks(event).map((outcome) =>
      outcome.check === 'artifact-hashes' ? { ...outcome, status: 'WARNING', reason: 'nothing to compare' } : outcome,
    ),
  });
  return site;
}

const EVENT = { deployment: 'prod', volumesFrom: 'backup' };

describe('a drill with `volumesFrom: backup`', () => {
  it('restores the recovery point to the restore volume, moves it up, checks it, and removes it', async () => {
    const site = siteWith({ ...PLAN, volumes: [{ ...REPOSITORY!, path: '/is/repository' }] });
    site.recoveryDirectories.add('aws-backup-restore_of-somebody');
    await runDrill(site, EVENT);
    const report = reportOf(site);
    assert.deepEqual(report.causes, []);
    assert.equal(report.verdict, 'PASSED_WITH_WARNINGS');
    assert.deepEqual(report.warnings, ['repository: artifact-hashes: nothing to compare']);
    assert.deepEqual(report.asked, { volumesFrom: 'backup' });
    const volume = report.components.find(({ component }) => component === 'repository');
    assert.deepEqual(
      [volume?.technique, volume?.restoredFrom, volume?.moment],
      ['backup-copy', POINT_ARN, '2026-11-24T03:30:00.000Z'],
    );
    const job = site.inputsOf('Backup.StartRestoreJob').find(({ ResourceType }) => ResourceType === 'EFS');
    assert.deepEqual(job, {
      RecoveryPointArn: POINT_ARN,
      IamRoleArn: 'arn:aws:iam::111122223333:role/restore',
      IdempotencyToken: `${report.drillId}-repository`,
      ResourceType: 'EFS',
      Metadata: {
        'file-system-id': 'fs-0dr',
        newFileSystem: 'false',
        Encrypted: 'true',
        ItemsToRestore: '["/is/repository"]',
      },
    });
    assert.deepEqual(
      site.restoreEvents.filter(({ action }) => action === 'adopt'),
      [
        {
          action: 'adopt',
          before: ['aws-backup-restore_of-somebody'],
          path: '/is/repository',
          target: `drills/${report.drillId}/repository`,
          uid: 1000,
          gid: 1000,
        },
      ],
    );
    assert.deepEqual(site.checkEvent?.volumes, [{ name: 'repository', mountedAt: 'repository' }]);
    assert.deepEqual([[...site.folders], [...site.recoveryDirectories]], [[], ['aws-backup-restore_of-somebody']]);
    assert.deepEqual(report.cleanUp, { complete: true, leftBehind: [] });
  });

  it('restores the whole where the access point leads to the root', async () => {
    const site = siteWith();
    await runDrill(site, EVENT);
    const job = site.inputsOf('Backup.StartRestoreJob').find(({ ResourceType }) => ResourceType === 'EFS');
    assert.equal((job?.['Metadata'] as Record<string, string>)['ItemsToRestore'], undefined);
    assert.equal(reportOf(site).verdict, 'PASSED_WITH_WARNINGS');
  });

  it('restores several volumes one after the other: the directories do not say whose they are', async () => {
    const tenants = {
      name: 'tenants',
      mountedAt: 'repository/tenants',
      fileSystemArn: `${REPOSITORY!.fileSystemArn}2`,
    };
    const other = { name: 'userstores', mountedAt: 'userstores', fileSystemArn: `${REPOSITORY!.fileSystemArn}3` };
    const site = siteWith({ ...PLAN, volumes: [tenants, other, REPOSITORY!] });
    await runDrill(site, EVENT);
    const report = reportOf(site);
    assert.deepEqual(report.causes, []);
    const targets = site.restoreEvents.flatMap((event) => (event.action === 'adopt' ? [event.target] : []));
    assert.deepEqual(
      targets.map((target) => target.slice(`drills/${report.drillId}/`.length)),
      ['userstores', 'repository', 'repository/tenants'],
    );
  });

  it('does not look into the archive, and FAILED where the vault has nothing', async () => {
    const site = siteWith();
    site.recoveryPoints = site.recoveryPoints.slice(0, 1);
    await runDrill(site, EVENT);
    const report = reportOf(site);
    assert.equal(report.verdict, 'FAILED');
    assert.match(report.causes[0] ?? '', /^repository: nothing to restore: there is no point at this site/);
    assert.ok(report.components.every(({ restoredFrom }) => restoredFrom !== MANIFEST_KEY));
  });

  for (const { what, breakIt, cause } of [
    {
      what: 'the job fails',
      breakIt: (site: FakeSite) => (site.restoreJobEnd = { Status: 'FAILED', StatusMessage: 'no permission' }),
      cause:
        /^repository: not restored: restore of repository: restore job job-drill-.*-repository FAILED: no permission$/m,
    },
    {
      what: 'something else was restored to the volume meanwhile',
      breakIt: (site: FakeSite) =>
        site.faults.set('restore.adopt', () => site.recoveryDirectories.add('aws-backup-restore_other')),
      cause: /^repository: not restored: move repository up: .*2 new directories .* start again when that has ended$/m,
    },
    {
      what: 'AWS Backup left nothing',
      breakIt: (site: FakeSite) => site.faults.set('restore.adopt', () => site.recoveryDirectories.clear()),
      cause:
        /^repository: not restored: move repository up: .*left no new directory aws-backup-restore_\.\.\. at the root/m,
    },
  ]) {
    it(`FAILED where ${what}`, async () => {
      const site = siteWith();
      breakIt(site);
      await runDrill(site, EVENT);
      const report = reportOf(site);
      assert.equal(report.verdict, 'FAILED');
      assert.match(report.causes.join('\n'), cause);
      // Nobody can tell which directory it is, so the drill removes none.
      assert.deepEqual(report.cleanUp, {
        complete: false,
        leftBehind: [
          'what AWS Backup restored of repository, if anything, at the root of file system fs-0dr: the reaper removes it once no ' +
            'drill can need it',
        ],
      });
    });
  }

  it('misses no objective by the age that was asked for, and says it', async () => {
    const site = siteWith();
    site.recoveryPoints = site.recoveryPoints.map((point) => ({
      ...point,
      CreationDate: new Date('2026-11-23T20:00:00Z'),
    }));
    await runDrill(site, EVENT);
    const report = reportOf(site);
    assert.deepEqual(report.causes, []);
    assert.match(report.warnings.join('\n'), /RPO not met: .*: recovery points of volumes were asked for/);
  });

  it('is previewed with the recovery points', async () => {
    const { result } = await runDrill(siteWith(), { ...EVENT, planOnly: true });
    const preview = result as RestorePreview;
    assert.equal(preview.components.find(({ component }) => component === 'repository')?.restoredFrom, POINT_ARN);
  });
});

it('without it, the recovery points of volumes are not asked for', async () => {
  const site = siteWith();
  await runDrill(site);
  assert.equal(reportOf(site).components[1]?.restoredFrom, MANIFEST_KEY);
  assert.deepEqual(
    site.inputsOf('Backup.ListRecoveryPointsByBackupVault').map(({ ByResourceArn }) => ByResourceArn),
    [PLAN.databases[0]?.resourceArn],
  );
});
