/** Object lock: exports lock what they write, prune alone makes locks longer, and whatever a point needs stays undeletable. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { type ExportOutcome, listPoints, MemoryStore, prune } from '../../../lambda/archive';
import type { Bucket } from './support/bucket';
import { command, startCommand } from './support/command';
import { assertRestores, exportTree, restoreTree } from './support/engine';
import { ScriptedS3 } from './support/scripted-s3';
import { contentsOf, makeTree, noise } from './support/trees';

const HOUR_MS = 3600 * 1000;
const DAY_MS = 24 * HOUR_MS;

let s3: ScriptedS3;
let number = 0;
let name = '';
before(async () => {
  s3 = await ScriptedS3.start();
});
after(() => s3.stop());
beforeEach(() => {
  s3.script = () => undefined;
  s3.requests.length = 0;
  name = `lock-${(number += 1)}`;
});

for (const [days, exportHours, pruneHours] of [
  [10, 24, 120],
  [1, 6, 12],
] as const) {
  test(`a compliance lock of ${days} days, pruned every ${pruneHours} hours: what any point needs stays locked for nearly half of it`, async () => {
    const start = Date.parse('2099-01-05T10:00:00Z');
    let now = new Date(start);
    const retention = { mode: 'COMPLIANCE', days } as const;
    const store = new MemoryStore('', new Map(), { now: () => now, retention });
    const root = makeTree({ 'for ever': 'the same', a: '' });
    let newest: ExportOutcome | undefined;
    let extended = 0;
    for (let hour = 0; hour <= days * 24 * 4; hour += exportHours) {
      now = new Date(start + hour * HOUR_MS);
      writeFileSync(join(root, 'a'), noise(200, hour));
      newest = await exportTree(root, store, { at: now });
      for (const { header } of await listPoints(store)) {
        for (const { key } of [...header!.packs, ...header!.pages]) {
          const left = (await store.head(key))!.lockedUntil!.getTime() - now.getTime();
          assert.ok(left >= 0.4 * days * DAY_MS, `hour ${hour}: ${key} is locked for ${left / HOUR_MS} hours more`);
          await assert.rejects(store.delete(key), /object lock keeps it/);
        }
      }
      if (hour % pruneHours !== 0) continue;
      const outcome = await prune({ store, policy: { last: 3 }, graceMs: DAY_MS, now: () => now });
      extended += outcome.extendedLocks;
    }
    // What is in every export since the first was written once, and is there by its longer lock alone.
    assert.ok(extended > 0);
    assert.ok((await listPoints(store)).length < (days * 24 * 4) / exportHours, 'points go when their lock has ended');
    await assertRestores(store, newest!.manifestKey, root);
  });
}

/** As if what is there had been written so long ago that its lock ends in two days. */
function age(bucket: Bucket): void {
  for (const key of bucket.keys()) bucket.current(key)!.retainUntil = new Date(Date.now() + 2 * DAY_MS);
}

const lockedFor = (bucket: Bucket, key: string) =>
  Math.round((bucket.current(key)!.retainUntil!.getTime() - Date.now()) / DAY_MS);

test('over the protocol of S3: an export asks for no longer lock, the next prune does, for all that is in use', async () => {
  const bucket = s3.bucket(name, { compliance: { days: 30 } });
  const store = s3.store(name, 'x/');
  const root = makeTree({ old: noise(2_000) });
  await exportTree(root, store, { at: new Date(Date.now() - 2 * HOUR_MS) });
  age(bucket);
  const [oldPack] = bucket.keys('x/packs/');
  writeFileSync(join(root, 'new'), 'new');
  await exportTree(root, store, { at: new Date(Date.now() - HOUR_MS) });
  assert.deepEqual(s3.operations('PutObjectRetention'), []);
  assert.equal(lockedFor(bucket, oldPack!), 2);
  const { status, stdout } = await command(s3, 'prune', `s3://${name}/x`, '--keep-last', '2');
  assert.equal(status, 0, stdout);
  assert.match(stdout, /; 2 locks made longer$/m);
  for (const key of [...bucket.keys('x/packs/'), ...bucket.keys('x/pages/')]) {
    assert.equal(lockedFor(bucket, key), 30, key);
    assert.throws(() => bucket.delete(key, bucket.current(key)!.id, true), /protected by object lock/);
  }
});

