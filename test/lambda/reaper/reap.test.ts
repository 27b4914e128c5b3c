import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { reap } from '../../../lambda/reaper/reap';
import type { SweepEvent, SweepResult } from '../../../lambda/restore/contract';
import { FakeSite, named, SETTINGS } from '../drill/fake-site';

const START = '2026-11-24T04:25:00Z';
const DRILL = 'drill-20261124t042500-1a2b3c4d';
const DAY = 86_400;

const run = (site: FakeSite, secondsAfterStart: number, restoreFunction = site.restoreFunction) => {
  const { rds, backup } = site.aws();
  return reap({
    rds,
    backup,
    stopTasks: () => Promise.resolve(),
    sweepRecoveryDirectories: (before) =>
      site.restoreFunction({ action: 'sweep-recovery-directories', before }) as Promise<SweepResult>,
    sweepFolders: (startedBefore) =>
      restoreFunction({ action: 'sweep', startedBefore } satisfies SweepEvent) as Promise<SweepResult>,
    restoreRoleArn: SETTINGS.restoreRoleArn,
    dbSubnetGroup: SETTINGS.dbSubnetGroup,
    timeoutSeconds: DAY,
    now: Date.parse(START) + secondsAfterStart * 1000,
  });
};

interface Made {
  readonly tags?: Readonly<Record<string, string>>;
  readonly status?: string;
  readonly subnetGroup?: string;
}

function siteWith(instances: Readonly<Record<string, Made>>) {
  const site = new FakeSite();
  for (const [identifier, { tags = {}, status = 'available', subnetGroup = 'dr-subnets' }] of Object.entries(
    instances,
  )) {
    site.instances.set(identifier, {
      arn: `arn:aws:rds:eu-central-1:111122223333:db:${identifier}`,
      status,
      subnetGroup,
      tags: new Map(Object.entries(tags)),
      looks: 9,
    });
  }
  return site;
}

const tagged = { tags: { 'wso2is-recovery:drill': DRILL } };
const deleted = (site: FakeSite) => site.inputsOf('RDS.DeleteDBInstance').map((input) => input['DBInstanceIdentifier']);

describe('the reaper, of a cluster', () => {
  const CLUSTER = `${DRILL}-1-db`;

  function clusterSite(tags: Readonly<Record<string, string>>, subnetGroup = 'dr-subnets') {
    const site = siteWith({ [`${CLUSTER}-1`]: { tags, subnetGroup } });
    site.instances.get(`${CLUSTER}-1`)!.cluster = CLUSTER;
    site.clusters.set(CLUSTER, {
      arn: `arn:aws:rds:eu-central-1:111122223333:cluster:${CLUSTER}`,
      status: 'available',
      subnetGroup,
      tags: new Map(Object.entries(tags)),
      looks: 9,
    });
    return site;
  }

  it('removes a Multi-AZ DB cluster whole, and asks for none of its instances', async () => {
    const site = clusterSite(tagged.tags);
    site.instances.get(`${CLUSTER}-1`)!.multiAz = true;
    assert.deepEqual(await run(site, DAY), { removed: [`DB cluster ${CLUSTER}`], waiting: [], failed: [] });
    assert.deepEqual([deleted(site), site.instances.size], [[], 0]);
  });

  it('removes the instance, and the cluster an hour later', async () => {
    const site = clusterSite(tagged.tags);
    assert.deepEqual(await run(site, DAY - 1), { removed: [], waiting: [], failed: [] });
    assert.deepEqual(await run(site, DAY), {
      removed: [`DB instance ${CLUSTER}-1`],
      waiting: [`DB cluster ${CLUSTER} is available, and has instances still`],
      failed: [],
    });
    assert.deepEqual((await run(site, DAY + 3600)).removed, [`DB cluster ${CLUSTER}`]);
    assert.deepEqual((await run(site, DAY + 7200)).removed, []);
    assert.deepEqual(await run(site, DAY + 10_800), { removed: [], waiting: [], failed: [] });
    assert.deepEqual([site.clusters.size, site.instances.size], [0, 0]);
    assert.deepEqual(deleted(site), [`${CLUSTER}-1`]);
    assert.equal(site.inputsOf('RDS.DeleteDBCluster')[0]?.['SkipFinalSnapshot'], true);
  });

  it('tags, then removes, one without an instance that a restore job of the site made', async () => {
    const site = clusterSite({});
    site.instances.clear();
    site.jobs.set('job', { kind: 'cluster', identifier: CLUSTER, subnetGroup: 'dr-subnets', looks: 5 });
    assert.deepEqual((await run(site, DAY)).removed, [`DB cluster ${CLUSTER}`]);
    assert.deepEqual(
      site.inputsOf('RDS.AddTagsToResource').map((input) => input['Tags']),
      [[{ Key: 'wso2is-recovery:drill', Value: DRILL }]],
    );
  });

  it('leaves alone what carries no tag, and what is in the subnets of others', async () => {
    const untagged = clusterSite({});
    assert.deepEqual((await run(untagged, DAY)).removed, []);
    const foreign = clusterSite(tagged.tags, 'other-subnets');
    assert.deepEqual(await run(foreign, DAY), { removed: [], waiting: [], failed: [] });
    for (const site of [untagged, foreign]) assert.deepEqual([site.clusters.size, site.instances.size], [1, 1]);
  });
});

