import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { CreateKeyCommand, DisableKeyCommand, KMSClient, ReplicateKeyCommand } from '@aws-sdk/client-kms';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { encodeManifest, manifestName } from '../../lambda/archive';
import { readSigned } from '../../lambda/archive/points';
import { createS3Client, S3Store } from '../../lambda/archive/s3-store';
import { exportTurn } from '../../lambda/export-turn/export-turn';
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
  const child = spawn(process.execPath, [join(ROOT, 'dist/bin/wso2is-recovery.js'), ...args], {
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

test('trust: lists what is suspicious, and lets a person say that it is good', async () => {
  const archive = 's3://artifacts/archives/prod/suspected';
  const root = join(folder, 'suspected');
  mkdirSync(root);
  const files = Array.from({ length: 10 }, (_, index) => join(root, `${index}.xml`));
  for (const file of files) writeFileSync(file, '<store><Property name="a">b</Property></store>'.repeat(50));
  assert.equal((await command('export', root, archive)).status, 0);
  const quiet = await command('trust', archive);
  assert.deepEqual([quiet.status, quiet.stdout], [0, 'nothing is suspicious\n'], quiet.stderr);

  for (const file of files) writeFileSync(file, randomBytes(3000));
  const exported = await command('export', root, archive, '--json');
  const { manifestKey } = JSON.parse(exported.stdout) as { manifestKey: string };
  const listed = await command('trust', archive, '--json');
  assert.equal(listed.status, 1, listed.stderr);
  const { suspicious } = JSON.parse(listed.stdout) as { suspicious: { manifestKey: string; reason: string }[] };
  assert.deepEqual(
    suspicious.map((each) => each.manifestKey),
    [manifestKey],
  );
  assert.match(suspicious[0]!.reason, /10 of /);
  const name = manifestKey.slice('archives/prod/suspected/manifests/'.length);

  const refused = await command('trust', archive, name);
  assert.deepEqual([refused.status, refused.stdout], [2, '']);
  assert.match(refused.stderr, /`--reason` must say why the point is good, got nothing/);
  assert.match((await command('trust', archive, 'no-such-point', '--reason', 'x')).stderr, /no-such-point/);

  const trusted = await command('trust', archive, name, '--reason', 'we encrypted them');
  assert.equal(trusted.status, 0, trusted.stderr);
  assert.match(trusted.stdout, /is trusted: it is restored again, and the exports to come are compared with it/);
  assert.equal((await command('trust', archive)).status, 0);
  const restored = join(folder, 'trusted');
  assert.equal((await command('restore', archive, restored)).status, 0);
  assert.deepEqual(readFileSync(join(restored, '3.xml')), readFileSync(files[3]!));

  const again = await command('trust', archive, name, '--reason', 'once more');
  assert.equal(again.status, 0, again.stderr);
});

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

test('a damaged pack: verify answers 1, restore fails with 2, both name it', async () => {
  const root = tree('damaged');
  writeFileSync(join(root, 'noise'), randomBytes(1_000_000));
  assert.equal((await command('export', root, 's3://artifacts/damaged')).status, 0);
  const store = new S3Store(s3, 'artifacts', 'damaged/');
  let key = '';
  for await (const pack of store.list('packs/')) key = pack.key;
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'artifacts', Key: `damaged/${key}` }));
  const bytes = await Body!.transformToByteArray();
  // In the noise, which is nearly all of the pack.
  bytes[bytes.length >> 1]! ^= 1;
  await s3.send(new PutObjectCommand({ Bucket: 'artifacts', Key: `damaged/${key}`, Body: bytes }));
  const verified = await command('verify', 's3://artifacts/damaged', '--read-data');
  assert.equal(verified.status, 1);
  assert.ok(verified.stdout.includes(`damaged: damaged/${key}`), verified.stdout);
  const restored = await command('restore', 's3://artifacts/damaged', join(folder, 'from-damaged'));
  assert.equal(restored.status, 2);
  assert.ok(restored.stderr.includes(`damaged/${key}`), restored.stderr);
  assert.equal(existsSync(join(folder, 'from-damaged')), false);
});

