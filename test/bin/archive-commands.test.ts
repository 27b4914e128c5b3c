import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createS3Client, S3Store } from '../../lambda/archive/s3-store';
import { exportArtifacts } from '../../lambda/export/export-artifacts';
import { DirectoryVolume } from '../../lambda/archive/volume';
import { restoreArtifacts } from '../../lambda/restore/restore-artifacts';
import { createLogger } from '../../lambda/shared/log';
import { type LocalAws, startLocalAws } from '../../local/local-aws';

const ROOT = join(__dirname, '../..');
const REGION = 'eu-west-1';

let aws: LocalAws;
let s3: S3Client;
let folder: string;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'archive-commands-'));
  aws = await startLocalAws();
  s3 = createS3Client(aws.clientConfig(REGION));
  await s3.send(new CreateBucketCommand({ Bucket: 'artifacts' }));
});

after(async () => {
  await aws?.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function command(...args: string[]) {
  const child = spawn(process.execPath, ['--import', 'tsx', join(ROOT, 'bin/wso2is-recovery.ts'), ...args], {
    cwd: ROOT,
    env: { ...aws.env, AWS_REGION: REGION },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => (stdout += String(chunk)));
  child.stderr.on('data', (chunk) => (stderr += String(chunk)));
  const status = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { status, stdout, stderr };
}

function tree(name: string): string {
  const root = join(folder, name);
  mkdirSync(join(root, 'conf'), { recursive: true });
  writeFileSync(join(root, 'conf/deployment.toml'), 'hostname = "is.example.com"\n');
  writeFileSync(join(root, 'large.jar'), Buffer.alloc(3_000_000, 'large'));
  return root;
}

test('export, list, verify and restore against S3', async () => {
  const root = tree('source');
  const exported = await command('export', root, 's3://artifacts/archives/prod/repository', '--json');
  assert.equal(exported.status, 0, exported.stderr);
  const { counts, manifestKey } = JSON.parse(exported.stdout) as { counts: unknown; manifestKey: string };
  assert.deepEqual(counts, { files: 2, directories: 1, symlinks: 0, hardlinks: 0, bytes: 3_000_028 });
  assert.match(manifestKey, /^archives\/prod\/repository\/manifests\//);

  const listed = await command('list', 's3://artifacts/archives/prod/repository/');
  assert.equal(listed.status, 0, listed.stderr);
  assert.match(listed.stdout, /│ 2 +│ 3\.0 MB │ complete │/);

  const verified = await command('verify', 's3://artifacts/archives/prod/repository', '--read-data');
  assert.equal(verified.status, 0, verified.stdout + verified.stderr);
  assert.match(verified.stdout, /^1 points, 1 packs, 2 contents read: nothing is wrong/);

  const target = join(folder, 'restored');
  const restored = await command('restore', 's3://artifacts/archives/prod/repository', target);
  assert.equal(restored.status, 0, restored.stderr);
  assert.equal(readFileSync(join(target, 'conf/deployment.toml'), 'utf8'), 'hostname = "is.example.com"\n');
  assert.ok(readFileSync(join(target, 'large.jar')).equals(Buffer.alloc(3_000_000, 'large')));
  const again = await command('restore', 's3://artifacts/archives/prod/repository', target);
  assert.equal(again.status, 2);
  assert.match(again.stderr, /the target must not exist yet/);
});

test('a damaged pack: verify and restore answer 1 and name it', async () => {
  const root = tree('damaged');
  assert.equal((await command('export', root, 's3://artifacts/damaged')).status, 0);
  const store = new S3Store(s3, 'artifacts', 'damaged/');
  let key = '';
  for await (const pack of store.list('packs/')) key = pack.key;
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'artifacts', Key: `damaged/${key}` }));
  const bytes = await Body!.transformToByteArray();
  // In the content of a file: the frames at the beginning are a header of the tar stream.
  bytes[bytes.length >> 1]! ^= 1;
  await s3.send(new PutObjectCommand({ Bucket: 'artifacts', Key: `damaged/${key}`, Body: bytes }));
  const verified = await command('verify', 's3://artifacts/damaged', '--read-data');
  assert.equal(verified.status, 1);
  assert.ok(verified.stdout.includes(`damaged: damaged/${key}`), verified.stdout);
  const restored = await command('restore', 's3://artifacts/damaged', join(folder, 'from-damaged'));
  assert.equal(restored.status, 1);
  assert.ok(restored.stderr.includes(`damaged/${key}`), restored.stderr);
  assert.equal(existsSync(join(folder, 'from-damaged')), false);
});

test('bad input is exit status 2 with a message', async () => {
  const rows: [string[], RegExp][] = [
    [[], /Usage: wso2is-recovery/],
    [['--nope'], /unknown option '--nope'/],
    [['export'], /missing required argument 'dir'/],
    [['export', folder, 'artifacts/x'], /It must be s3:\/\/BUCKET\/PREFIX/],
    [['export', join(folder, 'missing'), 's3://artifacts/none'], /is the share mounted\?/],
    [['export', folder, 's3://no-such-bucket/x'], /there is no such bucket/],
    [['restore', 's3://artifacts/none', join(folder, 'none')], /no point is in s3:\/\/artifacts\/none\//],
    [['restore', 's3://artifacts/none', join(folder, 'none'), '--at', 'yesterday'], /It must be a time in ISO 8601/],
    [['verify', 's3://artifacts/none'], /no point is in s3:\/\/artifacts\/none\//],
  ];
  for (const [args, message] of rows) {
    const { status, stderr } = await command(...args);
    assert.equal(status, 2, args.join(' '));
    assert.match(stderr, message);
  }
  assert.equal(existsSync(join(folder, 'none')), false);
});

test('the functions: export, restore below the mount path, remove', async () => {
  const root = tree('volume');
  const lines: string[] = [];
  const log = createLogger({}, (line) => lines.push(line));
  const result = await exportArtifacts(
    { 'detail-type': 'Scheduled Event' },
    {
      deployment: 'prod',
      volumeName: 'files',
      mountedAt: 'repository',
      volume: new DirectoryVolume(root),
      store: new S3Store(s3, 'artifacts', 'archives/prod/files/'),
      log,
    },
  );
  assert.equal(result.files, 2);
  assert.equal(result.filesRead, 2);
  const mountPath = join(folder, 'mount');
  mkdirSync(mountPath);
  const surroundings = { mountPath, storeOf: (prefix: string) => new S3Store(s3, 'artifacts', prefix), log };
  const event = { action: 'restore', archivePrefix: 'archives/prod/files/', manifestKey: result.manifestKey };
  const restored = await restoreArtifacts({ ...event, target: 'drill-1/repository' }, surroundings);
  assert.equal('files' in restored && restored.files, 2);
  assert.deepEqual(readdirSync(join(mountPath, 'drill-1/repository')), ['conf', 'large.jar']);
  for (const target of ['../out', '/out', 'a//b', '.', '']) {
    await assert.rejects(restoreArtifacts({ ...event, target }, surroundings), /`target` must be/);
  }
  await assert.rejects(restoreArtifacts({ action: 'remove', target: 'a/b' }, surroundings), /the first folder alone/);
  await assert.rejects(
    restoreArtifacts({ action: 'wipe' }, surroundings),
    /`action` must be restore or remove, got "wipe"/,
  );
  assert.deepEqual(await restoreArtifacts({ action: 'remove', target: 'drill-1' }, surroundings), { removed: true });
  assert.deepEqual(await restoreArtifacts({ action: 'remove', target: 'drill-1' }, surroundings), { removed: false });
  assert.deepEqual(readdirSync(mountPath), []);
  assert.ok(lines.every((line) => typeof JSON.parse(line) === 'object'));
});
