import { strict as assert } from 'node:assert';
import { describe, it } from 'node:test';
import type { DrillReport } from '../../../lambda/drill/contract';
import { judgeAnswer } from '../../../lambda/drill/own-checks';
import { settingsFrom } from '../../../lambda/drill/settings';
import { FakeSite, reportOf, runDrill } from './fake-site';

const ARN = 'arn:aws:lambda:eu-central-1:111122223333:function:smoke';

async function run(own: (event: unknown) => Promise<unknown>): Promise<{ report: DrillReport; site: FakeSite }> {
  const site = new FakeSite();
  await runDrill(site, undefined, {
    settings: { ownChecks: [{ name: 'smoke', functionArn: ARN }] },
    functions: { 'restore-function': site.restoreFunction, 'check-function': site.checkFunction, [ARN]: own },
  });
  return { report: reportOf(site), site };
}
const outcomeOf = ({ checks }: DrillReport) => checks.find(({ check }) => check === 'own: smoke');

describe("a check of the user's own", () => {
  it('gets the endpoints and the secrets, while all still runs, and stands in the report', async () => {
    const events: unknown[] = [];
    let running = 0;
    const { report, site } = await run((event) => {
      events.push(event);
      running++;
      return Promise.resolve({ status: 'PASSED', reason: '3 users log in', compared: { users: 3 } });
    });
    assert.equal(report.verdict, 'PASSED', report.causes.join());
    const { component, status, reason, compared } = outcomeOf(report)!;
    assert.deepEqual([component, status, reason, compared], ['deployment', 'PASSED', '3 users log in', { users: 3 }]);
    assert.equal(running, 1);
    assert.deepEqual(events, [{ drillId: report.drillId, deployment: 'prod', databases: site.checkEvent?.databases }]);
    const steps = report.steps.map(({ name }) => name);
    assert.ok(steps.indexOf('own check smoke') > steps.indexOf('checks'));
    assert.ok(steps.indexOf('own check smoke') < steps.indexOf('delete is-db'));
    const step = report.steps.find(({ name }) => name === 'own check smoke');
    assert.equal(report.checkedAt, step?.endedAt);
  });

  const failing: readonly [string, () => Promise<unknown>, RegExp][] = [
    ['fails', () => Promise.resolve({ status: 'FAILED', reason: 'nobody logs in' }), /nobody logs in/],
    ['throws', () => Promise.reject(new Error('no route to host')), /did not answer .*no route to host/],
    [
      'exceeds its time-out',
      () => Promise.reject(new Error('Task timed out after 3.00 seconds')),
      /did not answer .*timed out/,
    ],
    ['answers something else', () => Promise.resolve({ statusCode: 200, body: 'passed' }), /`status` of its answer/],
    ['answers nothing', () => Promise.resolve(undefined), /did not answer|must answer an object/],
  ];
  for (const [what, own, reason] of failing) {
    it(`that ${what} makes the drill FAILED, with the reason, and everything is cleaned up`, async () => {
      const { report, site } = await run(own);
      assert.equal(report.verdict, 'FAILED');
      assert.equal(outcomeOf(report)?.status, 'FAILED');
      assert.match(report.causes.join('\n'), /^deployment: own: smoke: /m);
      assert.match(report.causes.join('\n'), reason);
      assert.equal(site.instances.size, 0);
      assert.deepEqual(report.cleanUp, { complete: true, leftBehind: [] });
    });
  }

  it('that warns makes it PASSED_WITH_WARNINGS', async () => {
    const { report } = await run(() => Promise.resolve({ status: 'WARNING', reason: 'slow' }));
    assert.equal(report.verdict, 'PASSED_WITH_WARNINGS');
    assert.deepEqual(report.warnings, ['deployment: own: smoke: slow']);
  });
});

describe('judgeAnswer', () => {
  const lies: readonly [unknown, RegExp][] = [
    [null, /must answer an object, got null/],
    ['PASSED', /must answer an object, got "PASSED"/],
    [{}, /`status` .* got none/],
    [{ status: true, reason: 'x' }, /`status` .* got true/],
    [{ status: 'passed', reason: 'x' }, /`status` .* got "passed"/],
    [{ status: 'SKIPPED', reason: 'x' }, /`status` .* got "SKIPPED"/],
    [{ status: 'PASSED' }, /`reason` .* got none/],
    [{ status: 'PASSED', reason: ' ' }, /`reason` .* got " "/],
    [{ status: 'PASSED', reason: 'x', compared: [1] }, /`compared` .* got a list/],
    [{ status: 'PASSED', reason: 'x', compared: { a: { b: 1 } } }, /`compared` .* got an object/],
    [{ status: 'PASSED', reason: 'x', compared: { a: NaN } }, /`compared`/],
  ];
  for (const [answer, reason] of lies) {
    it(`${JSON.stringify(answer)} is FAILED`, () => {
      const judged = judgeAnswer(answer);
      assert.equal(judged.status, 'FAILED');
      assert.match(judged.reason, reason);
    });
  }

  it('cuts a reason that no line of a report holds', () => {
    assert.equal(judgeAnswer({ status: 'PASSED', reason: 'x'.repeat(5000) }).reason.length, 1000);
  });
});

describe('settings', () => {
  const environment = {
    SITE: 'in-region',
    BUCKET: 'bucket',
    VAULT_NAME: 'vault',
    RESTORE_ROLE_ARN: 'role',
    DB_SUBNET_GROUP: 'subnets',
    DB_SECURITY_GROUP_ID: 'sg-1',
    RESTORE_FUNCTION: 'restore',
    CHECK_FUNCTION: 'check',
    ADOPT_FUNCTION: 'adopt',
    RESTORE_UID: '1000',
    RESTORE_GID: '1001',
    RESTORE_FILE_SYSTEM_ID: 'fs-1',
    RESTORE_ROOT: '/drills',
    TOPIC_ARN: 'topic',
    TIMEOUT_SECONDS: '86400',
    AWS_REGION: 'eu-central-1',
  };
  it('come from the environment, and all that is missing or wrong is named', () => {
    assert.deepEqual(settingsFrom(environment), {
      site: 'in-region',
      bucket: 'bucket',
      vaultName: 'vault',
      restoreRoleArn: 'role',
      dbSubnetGroup: 'subnets',
      dbSecurityGroupId: 'sg-1',
      restoreFunction: 'restore',
      checkFunction: 'check',
      adoptFunction: 'adopt',
      restoreOwner: { uid: 1000, gid: 1001 },
      restoreFileSystemId: 'fs-1',
      restoreRoot: '/drills',
      topicArn: 'topic',
      timeoutSeconds: 86_400,
      region: 'eu-central-1',
      ownChecks: [],
    });
    assert.equal(settingsFrom({ ...environment, LOCK_MIN_DAYS: '7' }).lockMinDays, 7);
    assert.throws(
      () => settingsFrom({ ...environment, SITE: 'primary', BUCKET: '', TIMEOUT_SECONDS: '1 day' }),
      /^Error: environment of the drill lacks a usable SITE, BUCKET, TIMEOUT_SECONDS: deploy/,
    );
  });
  it('name the own checks in the order in which they were added; none where the site has none', () => {
    assert.deepEqual(settingsFrom(environment).ownChecks, []);
    assert.deepEqual(settingsFrom({ ...environment, OWN_CHECKS: `{"smoke":"${ARN}","other":"b"}` }).ownChecks, [
      { name: 'smoke', functionArn: ARN },
      { name: 'other', functionArn: 'b' },
    ]);
  });
});