test('diff, prune and a restore in place', async () => {
  const root = tree('history');
  assert.equal((await command('export', root, 's3://artifacts/history')).status, 0);
  writeFileSync(join(root, 'conf/deployment.toml'), 'hostname = "other.example.com"\n');
  assert.equal((await command('export', root, 's3://artifacts/history')).status, 0);
  const listed = await command('list', 's3://artifacts/history', '--json');
  const [newest, oldest] = JSON.parse(listed.stdout) as { manifestKey: string }[];
  const nameOf = ({ manifestKey }: { manifestKey: string }) => manifestKey.split('/').at(-1)!.slice(0, 20);
  const differing = await command('diff', 's3://artifacts/history', nameOf(oldest!));
  assert.equal(differing.status, 1, differing.stderr);
  assert.match(differing.stdout, /^M conf\/deployment\.toml$/m);
  assert.equal((await command('diff', 's3://artifacts/history', nameOf(newest!), 'latest')).status, 0);

  assert.equal((await command('prune', 's3://artifacts/history')).status, 2);
  const tried = await command('prune', 's3://artifacts/history', '--keep-last', '1', '--dry-run');
  assert.equal(tried.status, 0, tried.stderr);
  assert.match(tried.stdout, /would delete 1 objects/);
  const pruned = await command('prune', 's3://artifacts/history', '--keep-last', '1', '--json');
  assert.equal(pruned.status, 0, pruned.stderr);
  assert.equal((JSON.parse(pruned.stdout) as { deletedObjects: number }).deletedObjects, 1);

  const target = join(folder, 'live');
  mkdirSync(join(target, 'conf'), { recursive: true });
  writeFileSync(join(target, 'conf/deployment.toml'), 'broken');
  const restored = await command('restore', 's3://artifacts/history', target, '--path', 'conf', '--replace');
  assert.equal(restored.status, 0, restored.stderr);
  assert.match(restored.stdout, /what was there is at .*\.conf\.replaced-1 until you drop it/);
  assert.equal(readFileSync(join(target, 'conf/deployment.toml'), 'utf8'), 'hostname = "other.example.com"\n');
  assert.equal(readFileSync(join(target, '.conf.replaced-1/deployment.toml'), 'utf8'), 'broken');
});

test('a damaged manifest: list and verify answer 1, restore fails with 2, all name what is wrong', async () => {
  assert.equal((await command('export', tree('manifest'), 's3://artifacts/manifest')).status, 0);
  const store = new S3Store(s3, 'artifacts', 'manifest/');
  let Key = '';
  for await (const { key } of store.list('manifests/')) Key = `manifest/${key}`;
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'artifacts', Key }));
  const bytes = await Body!.transformToByteArray();
  await s3.send(new PutObjectCommand({ Bucket: 'artifacts', Key, Body: bytes.subarray(0, -1) }));
  const target = join(folder, 'from-damaged-manifest');
  for (const [args, status] of [
    [['list', 's3://artifacts/manifest', '--json'], 1],
    [['verify', 's3://artifacts/manifest'], 1],
    [['restore', 's3://artifacts/manifest', target], 2],
  ] as const) {
    const answer = await command(...args);
    assert.equal(answer.status, status, args.join(' '));
    assert.match(answer.stdout + answer.stderr, /the manifest is cut short or was changed/);
  }
  assert.equal(existsSync(target), false);
});

