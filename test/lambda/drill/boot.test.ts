import { strict as assert } from 'node:assert';
import { describe, it } from 'node:test';
import type { CheckStatus } from '../../../lambda/check/contract';
import type { Boot } from '../../../lambda/drill/settings';
import { FakeSite, named, reportOf, runDrill } from './fake-site';

const BOOT: Boot = {
  cluster: 'site',
  taskDefinition: 'arn:aws:ecs:eu-central-1:111122223333:task-definition/boot:1',
  subnets: ['subnet-1'],
  securityGroup: 'sg-boot',
  healthPath: '/api/health-check/v1.0/health',
  timeoutSeconds: 600,
  vcpus: 2,
  memoryGib: 4,
  tokenSecretArn: 'arn:aws:secretsmanager:eu-central-1:111122223333:secret:client',
};

const outcome = (check: string, status: CheckStatus) => ({
  check,
  component: 'deployment',
  status,
  reason: `${check} said so`,
  compared: { status: 200 },
  durationMs: 1,
});

function siteThat(health: CheckStatus = 'PASSED', token: CheckStatus = 'PASSED') {
  const site = new FakeSite();
  site.booted = () => ({ checks: [outcome('boot-health', health), outcome('boot-token', token)] });
  return site;
}

const run = (site: FakeSite, options: Parameters<typeof runDrill>[2] = {}, event: object = { deployment: 'prod' }) =>
  runDrill(site, event, { settings: { boot: BOOT }, ...options });

const running = (site: FakeSite) => [...site.tasks.values()].filter(({ status }) => status !== 'STOPPED').length;

