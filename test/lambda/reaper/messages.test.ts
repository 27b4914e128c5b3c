// What people are told of dead drills: each thing once, in one message for each drill.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { S3Client } from '@aws-sdk/client-s3';
import { findReport } from '../../../lambda/reaper/find-report';
import type { Leftover } from '../../../lambda/reaper/leftover';
import { messageOf, newsOf } from '../../../lambda/reaper/messages';
import { tell } from '../../../lambda/reaper/tell';
import { FakeSite, named, SETTINGS } from '../drill/fake-site';
import { reapSite } from './reap-site';

const DRILL = 'drill-20261124t042500-1a2b3c4d';
const OTHER = 'drill-20261123t042500-00000000';
const TOLD = { site: 'dr-site', bucket: 'replica', functionName: 'Reaper' } as const;
const LATER = Date.parse('2026-11-25T04:25:00Z');

const instance: Leftover = { what: `DB instance ${DRILL}-1-db-1`, drillId: DRILL, fate: 'removed' };
const cluster: Leftover = {
  what: `DB cluster ${DRILL}-1-db`,
  drillId: DRILL,
  fate: 'waiting',
  why: 'its instances have to be gone first',
};
const foreign: Leftover = {
  what: `DB instance ${DRILL}-2-db`,
  drillId: DRILL,
  fate: 'left-alone',
  why: 'it does not carry the tag',
};
const failed: Leftover = {
  what: `DB instance ${DRILL}-3-db`,
  drillId: DRILL,
  fate: 'failed',
  why: 'InvalidParameterCombination: Cannot delete protected DB Instance',
};
const unlisted: Leftover = { what: 'DB clusters', fate: 'failed', why: 'AccessDenied: no' };
const directory: Leftover = { what: 'directory aws-backup-restore_1 on the restore volume', fate: 'removed' };

describe('news', () => {
  it('is what was removed and not announced; waiting, failing and being left alone are none', () => {
    assert.deepEqual(newsOf([]), []);
    assert.deepEqual(newsOf([cluster, foreign, failed, unlisted]), []);
    assert.deepEqual(newsOf([{ ...instance, told: true }, cluster]), []);
    assert.deepEqual(newsOf([instance, cluster]), [{ drillId: DRILL, leftovers: [instance, cluster] }]);
  });

  it('is of one drill each, with what failed for all of them; what is of no drill is by itself', () => {
    const other = { ...instance, what: 'folder', drillId: OTHER };
    assert.deepEqual(newsOf([instance, other, cluster, unlisted, directory]), [
      { drillId: DRILL, leftovers: [instance, cluster, unlisted] },
      { drillId: OTHER, leftovers: [other, unlisted] },
      { leftovers: [unlisted, directory] },
    ]);
  });
});

describe('the message', () => {
  it('says what was removed, what goes on, what was not, why, what to do, and where the report is', () => {
    const location = `s3://replica/drills/prod/${DRILL}/report.json`;
    assert.deepEqual(
      messageOf({ drillId: DRILL, leftovers: [instance, cluster, foreign, failed] }, { location }, TOLD),
      {
        Subject: `Leftovers of ${DRILL} were removed, but not all`,
        Message: `The drill ${DRILL} ended, and did not remove all that it had made. The reaper removed:
- DB instance ${DRILL}-1-db-1

It goes on with this at its next runs, of which it says no more unless they fail:
- DB cluster ${DRILL}-1-db: its instances have to be gone first

It left alone, since nothing says that a drill made it:
- DB instance ${DRILL}-2-db: it does not carry the tag

It could not remove, and tries again every hour:
- DB instance ${DRILL}-3-db: InvalidParameterCombination: Cannot delete protected DB Instance

What to do: put right what AWS says there, or remove it by hand: until it is gone it costs. The alarm over errors of the function Reaper is on until a run removed everything; its log group has each run.

It left its report, with its verdict, so it need not be started again for that: ${location}
`,
      },
    );
  });

  it('says that there is no report, and how to start the drill again at its site', () => {
    const news = { drillId: DRILL, leftovers: [instance] };
    assert.deepEqual(messageOf(news, 'none', TOLD), {
      Subject: `Leftovers of ${DRILL} were removed`,
      Message: `The drill ${DRILL} ended, and did not remove all that it had made. The reaper removed:
- DB instance ${DRILL}-1-db-1

It left no report below s3://replica/drills/, so nothing is proven by it. If no later drill left one, start it again: wso2is-recovery drill
`,
    });
    const { Message } = messageOf(news, 'none', { ...TOLD, site: 'in-region' });
    assert.match(
      Message,
      /s3:\/\/replica\/in-region-drills\/, .* start it again: wso2is-recovery drill --site primary\n$/,
    );
    assert.match(
      messageOf(news, { unseen: 'AccessDenied: no' }, TOLD).Message,
      new RegExp(`could not be seen \\(AccessDenied: no\\): look for ${DRILL} below s3://replica/drills/\n$`),
    );
  });

  it('of what AWS Backup restored and nobody took names no drill, and no report', () => {
    assert.deepEqual(messageOf({ leftovers: [directory] }, 'none', TOLD), {
      Subject: 'Leftovers of a recovery drill were removed',
      Message: `AWS Backup restored to the restore volume what no drill took. The reaper removed:
- directory aws-backup-restore_1 on the restore volume
`,
    });
  });
});

