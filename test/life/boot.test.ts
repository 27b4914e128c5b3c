// Drills that boot a copy on what they restored: the task definition as it is deployed runs as a local process, whose server is a stand-in. It reads the
// isolated deployment.toml, serves with the restored keystore, and is healthy only when it reaches the restored database.
import assert from 'node:assert/strict';
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { DescribeTasksCommand, ECSClient, ListClustersCommand, ListTasksCommand, type Task } from '@aws-sdk/client-ecs';
import { LambdaClient, StopDurableExecutionCommand } from '@aws-sdk/client-lambda';
import type { DrillReport } from '../../lambda/drill/contract';
import { REGIONS, SAMPLE_DEPLOYMENT_TOML } from '../../local/demo/configuration';
import { type Deployed } from '../../local/demo/deployed';
import { drill, repositoryOf, startDrill } from '../../local/demo/life';
import { startLocalAws, type LocalAws } from '../../local/local-aws';
import { eventually } from '../local/stack';
import { assertOnlyItsOwn } from './own-calls';
import { QUICK } from './quick';
import { reapAtOnce } from './reaping';
import { deploySample, takeRecoverySet } from './sample';

const { dr } = REGIONS;

/** A port that is free now, above that of the product. */
async function freeOffset(): Promise<number> {
  const server = createServer();
  for (;;) {
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const { port } = server.address() as AddressInfo;
    await new Promise((closed) => server.close(closed));
    if (port > 9443) return port - 9443;
  }
}

