import { BackupClient, ListBackupVaultsCommand } from '@aws-sdk/client-backup';
import { DescribeDBInstancesCommand, RDSClient } from '@aws-sdk/client-rds';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { LambdaClient, InvokeCommand } from '@aws-sdk/client-lambda';
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { type LocalAws, startLocalAws } from '../../local/local-aws';
import { createStack, eventually, inlineFunction } from './stack';

const root = join(__dirname, '..', '..');
let aws: LocalAws;

before(async () => {
  aws = await startLocalAws();
});

after(() => aws.stop());

/** Processes that are a child, grandchild, ... of one. */
function descendants(pid: number): number[] {
  const { stdout } = spawnSync('ps', ['-eo', 'pid=,ppid='], { encoding: 'utf8' });
  const rows = stdout
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number));
  const below = (parent: number): number[] =>
    rows.filter(([, ppid]) => ppid === parent).flatMap(([child]) => [child!, ...below(child!)]);
  return below(pid);
}

function alive(pid: number): boolean {
  const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', `${pid}`], { encoding: 'utf8' });
  return stdout.trim() !== '' && !stdout.trim().startsWith('Z');
}

/** Runs code in a process that has the environment of the local AWS and nothing else. */
function runConfined(code: string, env: Record<string, string>) {
  const { stdout, stderr } = spawnSync('node', ['-e', code], { env, encoding: 'utf8', cwd: root });
  assert.equal(stderr, '');
  return stdout.trim();
}

const CALLER = (endpoint?: string) => `
const { STSClient, GetCallerIdentityCommand } = require('@aws-sdk/client-sts');
new STSClient({ region: 'eu-west-1', maxAttempts: 1, endpoint: ${JSON.stringify(endpoint)} }).send(new GetCallerIdentityCommand({}))
  .then((identity) => console.log(identity.Account), (error) => console.log(error.code));`;

test('a client with the configuration is the account of the local AWS', async () => {
  const { Account } = await new STSClient(aws.clientConfig('eu-west-1')).send(new GetCallerIdentityCommand({}));
  assert.equal(Account, '123456789012');
  assert.equal(aws.accountId, '123456789012');
  assert.match(aws.endpoint, /^http:\/\/127\.0\.0\.1:\d+$/);
});

test('the environment leads a client to the local AWS, and without the endpoint nowhere', () => {
  assert.equal(runConfined(CALLER(), aws.env), '123456789012');
  const without = Object.fromEntries(Object.entries(aws.env).filter(([name]) => name !== 'AWS_ENDPOINT_URL'));
  assert.equal(runConfined(CALLER(), without), 'ECONNREFUSED');
  assert.equal(runConfined(CALLER('https://sts.amazonaws.com'), aws.env), 'ECONNREFUSED');
  const fetched = `fetch('https://sts.amazonaws.com').catch((error) => console.log(error.cause.code))`;
  assert.equal(runConfined(fetched, aws.env), 'ECONNREFUSED');
  const python = `import urllib.request\ntry: urllib.request.urlopen('https://sts.amazonaws.com')\nexcept OSError as error: print(error.reason.errno in (61, 111))`;
  assert.equal(spawnSync('python3', ['-c', python], { env: aws.env, encoding: 'utf8' }).stdout.trim(), 'True');
});

test('the environment holds nothing of the user', () => {
  assert.equal(aws.env.AWS_ACCESS_KEY_ID, 'test');
  assert.equal(aws.env.AWS_EC2_METADATA_DISABLED, 'true');
  assert.equal(aws.env.AWS_PROFILE, undefined);
  assert.equal(aws.env.AWS_REGION, undefined);
  for (const name of ['AWS_CONFIG_FILE', 'AWS_SHARED_CREDENTIALS_FILE'])
    assert.equal(existsSync(aws.env[name]!), false);
  assert.ok(aws.env.HOME!.startsWith(aws.dataDir));
  assert.match(runConfined('console.log(process.version)', aws.env), /^v24\./);
});

test('every call is noted, with the action where the protocol names it', async () => {
  await new BackupClient(aws.clientConfig('eu-central-1')).send(new ListBackupVaultsCommand({}));
  await new RDSClient(aws.clientConfig('eu-west-1')).send(new DescribeDBInstancesCommand({}));
  const [vaults, instances] = (await aws.calls()).slice(-2).map(({ at: _, ...call }) => call);
  assert.deepEqual(vaults, {
    region: 'eu-central-1',
    service: 'backup',
    method: 'GET',
    path: '/backup-vaults',
    about: [],
    status: 200,
  });
  assert.deepEqual(instances, {
    region: 'eu-west-1',
    service: 'rds',
    method: 'POST',
    path: '/',
    action: 'DescribeDBInstances',
    about: [],
    status: 200,
  });
});

test('a Region that is gone answers 503; others answer; it comes back', async () => {
  const client = (region: string) => new BackupClient({ ...aws.clientConfig(region), maxAttempts: 1 });
  const list = new ListBackupVaultsCommand({});
  await aws.addFault({ kind: 'region-gone', match: 'us-east-1' });
  await assert.rejects(
    client('us-east-1').send(list),
    (error: { name: string; $metadata: { httpStatusCode: number } }) => {
      assert.equal(error.name, 'ServiceUnavailable');
      assert.equal(error.$metadata.httpStatusCode, 503);
      return true;
    },
  );
  assert.deepEqual((await client('us-east-2').send(list)).BackupVaultList, []);
  await aws.clearFaults();
  assert.deepEqual((await client('us-east-1').send(list)).BackupVaultList, []);
});