test('a prune that may not make locks longer says which permission it lacks, before anything is deleted', async () => {
  const bucket = s3.bucket(name, { compliance: { days: 30 } });
  const store = s3.store(name, 'x/');
  const root = makeTree({ a: 'a' });
  for (const hour of [3, 2]) {
    writeFileSync(join(root, 'a'), `hour ${hour}`);
    await exportTree(root, store, { at: new Date(Date.now() - hour * HOUR_MS) });
  }
  for (const key of bucket.keys()) bucket.current(key)!.retainUntil = new Date(Date.now() - 1000);
  s3.script = ({ operation }) =>
    operation === 'PutObjectRetention' ? { status: 403, code: 'AccessDenied' } : undefined;
  const { status, stderr } = await command(s3, 'prune', `s3://${name}/x`, '--keep-last', '1');
  assert.equal(status, 2);
  assert.match(stderr, /s3:PutObjectRetention of s3:\S+ failed: access denied: allow s3:PutObjectRetention on it/);
  assert.deepEqual(s3.operations('DeleteObject'), []);
});

test('what may not be deleted: a lock is told from a permission that is not given', async () => {
  s3.bucket(name, { compliance: { days: 30 } });
  s3.bucket(`${name}-free`);
  for (const bucket of [name, `${name}-free`]) {
    const root = makeTree({ a: 'a' });
    for (const hour of [3, 2]) {
      writeFileSync(join(root, 'a'), `hour ${hour}`);
      await exportTree(root, s3.store(bucket, 'x/'), { at: new Date(Date.now() - hour * HOUR_MS) });
    }
  }
  s3.script = ({ operation }) => (operation === 'DeleteObject' ? { status: 403, code: 'AccessDenied' } : undefined);
  const [key] = s3.bucket(name).keys('x/manifests/');
  await assert.rejects(s3.store(name).delete(key!), { name: 'ObjectLockedError' });
  const locked = await command(s3, 'prune', `s3://${name}/x`, '--keep-last', '1');
  assert.deepEqual([locked.status, /locked: stays for now/.test(locked.stdout)], [3, true], locked.stderr);
  const denied = await command(s3, 'prune', `s3://${name}-free/x`, '--keep-last', '1');
  assert.equal(denied.status, 2);
  assert.match(denied.stderr, /s3:DeleteObject of s3:\S+ failed: access denied: allow s3:DeleteObject on it/);
  assert.equal((await listPoints(s3.store(`${name}-free`, 'x/'))).length, 2);
  const [newest] = await listPoints(s3.store(`${name}-free`, 'x/'));
  assert.deepEqual(contentsOf(await restoreTree(s3.store(`${name}-free`, 'x/'), newest!.manifestKey)), {
    a: 'hour 2',
  });
});

test('without a Region or credentials, or with --version: what to do, or which it is', async () => {
  const run = (env: Record<string, string>, ...args: string[]) =>
    startCommand({ env: { AWS_EC2_METADATA_DISABLED: 'true', ...env } }, args).ended;
  const noRegion = await run({ AWS_ACCESS_KEY_ID: 'x', AWS_SECRET_ACCESS_KEY: 'x' }, 'list', 's3://bucket/x');
  assert.equal(noRegion.status, 2);
  assert.match(noRegion.stderr, /no Region is configured: give --region, or set AWS_REGION/);
  const nobody = await run({ AWS_REGION: 'eu-west-1', AWS_ENDPOINT_URL: s3.endpoint }, 'list', 's3://bucket/x');
  assert.equal(nobody.status, 2);
  assert.match(nobody.stderr, /no credentials are configured .*: log in, or set AWS_PROFILE/);
  const { stdout, status } = await run({}, '--version');
  assert.deepEqual([status, /^\d+\.\d+\.\d+\n$/.test(stdout)], [0, true], stdout);
});