describe('the reaper', () => {
  it('removes what is as old as a drill can be, and not a second before', async () => {
    const young = siteWith({ [`${DRILL}-1-db`]: tagged });
    young.folders.add(DRILL);
    assert.deepEqual(await run(young, DAY - 1), { removed: [], waiting: [], failed: [] });
    assert.deepEqual(deleted(young), []);

    const old = siteWith({ [`${DRILL}-1-db`]: tagged });
    old.folders.add(DRILL);
    old.recoveryDirectories.add('aws-backup-restore_1');
    assert.deepEqual(await run(old, DAY), {
      removed: [
        `DB instance ${DRILL}-1-db`,
        `folder ${DRILL} on the restore volume`,
        'directory aws-backup-restore_1 on the restore volume',
      ],
      waiting: [],
      failed: [],
    });
    assert.deepEqual(old.inputsOf('RDS.DeleteDBInstance'), [
      { DBInstanceIdentifier: `${DRILL}-1-db`, SkipFinalSnapshot: true, DeleteAutomatedBackups: true },
    ]);
    assert.equal(old.folders.size, 0);
  });

  for (const [what, identifier, made] of [
    ['production', 'is', {}],
    [
      'what a recovery keeps',
      'recovery-20261124t042500-1a2b3c4d-1-db',
      { tags: { 'wso2is-recovery:recovery': 'recovery-20261124t042500-1a2b3c4d' } },
    ],
    ['what another site drills, with another time-out', `${DRILL}-1-db`, { ...tagged, subnetGroup: 'other-site' }],
    ['what carries the tag under another name', 'is-copy', tagged],
    [
      'what carries the tag of another drill',
      `${DRILL}-1-db`,
      { tags: { 'wso2is-recovery:drill': 'drill-20261124t042500-00000000' } },
    ],
    ['a name without the tag, which no restore job made', `${DRILL}-1-db`, {}],
  ] as const) {
    it(`never touches ${what}`, async () => {
      const site = siteWith({ [identifier]: made });
      await run(site, 400 * DAY);
      assert.deepEqual(
        site.calls.map(({ name }) => name).filter((name) => !/\.(List|Describe)/.test(name)),
        [],
      );
      assert.equal(site.instances.size, 1);
    });
  }

  it('leaves the folders of recoveries, and what is no folder of a drill', async () => {
    const site = siteWith({});
    for (const folder of ['recovery-20261124t042500-1a2b3c4d', 'drill-notes', DRILL]) site.folders.add(folder);
    await run(site, 2 * DAY);
    assert.deepEqual([...site.folders], ['recovery-20261124t042500-1a2b3c4d', 'drill-notes']);
  });

  it('tags, then removes, what a restore job of the site made for a drill that died before it could tag it', async () => {
    const site = siteWith({ [`${DRILL}-1-db`]: {} });
    site.jobs.set('job', { kind: 'db', identifier: `${DRILL}-1-db`, subnetGroup: 'dr-subnets', looks: 5 });
    const { removed } = await run(site, 2 * DAY);
    assert.deepEqual(removed, [`DB instance ${DRILL}-1-db`]);
    assert.deepEqual(
      site.inputsOf('RDS.AddTagsToResource').map((input) => input['Tags']),
      [[{ Key: 'wso2is-recovery:drill', Value: DRILL }]],
    );
  });

  it('waits for what is still being made, and removes it at a later run', async () => {
    const site = siteWith({ [`${DRILL}-1-db`]: { ...tagged, status: 'creating' } });
    site.instances.get(`${DRILL}-1-db`)!.looks = 0;
    assert.deepEqual(await run(site, DAY), {
      removed: [],
      waiting: [`DB instance ${DRILL}-1-db is creating`],
      failed: [],
    });
    assert.deepEqual((await run(site, DAY + 3600)).removed, [`DB instance ${DRILL}-1-db`]);
  });

  it('tries everything, and says what it could not remove beside what it did', async () => {
    const site = siteWith({ [`${DRILL}-1-db`]: tagged, [`${DRILL}-2-db`]: tagged });
    site.folders.add(DRILL);
    site.faults.set('RDS.DeleteDBInstance', ({ DBInstanceIdentifier }) => {
      if (DBInstanceIdentifier === `${DRILL}-1-db`)
        throw named('InvalidParameterCombination', 'Cannot delete protected DB Instance');
    });
    assert.deepEqual(await run(site, DAY), {
      removed: [`DB instance ${DRILL}-2-db`, `folder ${DRILL} on the restore volume`],
      waiting: [],
      failed: [`DB instance ${DRILL}-1-db: InvalidParameterCombination: Cannot delete protected DB Instance`],
    });
  });

  it('beside another run: what that one has removed meanwhile is not told twice', async () => {
    const site = siteWith({ [`${DRILL}-1-db`]: tagged, [`${DRILL}-2-db`]: tagged });
    site.faults.set('RDS.DeleteDBInstance', ({ DBInstanceIdentifier }) => {
      if (DBInstanceIdentifier === `${DRILL}-1-db`) throw named('DBInstanceNotFoundFault', 'DBInstance not found');
    });
    assert.deepEqual(await run(site, DAY), { removed: [`DB instance ${DRILL}-2-db`], waiting: [], failed: [] });
    site.faults.clear();
    site.instances.delete(`${DRILL}-1-db`);
    site.faults.set('RDS.ListTagsForResource', () => {
      throw named('DBInstanceNotFoundFault', 'DBInstance not found');
    });
    site.instances.get(`${DRILL}-2-db`)!.status = 'available';
    assert.deepEqual(await run(site, DAY + 30), { removed: [], waiting: [], failed: [] });
    site.faults.clear();
    site.instances.get(`${DRILL}-2-db`)!.status = 'deleting';
    assert.deepEqual((await run(site, DAY + 60)).removed, []);
  });

  it('says which tasks it stopped before ECS refused one', async () => {
    const site = siteWith({});
    const { rds, backup } = site.aws();
    const { removed, failed } = await reap({
      rds,
      backup,
      stopTasks: (_, onStopped) => {
        onStopped(`task 1 of ${DRILL}`);
        return Promise.reject(named('ThrottlingException', 'Rate exceeded'));
      },
      sweepFolders: () => Promise.resolve({ folders: [] }),
      sweepRecoveryDirectories: () => Promise.resolve({ folders: [] }),
      restoreRoleArn: SETTINGS.restoreRoleArn,
      dbSubnetGroup: SETTINGS.dbSubnetGroup,
      timeoutSeconds: DAY,
      now: Date.parse(START) + DAY * 1000,
    });
    assert.deepEqual(removed, [`task 1 of ${DRILL}`]);
    assert.deepEqual(failed, ['tasks of Identity Server: ThrottlingException: Rate exceeded']);
  });
});