test('calls are throttled so many times, fail, hang and are slow: where a fault matches, and nowhere else', async () => {
  const rds = (region: string) => new RDSClient({ ...aws.clientConfig(region), maxAttempts: 1 });
  const describe = (region: string) => rds(region).send(new DescribeDBInstancesCommand({}));
  await aws.addFault({ kind: 'call-throttled', match: 'eu-west-1 rds:DescribeDBInstances', times: 2 });
  await assert.rejects(describe('eu-west-1'), { name: 'Throttling' });
  await describe('eu-central-1');
  await assert.rejects(describe('eu-west-1'), { name: 'Throttling' });
  await describe('eu-west-1');

  const backup = new BackupClient({ ...aws.clientConfig('eu-west-1'), maxAttempts: 1 });
  const list = () => backup.send(new ListBackupVaultsCommand({}));
  await aws.addFault({ kind: 'call-throttled', match: 'backup:GET /backup-vaults', times: 1 });
  await assert.rejects(list(), { name: 'ThrottlingException' });
  await aws.addFault({ kind: 'call-fails', match: 'backup:GET', code: 'AccessDeniedException', message: 'not you' });
  await assert.rejects(list(), { name: 'AccessDeniedException', message: 'not you' });
  await aws.clearFaults();

  const s3 = new S3Client({ ...aws.clientConfig('eu-west-1'), maxAttempts: 1 });
  await aws.addFault({ kind: 'call-throttled', match: 's3:PUT /slow-bucket', times: 1 });
  await assert.rejects(s3.send(new CreateBucketCommand({ Bucket: 'slow-bucket' })), { name: 'SlowDown' });
  await aws.addFault({ kind: 'call-slow', match: 's3:PUT /slow-bucket', seconds: 0.3 });
  const began = performance.now();
  await s3.send(new CreateBucketCommand({ Bucket: 'slow-bucket' }));
  assert.ok(performance.now() - began >= 300);

  await aws.addFault({ kind: 'call-hangs', match: 'backup:' });
  let answered = false;
  const hanging = list().then(() => (answered = true));
  await describe('eu-west-1');
  assert.equal(answered, false);
  await aws.clearFaults();
  await hanging;
});

test('an unknown fault is refused', async () => {
  await assert.rejects(
    aws.addFault({ kind: 'moon-phase' as 'region-gone', match: 'x' }),
    /`kind` must be one of .*, backup-job-fails, .*, got moon-phase/,
  );
  await assert.rejects(aws.addFault({ kind: 'region-gone', match: '' }), /`match` must be/);
  await assert.rejects(aws.addFault({ kind: 'call-slow', match: 'rds:' }), /call-slow needs `seconds`/);
  await assert.rejects(
    aws.addFault({ kind: 'call-throttled', match: 'rds:', times: 0 }),
    /`times` must be a whole number/,
  );
});

test('two run beside each other and know nothing of each other', async () => {
  const other = await startLocalAws();
  try {
    assert.notEqual(other.endpoint, aws.endpoint);
    for (const { clientConfig } of [aws, other]) {
      const s3 = new S3Client(clientConfig('eu-west-1'));
      await s3.send(
        new CreateBucketCommand({
          Bucket: 'same-name',
          CreateBucketConfiguration: { LocationConstraint: 'eu-west-1' },
        }),
      );
    }
  } finally {
    await other.stop();
  }
});

// A program that starts a local AWS with a database and a running function, and says when it has.
const PROGRAM = `
const { startLocalAws } = require(${JSON.stringify(join(root, 'local', 'local-aws.ts'))});
startLocalAws().then((aws) => {
  console.log(JSON.stringify({ endpoint: aws.endpoint, dataDir: aws.dataDir }));
  process.stdin.once('data', () => aws.stop().then(() => aws.stop()).then(() => process.exit(0)));
  setInterval(() => {}, 1000);
});`;

for (const ending of ['stop', 'SIGINT', 'SIGKILL'] as const) {
  test(`nothing is left after ${ending}`, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'local-aws-test-'));
    const program = join(folder, 'program.cjs');
    await writeFile(program, PROGRAM);
    const child = spawn(process.execPath, ['--import', 'tsx', program], {
      cwd: root,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const line = await new Promise<string>((resolve) => createInterface({ input: child.stdout }).once('line', resolve));
    const { endpoint, dataDir } = JSON.parse(line) as { endpoint: string; dataDir: string };
    const there = { clientConfig: (region: string) => ({ ...aws.clientConfig(region), endpoint }) } as LocalAws;
    await createStack(there, 'eu-west-1', 'busy', {
      Slow: inlineFunction('slow', 'exports.handler = () => new Promise(() => setInterval(() => {}, 1000))'),
      Database: {
        Type: 'AWS::RDS::DBInstance',
        Properties: {
          DBInstanceIdentifier: 'db',
          DBInstanceClass: 'db.t4g.micro',
          Engine: 'postgres',
          AllocatedStorage: '20',
          MasterUsername: 'wso2',
          MasterUserPassword: 'a-test-password',
        },
      },
    });
    await new LambdaClient(there.clientConfig('eu-west-1')).send(
      new InvokeCommand({ FunctionName: 'slow', InvocationType: 'Event' }),
    );
    const pids = await eventually('server, function and database', async () => {
      const found = descendants(child.pid!);
      return found.length >= 3 ? found : undefined;
    });

    if (ending === 'stop') child.stdin.write('stop\n');
    else child.kill(ending);
    await eventually('no process left', async () => (pids.some(alive) ? undefined : true));
    if (ending === 'stop') assert.equal(existsSync(dataDir), false);
    await rm(dataDir, { recursive: true, force: true });
    await rm(folder, { recursive: true });
  });
}