void describe('a drill that boots a copy', { timeout: 300_000 }, () => {
  let aws: LocalAws;
  let deployed: Deployed;
  let image: string;

  before(async () => {
    aws = await startLocalAws({ durations: QUICK });
    image = join(aws.dataDir, 'images/identity-server');
    cpSync(join(__dirname, 'identity-server'), image, { recursive: true });
    const offset = await freeOffset();
    const toml = readFileSync(SAMPLE_DEPLOYMENT_TOML, 'utf8').replace('[server]\n', `[server]\noffset = "${offset}"\n`);
    deployed = await deploySample(aws, { deploymentToml: toml, app: 'node --import tsx test/life/boot-app.ts' });
    await takeRecoverySet(aws, deployed);
  });
  after(() => aws?.stop());
  afterEach(() => aws.clearFaults());

  const booted = ({ checks }: DrillReport) =>
    checks.filter(({ check }) => check.startsWith('boot-')).map(({ check, status }) => `${check} ${status}`);

  async function tasksThat(desiredStatus: 'RUNNING' | 'STOPPED'): Promise<readonly Task[]> {
    const ecs = new ECSClient(aws.clientConfig(dr));
    const { clusterArns = [] } = await ecs.send(new ListClustersCommand({}));
    const [cluster] = clusterArns;
    const { taskArns = [] } = await ecs.send(new ListTasksCommand({ cluster, desiredStatus }));
    if (taskArns.length === 0) return [];
    return (await ecs.send(new DescribeTasksCommand({ cluster, tasks: taskArns }))).tasks ?? [];
  }
  const running = () => tasksThat('RUNNING');

  /** Every task that ever ran has stopped, its process included. */
  async function assertStopped(count: number): Promise<void> {
    assert.deepEqual(await running(), []);
    assert.deepEqual(
      (await tasksThat('STOPPED')).map(({ lastStatus }) => lastStatus),
      Array.from({ length: count }, () => 'STOPPED'),
    );
  }

  void it('PASSED where it becomes healthy and issues a token; the task is stopped', async () => {
    const earlier = (await aws.calls()).length;
    const report = await drill(aws, deployed);
    assert.deepEqual(report.causes, []);
    assert.deepEqual(booted(report), ['boot-health PASSED', 'boot-token PASSED']);
    assert.equal(report.verdict, 'PASSED');
    assert.deepEqual(report.cleanUp, { complete: true, leftBehind: [] });
    const term = report.estimatedCost.terms.find(({ component }) => component === 'booted copy');
    assert.match(term?.what ?? '', /^2 vCPUs and 4 GiB on Fargate for 0\.\d\d h$/);
    await assertStopped(1);
    const homes = join(aws.dataDir, 'tasks');
    const [home] = readdirSync(homes);
    // It ran with the isolated file, in which nothing leads to production.
    const isolated = readFileSync(join(homes, home!, 'repository/conf/deployment.toml'), 'utf8');
    const { host, port } = deployed.databases[0]!.server;
    assert.ok(!isolated.includes(`port = "${port}"`), `${host}:${port}`);
    // Which task is stopped is in no name: a condition on its tag lets the drill stop its own alone.
    const calls = (await aws.calls()).slice(earlier).filter(({ action }) => action !== 'StopTask');
    assertOnlyItsOwn(calls, report.drillId);
  });

  void it('FAILED where the client gets no token', async () => {
    const client = join(image, 'bin/client');
    const known = readFileSync(client);
    writeFileSync(client, 'another-client:secret\n');
    const report = await drill(aws, deployed);
    writeFileSync(client, known);
    assert.equal(report.verdict, 'FAILED');
    assert.deepEqual(booted(report), ['boot-health PASSED', 'boot-token FAILED']);
    assert.match(
      report.causes.join('\n'),
      /boot-token: the restored copy issued no token: status 401 \(invalid_client\)/,
    );
    await assertStopped(2);
  });

  void it('FAILED where the server takes connections and never answers', async () => {
    writeFileSync(join(image, 'bin/hangs'), '');
    const report = await drill(aws, deployed);
    assert.equal(report.verdict, 'FAILED');
    assert.deepEqual(booted(report), ['boot-health FAILED', 'boot-token FAILED']);
    assert.match(
      report.causes[0]!,
      /boot-health: the restored copy did not answer \/api\/health-check\/v1.0\/health with 200 within 60 s \(last: .*time/,
    );
    assert.deepEqual(report.cleanUp, { complete: true, leftBehind: [] });
    await assertStopped(3);
  });

  void it('ended while it asks the copy: the reaper stops the task, and removes the rest', async () => {
    const DurableExecutionArn = await startDrill(aws, deployed);
    const drillId = await eventually('the task', async () => (await running())[0]?.startedBy);
    await new LambdaClient(aws.clientConfig(dr)).send(new StopDurableExecutionCommand({ DurableExecutionArn }));
    assert.equal((await running()).length, 1);
    const { removed } = await reapAtOnce(aws, dr, /SiteReaper/);
    assert.match(removed[0]!, /^task arn:aws:ecs:\S+$/);
    assert.ok(removed.includes(`DB instance ${drillId}-1-database`), removed.join('\n'));
    assert.ok(removed.includes(`folder ${drillId} on the restore volume`), removed.join('\n'));
    rmSync(join(image, 'bin/hangs'));
    await assertStopped(4);
  });

  void it('FAILED where the server ends, because its keystore was replaced', async () => {
    const keystore = join(repositoryOf(deployed), 'resources/security/wso2carbon.p12');
    const content = readFileSync(keystore);
    writeFileSync(keystore, 'no keystore');
    await takeRecoverySet(aws, deployed);
    writeFileSync(keystore, content);
    const report = await drill(aws, deployed);
    assert.equal(report.verdict, 'FAILED');
    assert.ok(report.checks.some(({ check, status }) => check === 'keystores-open' && status === 'FAILED'));
    assert.match(
      report.causes.join('\n'),
      /boot-health: .*(: the task stopped: Essential container|did not answer .*ECONNREFUSED)/,
    );
    await assertStopped(5);
    await takeRecoverySet(aws, deployed);
  });

  void it('FAILED where there is no such image, with what ECS says', async () => {
    rmSync(image, { recursive: true });
    const report = await drill(aws, deployed);
    assert.equal(report.verdict, 'FAILED');
    assert.match(report.causes.join('\n'), /no copy of Identity Server could be booted: .*CannotPullContainerError/);
    assert.deepEqual(report.cleanUp, { complete: true, leftBehind: [] });
    await assertStopped(6);
  });
});
