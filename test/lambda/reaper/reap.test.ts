import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Leftover } from '../../../lambda/reaper/leftover';
import { FakeSite, named } from '../drill/fake-site';
import { reapSite } from './reap-site';

const START = '2026-11-24T04:25:00Z';
const DRILL = 'drill-20261124t042500-1a2b3c4d';
const DAY = 86_400;

/** What became of each thing, by how it ended. */
async function run(site: FakeSite, secondsAfterStart: number) {
  const leftovers = await reapSite(site, Date.parse(START) + secondsAfterStart * 1000);
  const inWords = (wanted: Leftover['fate']) =>
    leftovers
      .filter(({ fate }) => fate === wanted)
      .map((each) => ('why' in each ? `${each.what}: ${each.why}` : each.what));
  const failed = inWords('failed');
  return {
    leftovers,
    ended: { removed: inWords('removed'), waiting: inWords('waiting'), ...(failed.length > 0 && { failed }) },
  };
}

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
    assert.deepEqual((await run(site, DAY)).ended, { removed: [`DB cluster ${CLUSTER}`], waiting: [] });
    assert.deepEqual([deleted(site), site.instances.size], [[], 0]);
  });

  it('removes the instance, and the cluster an hour later', async () => {
    const site = clusterSite(tagged.tags);
    assert.deepEqual((await run(site, DAY - 1)).ended, { removed: [], waiting: [] });
    assert.deepEqual((await run(site, DAY)).ended, {
      removed: [`DB instance ${CLUSTER}-1`],
      waiting: [`DB cluster ${CLUSTER}: its instances have to be gone first`],
    });
    assert.deepEqual((await run(site, DAY + 3600)).ended.removed, [`DB cluster ${CLUSTER}`]);
    assert.deepEqual((await run(site, DAY + 7200)).ended.removed, []);
    assert.deepEqual((await run(site, DAY + 10_800)).ended, { removed: [], waiting: [] });
    assert.deepEqual([site.clusters.size, site.instances.size], [0, 0]);
    assert.deepEqual(deleted(site), [`${CLUSTER}-1`]);
    assert.equal(site.inputsOf('RDS.DeleteDBCluster')[0]?.['SkipFinalSnapshot'], true);
  });

  it('tags, then removes, one without an instance that a restore job of the site made', async () => {
    const site = clusterSite({});
    site.instances.clear();
    site.jobs.set('job', { kind: 'cluster', identifier: CLUSTER, subnetGroup: 'dr-subnets', looks: 5 });
    assert.deepEqual((await run(site, DAY)).ended.removed, [`DB cluster ${CLUSTER}`]);
    assert.deepEqual(
      site.inputsOf('RDS.AddTagsToResource').map((input) => input['Tags']),
      [[{ Key: 'wso2is-recovery:drill', Value: DRILL }]],
    );
  });

  it('leaves alone what carries no tag, and what is in the subnets of others', async () => {
    const untagged = clusterSite({});
    assert.deepEqual((await run(untagged, DAY)).ended.removed, []);
    const foreign = clusterSite(tagged.tags, 'other-subnets');
    assert.deepEqual((await run(foreign, DAY)).ended, { removed: [], waiting: [] });
    for (const site of [untagged, foreign]) assert.deepEqual([site.clusters.size, site.instances.size], [1, 1]);
  });
});