describe('a drill that boots', () => {
  it('isolates, runs one tagged task without a public address, has it asked, and stops it', async () => {
    const site = siteThat();
    await run(site);
    const report = reportOf(site);
    assert.deepEqual(report.causes, []);
    assert.equal(report.verdict, 'PASSED');
    assert.deepEqual(
      report.checks
        .filter(({ check }) => check.startsWith('boot-'))
        .map(({ check, status, compared }) => [check, status, compared]),
      [
        ['boot-health', 'PASSED', { status: 200, valuesIsolated: 1, namesLeft: 0 }],
        ['boot-token', 'PASSED', { status: 200, valuesIsolated: 1, namesLeft: 0 }],
      ],
    );
    const { drillId } = report;
    // From when it was asked for until it had stopped.
    const { startedAt } = report.steps.find(({ name }) => name === 'run task of Identity Server')!;
    const { endedAt } = report.steps.find(({ name }) => name === 'stop tasks of Identity Server')!;
    const hours = (Date.parse(endedAt) - Date.parse(startedAt)) / 3_600_000;
    assert.equal(
      report.estimatedCost.terms.find(({ component }) => component === 'booted copy')?.what,
      `2 vCPUs and 4 GiB on Fargate for ${hours.toFixed(2)} h`,
    );
    assert.deepEqual(site.inputsOf('ECS.RunTask'), [
      {
        cluster: 'site',
        taskDefinition: BOOT.taskDefinition,
        launchType: 'FARGATE',
        count: 1,
        clientToken: drillId,
        startedBy: drillId,
        tags: [{ key: 'wso2is-recovery:drill', value: drillId }],
        networkConfiguration: {
          awsvpcConfiguration: { subnets: ['subnet-1'], securityGroups: ['sg-boot'], assignPublicIp: 'DISABLED' },
        },
        overrides: {
          containerOverrides: [{ name: 'identity-server', environment: [{ name: 'DRILL_ID', value: drillId }] }],
        },
      },
    ]);
    assert.deepEqual(
      site.restoreEvents.filter(({ action }) => action === 'isolate'),
      [
        {
          action: 'isolate',
          target: `${drillId}/repository/conf/deployment.toml`,
          destination: `${drillId}/wso2is-recovery-boot/deployment.toml`,
          endpoints: [
            {
              host: 'db.internal',
              port: 5432,
              datasources: [
                { datasource: 'identity_db', type: 'postgre', databaseName: 'identity' },
                { datasource: 'shared_db', type: 'postgre', databaseName: 'shared' },
              ],
            },
          ],
        },
      ],
    );
    assert.deepEqual(site.bootEvent, {
      action: 'boot',
      address: '10.0.0.9',
      port: 9443,
      healthPath: '/api/health-check/v1.0/health',
      timeoutSeconds: 600,
      tokenSecretArn: BOOT.tokenSecretArn,
    });
    assert.equal(site.inputsOf('ECS.StopTask').length, 1);
    const order = site.calls.map(({ name }) => name);
    assert.ok(order.indexOf('ECS.StopTask') < order.indexOf('RDS.DeleteDBInstance'), 'before what it works with');
    assert.equal(running(site), 0);
  });

  it('fails where the copy is not healthy, and names what its file needs', async () => {
    const site = siteThat('FAILED');
    site.isolated = { ...site.isolated, references: ['env:DB_PASSWORD', 'secret:key'] };
    await run(site);
    const report = reportOf(site);
    assert.equal(report.verdict, 'FAILED');
    assert.match(
      report.causes[0] ?? '',
      /boot-health said so; its file needs env:DB_PASSWORD, secret:key of the image/,
    );
    assert.equal(running(site), 0);
  });

  for (const [what, fault, reason] of [
    ['the file cannot be isolated', 'restore.isolate', /could be booted: .*users are in a directory/],
    ['the task may not be run', 'ECS.RunTask', /could be booted: .*users are in a directory/],
    ['the task cannot be followed', 'ECS.DescribeTasks', /could be booted: .*users are in a directory/],
  ] as const) {
    it(`fails where ${what}`, async () => {
      const site = siteThat();
      site.faults.set(fault, () => {
        throw named('AccessDeniedException', 'users are in a directory');
      });
      await run(site);
      const report = reportOf(site);
      assert.equal(report.verdict, 'FAILED');
      assert.match(report.checks.find(({ check }) => check === 'boot-health')?.reason ?? '', reason);
      assert.equal(report.checks.find(({ check }) => check === 'boot-token')?.status, 'FAILED');
      assert.equal(running(site), 0);
      assert.equal(report.cleanUp.complete, true);
    });
  }

  it('fails where the task stops by itself, with the reason of ECS', async () => {
    const site = siteThat();
    site.taskCourse = ['PENDING', 'STOPPED'];
    await run(site);
    assert.match(reportOf(site).causes[0] ?? '', /the task stopped: CannotPullContainerError: no such image/);
  });

  it('fails where the task never runs', async () => {
    const site = siteThat();
    site.taskCourse = ['PENDING'];
    await run(site);
    assert.match(reportOf(site).causes[0] ?? '', /not done after 900 s \(last seen: task is PENDING\)/);
    assert.equal(running(site), 0);
  });

  it('fails where the check function answers without the checks', async () => {
    const site = siteThat();
    site.booted = () => ({ checks: [] });
    await run(site);
    assert.match(reportOf(site).causes.join('\n'), /boot-health/);
  });

  it('stops the task also where it died after starting it and before hearing of it', async () => {
    const whole = siteThat();
    await run(whole);
    const at = whole.calls.findIndex(({ name }) => name === 'ECS.RunTask') + 1;
    const site = siteThat();
    site.killAfterCall = at;
    const execution = await run(site);
    assert.equal(execution.status, 'SUCCEEDED');
    assert.equal(site.inputsOf('ECS.RunTask').length, 2);
    assert.equal(site.tasks.size, 1, 'the second call answers with the task of the first');
    assert.equal(running(site), 0);
  });

  it('says what it left where a task cannot be stopped', async () => {
    const site = siteThat();
    site.faults.set('ECS.StopTask', () => {
      throw named('AccessDeniedException', 'no');
    });
    await run(site);
    const { cleanUp, drillId, verdict } = reportOf(site);
    assert.equal(verdict, 'PASSED_WITH_WARNINGS');
    assert.match(cleanUp.leftBehind[0] ?? '', new RegExp(`^tasks started by ${drillId} in ECS cluster site: `));
    assert.equal(site.inputsOf('RDS.DeleteDBInstance').length, 1, 'the rest is cleaned up all the same');
  });

  it('boots nothing in a recovery', async () => {
    const site = siteThat();
    await run(site, {}, { deployment: 'prod', mode: 'recover' });
    assert.equal(site.calls.filter(({ name }) => name.startsWith('ECS.')).length, 0);
    assert.ok(!reportOf(site).causes.join('\n').includes('boot'));
  });

  it('boots nothing where the site has no boot', async () => {
    const site = siteThat();
    await runDrill(site);
    assert.equal(site.calls.filter(({ name }) => name.startsWith('ECS.')).length, 0);
  });
});
