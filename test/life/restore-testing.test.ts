// A restore testing plan of AWS Backup, whose verdicts are those of our checks: the functions as deployed, with the permissions of their roles.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { BackupClient, DescribeRestoreJobCommand, type DescribeRestoreJobOutput } from '@aws-sdk/client-backup';
import { DescribeDBInstancesCommand, RDSClient } from '@aws-sdk/client-rds';
import { REGIONS } from '../../local/demo/configuration';
import { type Deployed } from '../../local/demo/deployed';
import { startLocalAws, type LocalAws } from '../../local/local-aws';
import { assertHoldNone, logsOf } from './logs';
import { Pager } from './pager';
import { shortPermission } from './permissions';
import { QUICK } from './quick';
import { deploySample, takeRecoverySet } from './sample';
import { functionsOf } from './scheduled';

const { dr } = REGIONS;
const PLAN = 'wso2is_recovery';

void describe('a restore test of AWS Backup', { timeout: 300_000 }, () => {
  let aws: LocalAws;
  let deployed: Deployed;
  const pager = new Pager();

  before(async () => {
    aws = await startLocalAws({ durations: QUICK });
    deployed = await deploySample(aws, { tables: { restore_testing: {} } });
    await takeRecoverySet(aws, deployed);
    await pager.subscribe(aws, dr);
  });
  after(async () => {
    await aws?.stop();
    pager.stop();
  });
  afterEach(() => aws.clearFaults());

  const instances = async () =>
    (await new RDSClient(aws.clientConfig(dr)).send(new DescribeDBInstancesCommand({}))).DBInstances ?? [];

  /** To its end, when what it restored is gone. */
  async function restoreTest(windowSeconds?: number): Promise<DescribeRestoreJobOutput> {
    const [RestoreJobId, ...more] = await aws.runRestoreTest(dr, PLAN, windowSeconds);
    assert.deepEqual(more, []);
    const backup = new BackupClient(aws.clientConfig(dr));
    for (;;) {
      const job = await backup.send(new DescribeRestoreJobCommand({ RestoreJobId }));
      if (job.Status === 'FAILED' || job.DeletionStatus === 'SUCCESSFUL') return job;
      await sleep(100);
    }
  }

  async function assertNothingLeft(): Promise<void> {
    for (const end = Date.now() + 30_000; (await instances()).length > 0; await sleep(50)) {
      assert.ok(Date.now() < end, 'what the restore test made is still there');
    }
  }

  void it('SUCCESSFUL where the database connects and has its tables; nothing is told, and AWS deletes what it made', async () => {
    const job = await restoreTest();
    assert.equal(job.ValidationStatus, 'SUCCESSFUL', job.ValidationStatusMessage);
    // Connected, tables, rows (nothing is noted to compare them with) of two datasources.
    assert.equal(job.ValidationStatusMessage, '4 checks passed over 2 datasources');
    assert.match(job.CreatedResourceArn!, /^arn:aws:rds:eu-west-1:\d+:db:awsbackup-restore-test-/);
    await assertNothingLeft();
    assert.deepEqual(pager.told(dr), []);
  });

  void it('FAILED where a table is missing in what was restored, and says which', async () => {
    await aws.addFault({
      kind: 'restore-job-damages',
      match: ':rds:',
      database: 'identity_db',
      message: 'DROP TABLE idn_oauth2_access_token CASCADE',
    });
    const job = await restoreTest();
    assert.equal(job.ValidationStatus, 'FAILED');
    assert.match(job.ValidationStatusMessage!, /^tables-present: identity_db: .*IDN_OAUTH2_ACCESS_TOKEN/);
    const { message } = await pager.hear(dr, /^Restore test FAILED: identityserver-database/);
    assert.match(message, /^A restore test of AWS Backup failed: tables-present: .*IDN_OAUTH2_ACCESS_TOKEN/);
    assert.match(message, /Restored: arn:aws:rds:eu-west-1:\d+:db:awsbackup-restore-test-/);
    await assertNothingLeft();
  });

  for (const [what, kind, message, reason] of [
    ['throws', 'function-fails', 'a driver is missing', /the check function failed: a driver is missing/],
    ['hangs until its time-out', 'function-times-out', undefined, /the check function failed: Task timed out/],
    ['answers something else', 'function-answers', '{"checks":[{}]}', /answered with something else than checks/],
    ['checks nothing', 'function-answers', '{"checks":[]}', /datasource-connects passed for 0 of 2 datasources/],
  ] as const) {
    void it(`FAILED where the check function ${what}`, async () => {
      const [match = ''] = await functionsOf(aws, dr, /SiteCheck/);
      await aws.addFault({ kind, match, ...(message && { message }) });
      const job = await restoreTest();
      assert.equal(job.ValidationStatus, 'FAILED');
      assert.match(job.ValidationStatusMessage!, reason);
      await assertNothingLeft();
    });
  }

  void it('told, with its reason, where the restore itself failed: there is nothing to validate', async () => {
    await aws.addFault({ kind: 'restore-job-fails', match: ':rds:', message: 'no capacity in eu-west-1' });
    const job = await restoreTest();
    assert.deepEqual([job.Status, job.ValidationStatus], ['FAILED', undefined]);
    await pager.hear(dr, /failed: the restore ended FAILED: no capacity in eu-west-1/);
  });

  void it('TIMED_OUT where the validating function fails for good, and its failure is told', async () => {
    const [match = ''] = await functionsOf(aws, dr, /RestoreTestingValidate/);
    await aws.addFault({ kind: 'function-fails', match, message: 'out of memory' });
    const job = await restoreTest(2);
    assert.equal(job.ValidationStatus, 'TIMED_OUT');
    await pager.hear(dr, /out of memory/);
    await assertNothingLeft();
  });

  void it('each permission of the function, taken away: no verdict is SUCCESSFUL', async () => {
    const needed = (await aws.permissions()).filter(
      (use) => use.needed && /RestoreTestingValidate/.test(use.role) && !use.action.startsWith('kms:'),
    );
    assert.ok(needed.length >= 6, needed.map(shortPermission).join('\n'));
    const good: string[] = [];
    for (const { role, action } of needed) {
      // Only told when something fails.
      if (action === 'sns:Publish') continue;
      await aws.addFault({ kind: 'permission-withheld', match: `${role} ${action}` });
      const { ValidationStatus } = await restoreTest(2);
      await aws.clearFaults();
      if (ValidationStatus === 'SUCCESSFUL') good.push(action);
      await assertNothingLeft();
    }
    assert.deepEqual(good, []);
    assert.equal((await restoreTest()).ValidationStatus, 'SUCCESSFUL');
  });

  void it('no log holds a password', async () => {
    const logs = await logsOf(aws);
    assert.ok(
      [...logs.keys()].some((group) => /RestoreTesting/.test(group)),
      [...logs.keys()].join(),
    );
    assertHoldNone(logs, { 'the password of the database server': deployed.databases[0]!.server.password });
  });
});