describe('the reaper', () => {
  it('removes what is as old as a drill can be, and not a second before', async () => {
    const young = siteWith({ [`${DRILL}-1-db`]: tagged });
    young.folders.add(DRILL);
    assert.deepEqual((await run(young, DAY - 1)).ended, { removed: [], waiting: [] });
    assert.deepEqual(deleted(young), []);

    const old = siteWith({ [`${DRILL}-1-db`]: tagged });
    old.folders.add(DRILL);
    old.recoveryDirectories.add('aws-backup-restore_1');
    assert.deepEqual((await run(old, DAY)).ended, {
      removed: [
        `DB instance ${DRILL}-1-db`,
        `folder ${DRILL} on the restore volume`,
        'directory aws-backup-restore_1 on the restore volume',
      ],
      waiting: [],
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
    assert.deepEqual((await run(site, 2 * DAY)).ended.removed, [`DB instance ${DRILL}-1-db`]);
    assert.deepEqual(
      site.inputsOf('RDS.AddTagsToResource').map((input) => input['Tags']),
      [[{ Key: 'wso2is-recovery:drill', Value: DRILL }]],
    );
  });

  it('waits for what is still being made, and removes it at a later run', async () => {
    const site = siteWith({ [`${DRILL}-1-db`]: { ...tagged, status: 'creating' } });
    site.instances.get(`${DRILL}-1-db`)!.looks = 0;
    assert.deepEqual((await run(site, DAY)).ended, {
      removed: [],
      waiting: [`DB instance ${DRILL}-1-db: it is creating`],
    });
    assert.deepEqual((await run(site, DAY + 3600)).ended.removed, [`DB instance ${DRILL}-1-db`]);
  });

  it('tries everything, and says what it could not remove, and why', async () => {
    const site = siteWith({ [`${DRILL}-1-db`]: tagged, [`${DRILL}-2-db`]: tagged });
    site.folders.add(DRILL);
    site.faults.set('RDS.DeleteDBInstance', ({ DBInstanceIdentifier }) => {
      if (DBInstanceIdentifier === `${DRILL}-1-db`)
        throw named('InvalidParameterCombination', 'Cannot delete protected DB Instance');
    });
    site.faults.set('RDS.DescribeDBClusters', () => {
      throw named('AccessDenied', 'not authorized to perform rds:DescribeDBClusters');
    });
    assert.deepEqual((await run(site, DAY)).ended, {
      removed: [`DB instance ${DRILL}-2-db`, `folder ${DRILL} on the restore volume`],
      waiting: [],
      failed: [
        `DB instance ${DRILL}-1-db: InvalidParameterCombination: Cannot delete protected DB Instance`,
        'DB clusters: AccessDenied: not authorized to perform rds:DescribeDBClusters',
      ],
    });
    assert.equal(site.instances.get(`${DRILL}-2-db`)?.status, 'deleting');
  });

  it('says of folders which could not be removed, beside those that were', async () => {
    const sweep = () =>
      Promise.resolve({
        folders: [DRILL],
        failed: [{ folder: 'aws-backup-restore_1', reason: 'EACCES: permission denied' }],
      });
    const leftovers = await reapSite(siteWith({}), Date.parse(START), sweep);
    const directory = { what: 'directory aws-backup-restore_1 on the restore volume', fate: 'failed' };
    assert.deepEqual(
      leftovers.map((each) => ({ ...each })),
      [
        { what: `folder ${DRILL} on the restore volume`, drillId: DRILL, fate: 'removed' },
        { ...directory, what: 'folder aws-backup-restore_1 on the restore volume', why: 'EACCES: permission denied' },
        { what: `directory ${DRILL} on the restore volume`, drillId: DRILL, fate: 'removed' },
        { ...directory, why: 'EACCES: permission denied' },
      ],
    );
  });

  it('a run beside another one says nothing of what that one removes', async () => {
    const site = siteWith({ [`${DRILL}-1-db`]: tagged, [`${DRILL}-2-db`]: tagged });
    // Both have listed them; then the other one is faster: one is deleting, one is gone.
    site.faults.set('RDS.DeleteDBInstance', ({ DBInstanceIdentifier }) => {
      throw DBInstanceIdentifier === `${DRILL}-1-db`
        ? named('InvalidDBInstanceStateFault', 'is already being deleted')
        : named('DBInstanceNotFoundFault', 'not found');
    });
    assert.deepEqual((await run(site, DAY)).ended, {
      removed: [],
      waiting: [`DB instance ${DRILL}-1-db: its state changed meanwhile`],
    });
    // And a run that comes while it goes on.
    const later = siteWith({ [`${DRILL}-1-db`]: { ...tagged, status: 'deleting' } });
    assert.deepEqual((await run(later, DAY)).ended, {
      removed: [],
      waiting: [`DB instance ${DRILL}-1-db: it is being deleted`],
    });
    assert.deepEqual(deleted(later), []);
  });
});