test('signed points: what is forged or moved is named and passed over; the key of the other Region is as good', async () => {
  const [key, otherKey] = await Promise.all([macKey(), macKey()]);
  const here = new KMSClient(aws.clientConfig(REGION));
  await here.send(new ReplicateKeyCommand({ KeyId: key, ReplicaRegion: 'eu-central-1' }));
  const elsewhere = key.replace(`:${REGION}:`, ':eu-central-1:');
  const archive = 's3://artifacts/signed';
  const root = tree('signed');
  assert.equal((await command('export', root, archive, '--mac-key', key)).status, 0);

  // By whoever can write to the bucket, with a key of their own.
  writeFileSync(join(root, 'conf/deployment.toml'), 'hostname = "attacker.example.com"\n');
  assert.equal((await command('export', root, archive, '--mac-key', otherKey)).status, 0);
  const reason = `signed with the key ${otherKey.split('/')[1]}, which is not one that is trusted here`;
  const listed = await command('list', archive, '--mac-key', elsewhere, '--json');
  assert.equal(listed.status, 0);
  const [forged, good] = JSON.parse(listed.stdout) as Record<string, unknown>[];
  assert.deepEqual([forged?.['complete'], forged?.['signature']], [false, 'wrong']);
  assert.match(String(forged?.['problems']), new RegExp(reason));
  assert.deepEqual([good?.['complete'], good?.['signature']], [true, 'right']);
  const verified = await command('verify', archive, '--mac-key', key);
  assert.equal(verified.status, 1);
  assert.match(verified.stdout, new RegExp(reason));
  const target = join(folder, 'from-signed');
  const restored = await command('restore', archive, target, '--mac-key', key);
  assert.equal(restored.status, 3);
  assert.match(restored.stdout, new RegExp(`not the newest: .* is not to be used: .*${reason}`));
  assert.equal(readFileSync(join(target, 'conf/deployment.toml'), 'utf8'), 'hostname = "is.example.com"\n');
  const both = await command('list', archive, '--mac-key', key, '--mac-key', otherKey);
  assert.equal(both.stdout.match(/complete, signed/g)?.length, 2);

  // A MAC by the right key over something else.
  const store = new S3Store(s3, 'artifacts', 'signed/');
  const { header, mac } = await readSigned(store, String(good!['manifestKey']));
  const changed = encodeManifest({ ...header, volume: 'another' }, mac);
  const sha256 = createHash('sha256').update(changed).digest('hex');
  await store.put(manifestName(new Date(header.startedAt), sha256), changed, sha256);
  assert.match((await command('verify', archive, '--mac-key', key)).stdout, /is not what was signed: its MAC is wrong/);

  // Nothing is taken for authentic where nobody can tell.
  await here.send(new DisableKeyCommand({ KeyId: key }));
  const disabled = await command('restore', archive, join(folder, 'not-there'), '--mac-key', key);
  assert.equal(disabled.status, 2);
  assert.match(disabled.stderr, /KMS cannot verify manifests with arn:aws:kms:.* \(DisabledException/);
  const alone = await command('list', archive, '--accept-unsigned');
  assert.equal(alone.status, 2);
});

async function macKey(): Promise<string> {
  const { KeyMetadata } = await new KMSClient(aws.clientConfig(REGION)).send(
    new CreateKeyCommand({ KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC', MultiRegion: true }),
  );
  return KeyMetadata!.Arn!;
}

test('a bucket without permission: exit status 2, the action to allow', async () => {
  const denied = createServer((_, response) =>
    response.writeHead(403).end('<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>'),
  );
  await once(denied.listen(0, '127.0.0.1'), 'listening');
  const endpoint = `http://127.0.0.1:${(denied.address() as AddressInfo).port}`;
  try {
    for (const args of [
      ['export', tree('denied'), 's3://artifacts/denied'],
      ['list', 's3://artifacts/denied'],
      ['verify', 's3://artifacts/denied'],
      ['restore', 's3://artifacts/denied', join(folder, 'from-denied')],
    ]) {
      const { status, stderr } = await command(...args, '--endpoint-url', endpoint);
      assert.equal(status, 2, args.join(' '));
      assert.match(stderr, /access denied: allow s3:ListBucket on it/);
    }
    assert.equal(existsSync(join(folder, 'from-denied')), false);
  } finally {
    denied.close();
  }
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
  const turnOptions = {
    deployment: 'prod',
    volumeName: 'files',
    mountedAt: 'repository',
    volume: new DirectoryVolume(root),
    store: new S3Store(s3, 'artifacts', 'archives/prod/files/'),
    log,
    remainingMs: () => 900_000,
  };
  const answer = await exportTurn({ action: 'begin' }, turnOptions);
  assert.ok('result' in answer);
  const { result } = answer;
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
  await assert.rejects(
    exportTurn({ 'detail-type': 'Scheduled Event' }, turnOptions),
    /`action` must be look, begin, continue, finish or seal, got undefined: invoke the export function/,
  );
  await assert.rejects(restoreArtifacts({ action: 'remove', target: 'a/b' }, surroundings), /the first folder alone/);
  await assert.rejects(
    restoreArtifacts({ action: 'wipe' }, surroundings),
    /`action` must be restore, .* or sweep-recovery-directories, got "wipe"/,
  );
  assert.deepEqual(await restoreArtifacts({ action: 'remove', target: 'drill-1' }, surroundings), { removed: true });
  assert.deepEqual(await restoreArtifacts({ action: 'remove', target: 'drill-1' }, surroundings), { removed: false });
  assert.deepEqual(readdirSync(mountPath), []);
  assert.ok(lines.every((line) => typeof JSON.parse(line) === 'object'));
});
