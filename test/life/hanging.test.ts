// A restore job that hangs: the drill gives up after its hours, which take seconds here, and what the job then makes is removed.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { DescribeDBInstancesCommand, RDSClient } from '@aws-sdk/client-rds';
import { REGIONS } from '../../local/demo/configuration';
import { type Deployed } from '../../local/demo/deployed';
import { drill } from '../../local/demo/life';
import { startLocalAws, type LocalAws } from '../../local/local-aws';
import { eventually } from '../local/stack';
import { assertOnlyItsOwn } from './own-calls';
import { Pager } from './pager';
import { QUICK } from './quick';
import { reapAtOnce, withoutHaste } from './reaping';
import { deploySample, takeRecoverySet } from './sample';

const { dr } = REGIONS;

void describe('a restore job that hangs', { timeout: 300_000 }, () => {
  let aws: LocalAws;
  let deployed: Deployed;
  const pager = new Pager();

  before(async () => {
    // Eight hours, after which a drill gives up, are 6 seconds.
    aws = await startLocalAws({ durations: { ...QUICK, durableSecond: 0.000_2 } });
    deployed = await deploySample(aws);
    await takeRecoverySet(aws, deployed);
    await pager.subscribe(aws, dr);
  });
  after(async () => {
    pager.stop();
    await aws?.stop();
  });

  const instances = async () =>
    (await new RDSClient(aws.clientConfig(dr)).send(new DescribeDBInstancesCommand({}))).DBInstances ?? [];

  void it('FAILED when the drill gave up; what the job makes after all, the reaper removes', async () => {
    await aws.addFault({ kind: 'restore-job-hangs', match: ':rds:' });
    const earlier = (await aws.calls()).length;
    const report = await drill(aws, deployed);
    assert.equal(report.verdict, 'FAILED');
    assert.match(
      report.causes[0]!,
      /^database: not restored: .*not done after 28800 s \(last seen: restore job \S+ is RUNNING\)/,
    );
    // The volume was restored and checked all the same.
    assert.equal(report.components.find(({ kind }) => kind === 'volume')?.verdict, 'PASSED');
    assert.equal(report.cleanUp.complete, false);
    assert.match(report.cleanUp.leftBehind.join('\n'), /restore job/);

    await aws.clearFaults();
    await eventually('the instance', async () => (await instances())[0]?.DBInstanceStatus === 'available' || undefined);
    const { removed } = await reapAtOnce(aws, dr, /SiteReaper/);
    assert.ok(removed.join('\n').includes(`DB instance ${report.drillId}-1-database`), removed.join('\n'));
    // The drill had told its verdict: the message leads to its report.
    const { message } = await pager.hear(dr, new RegExp(`^Leftovers of ${report.drillId} were removed\n`));
    assert.ok(message.includes(`The reaper removed:\n- DB instance ${report.drillId}-1-database\n`), message);
    const prefix = `s3://${deployed.replicaBucket}/drills/wso2is/${report.drillId}/`;
    assert.ok(message.includes(`need not be started again for that: ${prefix}report.json\n`), message);
    // A run that comes while RDS is still deleting has nothing to tell.
    assert.deepEqual((await reapAtOnce(aws, dr, /SiteReaper/)).removed, []);
    await eventually('its end', async () => (await instances()).length === 0 || undefined);
    assert.equal(pager.told(dr).filter(({ subject }) => subject.startsWith('Leftovers of')).length, 1);
    assertOnlyItsOwn(withoutHaste((await aws.calls()).slice(earlier)), report.drillId);
  });

  void it('the next drill passes', async () => {
    const { verdict, causes } = await drill(aws, deployed);
    assert.deepEqual([verdict, causes], ['PASSED', []]);
  });
});