describe('a report', () => {
  const look = (keys: readonly string[], site: 'dr-site' | 'in-region' = 'dr-site') => {
    const fake = new FakeSite();
    for (const key of keys) fake.objects.set(key, '{}');
    return findReport(fake.aws().s3, 'replica', site, DRILL);
  };

  it('is found whatever the deployment is, at its own site alone', async () => {
    const keys = [
      `drills/another/${OTHER}/report.json`,
      `drills/prod/${DRILL}/report.json`,
      `drills/prod/watched-since.json`,
    ];
    assert.deepEqual(await look(keys), { location: `s3://replica/drills/prod/${DRILL}/report.json` });
    assert.equal(await look(keys, 'in-region'), 'none');
    assert.equal(await look([`drills/prod/${OTHER}/report.json`, `drills/prod/${DRILL}/notes.txt`]), 'none');
  });

  it('that cannot be looked for is no report that is not there', async () => {
    const s3 = { send: () => Promise.reject(named('AccessDenied', 'not authorized')) };
    const client = Object.assign(new FakeSite().aws().s3, s3) as S3Client;
    assert.deepEqual(await findReport(client, 'replica', 'dr-site', DRILL), { unseen: 'AccessDenied: not authorized' });
  });
});

describe('telling', () => {
  function topic(refused: RegExp = /^$/) {
    const sent: string[] = [];
    const send = ({ input }: { input: { Subject: string; Message: string; TopicArn: string } }) => {
      assert.equal(input.TopicArn, 'topic');
      if (refused.test(input.Subject)) return Promise.reject(named('Throttled', 'slower'));
      sent.push(input.Message);
      return Promise.resolve({});
    };
    const findReport = () => Promise.resolve('none' as const);
    return { sent, surroundings: { ...TOLD, topicArn: 'topic', findReport, sns: { send } as never } };
  }

  it('of an Aurora cluster, whose deletion takes more than one run: one message, by the first of them', async () => {
    const site = new FakeSite();
    const about = { subnetGroup: SETTINGS.dbSubnetGroup, status: 'available', looks: 9 };
    const tags = () => new Map([['wso2is-recovery:drill', DRILL]]);
    const arn = (kind: string, name: string) => `arn:aws:rds:eu-central-1:111122223333:${kind}:${name}`;
    const [name, member] = [`${DRILL}-1-db`, `${DRILL}-1-db-1`];
    site.clusters.set(name, { ...about, arn: arn('cluster', name), tags: tags() });
    site.instances.set(member, { ...about, arn: arn('db', member), tags: tags(), cluster: name });
    const { sent, surroundings } = topic();
    for (let hour = 0; hour < 4; hour++) {
      assert.deepEqual(await tell(await reapSite(site, LATER + hour * 3_600_000), surroundings), []);
    }
    assert.deepEqual([site.clusters.size, site.instances.size], [0, 0]);
    assert.equal(sent.length, 1, sent.join('\n'));
    assert.match(sent[0]!, new RegExp(`removed:\n- DB instance ${member}\n`));
    assert.match(
      sent[0]!,
      new RegExp(`unless they fail:\n- DB cluster ${name}: its instances have to be gone first\n`),
    );
  });

  it('marks nothing of which no message was sent; one that cannot be sent keeps no other back', async () => {
    const marked: string[] = [];
    const marks = (leftover: Leftover, drillId: string) =>
      ({ ...leftover, drillId, mark: () => Promise.resolve(marked.push(drillId)) }) as Leftover;
    const leftovers = [DRILL, OTHER].flatMap((drillId) => [{ ...instance, drillId }, marks(cluster, drillId)]);
    const { sent, surroundings } = topic(/1a2b3c4d/);
    assert.deepEqual(await tell(leftovers, surroundings), [`message about ${DRILL}: Throttled: slower`]);
    assert.deepEqual([sent.length, marked], [1, [OTHER]]);
    // Nothing but what is waited for: nobody was told of it, and the removal will be told.
    assert.deepEqual(await tell([marks(cluster, DRILL)], surroundings), []);
    assert.deepEqual(marked, [OTHER]);
  });

  it('fails where nobody knows whether there is a report, and tells all the same', async () => {
    const { sent, surroundings } = topic();
    const findReport = () => Promise.resolve({ unseen: 'AccessDenied: no' });
    assert.deepEqual(await tell([instance], { ...surroundings, findReport }), [`report of ${DRILL}: AccessDenied: no`]);
    assert.match(sent[0]!, /could not be seen/);
  });
});
