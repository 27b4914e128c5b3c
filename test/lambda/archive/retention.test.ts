/** Replication that keeps no order, and what may be deleted when: rows 43 to 48. */
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import fc from 'fast-check';
import { choosePoint, listPoints, MemoryStore, prune, readHeader, verifyArchive } from '../../../lambda/archive';
import { command } from './support/command';
import { type Bucket, LaggingReplica } from './support/bucket';
import { assertRestores, exportTree, hoursLater, restoreTree } from './support/engine';
import { ScriptedS3 } from './support/scripted-s3';
import { contentsOf, describeTree, makeTree, noise, randomFrom, temporaryFolder } from './support/trees';
import { SOAK } from '../../soak';

const DAY_MS = 24 * 3600 * 1000;
let s3: ScriptedS3;
let number = 0;
let name = '';
before(async () => {
  s3 = await ScriptedS3.start();
});
after(() => s3.stop());
beforeEach(() => {
  s3.script = () => undefined;
  name = `retention-${(number += 1)}`;
});

test('[case 43] a manifest that is in the DR bucket before its packs: not complete, said, and the export before is chosen', async () => {
  const replica = new LaggingReplica(s3.bucket(name), s3.bucket(`${name}-dr`));
  const [store, dr] = [s3.store(name), s3.store(`${name}-dr`)];
  const root = makeTree({ a: 'one' });
  const first = await exportTree(root, store);
  replica.deliver();
  writeFileSync(join(root, 'b'), 'two');
  const second = await exportTree(root, store, { at: hoursLater(1) });
  for (const folder of ['manifests/', 'pages/']) {
    replica.deliver((key) => key.startsWith(folder));
    const [newest, older] = await listPoints(dr);
    assert.equal(newest!.manifestKey, second.manifestKey);
    assert.equal(newest!.complete, false);
    assert.ok(
      newest!.problems.length > 0 &&
        newest!.problems.every((problem) => /^the (pack|page) \S+ is missing$/.test(problem)),
    );
    assert.equal(older!.complete, true);
    assert.equal((await choosePoint(dr)).manifestKey, first.manifestKey);
    const listed = await command(s3, 'list', `s3://${name}-dr`, '--json');
    assert.deepEqual(
      (JSON.parse(listed.stdout) as { complete: boolean }[]).map(({ complete }) => complete),
      [false, true],
    );
    const target = join(temporaryFolder(), 'x');
    const restored = await command(s3, 'restore', `s3://${name}-dr`, target);
    assert.equal(restored.status, 3, restored.stderr);
    assert.ok(restored.stdout.includes(`not the newest: s3://${name}-dr/${second.manifestKey} is not to be used`));
    assert.deepEqual(contentsOf(target), { a: 'one' });
  }
  replica.deliver();
  assert.equal((await choosePoint(dr)).manifestKey, second.manifestKey);
  await assertRestores(dr, second.manifestKey, root);
});

test('[case 43] objects that arrive in any order: whatever is offered as complete is whole', async () => {
  const random = randomFrom(43);
  for (let run = 0; run < (SOAK ? 30 : 4); run += 1) {
    const own = `${name}-${run}`;
    const replica = new LaggingReplica(s3.bucket(own), s3.bucket(`${own}-dr`));
    const [store, dr] = [s3.store(own), s3.store(`${own}-dr`)];
    const root = makeTree({ 'd/a': 'one', b: noise(2_000, run) });
    const trees = new Map<string, string[]>();
    for (const hour of [0, 1, 2]) {
      writeFileSync(join(root, `d/new-${hour}`), `hour ${hour}`);
      trees.set((await exportTree(root, store, { at: hoursLater(hour) })).manifestKey, describeTree(root));
    }
    while (replica.pending.length > 0) {
      const next = replica.pending[Math.floor(random() * replica.pending.length)]!;
      replica.deliver((key) => key === next);
      for (const { manifestKey, complete } of await listPoints(dr)) {
        if (complete) assert.deepEqual(describeTree(await restoreTree(dr, manifestKey)), trees.get(manifestKey)!);
      }
    }
    assert.deepEqual(
      (await listPoints(dr)).map(({ complete }) => complete),
      [true, true, true],
    );
  }
});

test('[case 44] a pack whose replication failed: the point stays incomplete however long, and verify and list name the pack', async () => {
  const replica = new LaggingReplica(s3.bucket(name), s3.bucket(`${name}-dr`));
  const [store, dr] = [s3.store(name), s3.store(`${name}-dr`)];
  const root = makeTree({ a: 'one' });
  await exportTree(root, store);
  replica.deliver();
  writeFileSync(join(root, 'a'), 'two');
  await exportTree(root, store, { at: hoursLater(1) });
  const failed = replica.pending.find((key) => key.startsWith('packs/'))!;
  replica.deliver((key) => key !== failed);
  const listed = await command(s3, 'list', `s3://${name}-dr`);
  assert.ok(listed.stdout.includes(failed), listed.stdout);
  const verified = await command(s3, 'verify', `s3://${name}-dr`);
  assert.equal(verified.status, 1);
  assert.ok(verified.stdout.includes(failed), verified.stdout);
  // Later exports that need it are incomplete too, and none is offered.
  const newest = await exportTree(root, store, { at: hoursLater(2) });
  replica.deliver((key) => key !== failed);
  assert.notEqual((await choosePoint(dr)).manifestKey, newest.manifestKey);
  assert.deepEqual(contentsOf(await restoreTree(dr, (await choosePoint(dr)).manifestKey)), { a: 'one' });
});

/** A year and more of daily exports, prunes and restores, with a clock that the test turns. */
async function simulate(days: number, seed: number, retention: number | undefined): Promise<void> {
  const random = randomFrom(seed);
  let now = new Date('2026-01-01T00:00:00Z');
  const store = new MemoryStore('', new Map(), {
    now: () => now,
    ...(retention === undefined ? {} : { retention: { mode: 'COMPLIANCE', days: retention } as const }),
  });
  const folder = temporaryFolder();
  const root = join(folder, 'repository');
  mkdirSync(root);
  writeFileSync(join(root, 'always'), 'the same for ever');
  const trees = new Map<string, string[]>();
  let pruned = 0;
  for (let day = 0; day < days; day += 1) {
    now = new Date(Date.parse('2026-01-01T00:00:00Z') + day * DAY_MS);
    for (let change = 0; change < 2; change += 1) {
      const path = join(root, `f${Math.floor(random() * 6)}`);
      if (random() < 0.3) rmSync(path, { force: true });
      else writeFileSync(path, noise(300, Math.floor(random() * 50)));
    }
    const { manifestKey } = await exportTree(root, store, { at: now, fullRead: day % 7 === 0 });
    trees.set(manifestKey, describeTree(root));
    // Locks are made longer by prune alone: it has to run before they end.
    if (random() < 0.5 || day - pruned >= 2) {
      pruned = day;
      now = new Date(now.getTime() + 3600 * 1000);
      const before = (await listPoints(store)).length;
      const { decisions, locked } = await prune({
        store,
        policy: { last: 2, daily: 5, weekly: 3, monthly: 2 },
        graceMs: DAY_MS,
        now: () => now,
      });
      assert.ok(decisions[0]!.reasons.length > 0, 'the newest stays');
      const gone = decisions.filter(({ reasons, manifestKey: key }) => reasons.length === 0 && !locked.includes(key));
      assert.equal((await listPoints(store)).length, before - gone.length);
    }
    const points = await listPoints(store);
    for (const { complete, manifestKey: key, problems } of points)
      assert.ok(complete, `day ${day} ${key}: ${problems.join()}`);
    // All of them now and then, one of them each day.
    const some = day % 50 === 49 || day === days - 1 ? points : [points[Math.floor(random() * points.length)]!];
    for (const { manifestKey: key, header } of some) {
      const tree =
        trees.get(key) ?? trees.get([...trees.keys()].find((known) => known.includes(stampOf(header!.startedAt)))!);
      assert.deepEqual(describeTree(await restoreTree(store, key)), tree, `day ${day}: ${key}`);
    }
    if (retention !== undefined) {
      // Whatever a point needs cannot be deleted as long as the point itself cannot.
      for (const { header, manifestKey: key } of some) {
        const until = (await store.head(key))!.lockedUntil!;
        if (until < now) continue;
        for (const object of [...header!.packs, ...header!.pages]) {
          const { lockedUntil } = (await store.head(object.key))!;
          assert.ok(lockedUntil !== undefined && lockedUntil >= now, `day ${day}: ${object.key} may be deleted`);
        }
      }
    }
  }
  assert.deepEqual((await verifyArchive({ store, readData: true, threads: 0 })).findings, []);
  rmSync(folder, { recursive: true });
}

const stampOf = (startedAt: string) => startedAt.replaceAll(/[-:]/g, '');

for (const [what, retention] of [
  ['without object lock', undefined],
  ['with a compliance lock of 14 days', 14],
] as const) {
  const days = SOAK ? 400 : 60;
  test(`[case 45] ${days} days of exports and prunes ${what}: every point that is there is whole`, async () => {
    await simulate(days, 45, retention);
  });
}

test('[case 45] any days, changes and prunes', { skip: !SOAK && 'in the soak' }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.constantFrom(undefined, 3, 30), (seed, retention) => simulate(40, seed, retention)),
    { numRuns: 25, endOnFailure: true },
  );
});

test('[case 46] a clock that is off by an hour or a year: prune refuses, either way, and deletes nothing', async () => {
  for (const offMs of [2 * 3600 * 1000, 365 * DAY_MS]) {
    for (const sign of [1, -1]) {
      const now = new Date('2026-06-01T00:00:00Z');
      const store = new MemoryStore('', new Map(), { now: () => now });
      const root = makeTree({ a: 'a' });
      for (const day of [3, 2, 1]) {
        writeFileSync(join(root, 'a'), `day ${day}`);
        await exportTree(root, store, { at: new Date(now.getTime() - day * DAY_MS) });
      }
      const before = [...store.objects.keys()];
      const wrong = new Date(now.getTime() + sign * offMs);
      await assert.rejects(
        prune({ store, policy: { last: 1 }, graceMs: 0, now: () => wrong }),
        /the clock of this machine says/,
      );
      assert.deepEqual([...store.objects.keys()], before);
      // A point that was exported under a wrong clock of the future is not what everything else is measured by.
      if (sign < 0) continue;
      const { warnings } = await exportTree(root, store, { at: wrong });
      assert.deepEqual(warnings, []);
      await assert.rejects(
        prune({ store, policy: { last: 1 }, graceMs: 0, now: () => now }),
        /the clock of the machine that exported it was wrong; delete that point first/,
      );
    }
  }
});

test('[case 46] the clock steps back: the next export says so, reads everything, and is right', async () => {
  const store = new MemoryStore();
  const root = makeTree({ a: 'one' });
  const year = 365 * DAY_MS;
  const now = hoursLater(0);
  await exportTree(root, store, { at: new Date(now.getTime() + year) });
  const { manifestKey, warnings, filesRead } = await exportTree(root, store, { at: now });
  assert.equal(warnings.length, 1);
  assert.match(warnings[0]!.reason, /one of the clocks is wrong/);
  assert.equal(filesRead, 1);
  await assertRestores(store, manifestKey, root);
  // An hour is enough to be told, a second is not.
  const other = new MemoryStore();
  await exportTree(root, other, { at: now });
  assert.deepEqual((await exportTree(root, other, { at: new Date(now.getTime() - 1_000) })).warnings, []);
});

test('[case 47] whatever the policy, the newest complete point stays, and so does what an export that is under way relies on', async () => {
  const now = new Date('2026-06-01T00:00:00Z');
  const store = new MemoryStore('', new Map(), { now: () => now });
  const root = makeTree({ a: 'a', b: 'b' });
  const first = await exportTree(root, store, { at: new Date(now.getTime() - 3 * DAY_MS) });
  writeFileSync(join(root, 'c'), 'c');
  const second = await exportTree(root, store, { at: new Date(now.getTime() - 2 * DAY_MS) });
  // The newest has lost a pack: the one before is what can be restored.
  const lost = [...store.objects.keys()].filter((key) => key.startsWith('packs/')).at(-1)!;
  const body = store.objects.get(lost)!;
  const points = await listPoints(store);
  const inFirst = points[1]!.header!.packs.some(({ key }) => key === lost);
  store.objects.delete(inFirst ? points[0]!.header!.packs.find(({ key }) => key !== lost)!.key : lost);
  const { decisions } = await prune({ store, policy: { last: 1 }, graceMs: 0, now: () => now, rewrite: false });
  assert.deepEqual(
    decisions.map(({ manifestKey, reasons }) => [manifestKey, reasons.length > 0]),
    [
      [second.manifestKey, true],
      [first.manifestKey, true],
    ],
  );
  assert.ok(body.length > 0);
  assert.deepEqual(contentsOf(await restoreTree(store, first.manifestKey)), { a: 'a', b: 'b' });
});

test('[case 47] --read-data: the newest point that was verified stays, however many newer ones are damaged', async () => {
  const bucket = s3.bucket(name);
  const store = s3.store(name, 'x/');
  const root = makeTree({ a: 'a' });
  const keys: string[] = [];
  for (const hour of [4, 3, 2, 1]) {
    writeFileSync(join(root, `of-${hour}`), noise(2_000, hour));
    keys.push((await exportTree(root, store, { at: new Date(Date.now() - hour * 3_600_000) })).manifestKey);
  }
  // What the third has stored, and the fourth has taken from it: no list shows it.
  const [before, third] = await Promise.all([readHeader(store, keys[1]!), readHeader(store, keys[2]!)]);
  const pack = third.packs.find(({ key }) => before.packs.every((other) => other.key !== key))!.key;
  bucket.damage(`x/${pack}`, (body) => body.fill(0, 700, 800));
  const prune = (...more: string[]) => command(s3, 'prune', `s3://${name}/x`, '--keep-last', '1', ...more);
  const { status, stdout } = await prune('--read-data');
  assert.equal(status, 3, stdout);
  assert.equal(
    stdout.match(/keep \(not complete or damaged: it may still arrive, be mended, or be of use\)/g)?.length,
    2,
  );
  assert.match(stdout, /keep \(the newest complete point; one of the last\)/);
  assert.ok(stdout.includes(`damaged: s3://${name}/x/${pack}: `), stdout);
  assert.deepEqual(bucket.keys('x/manifests/'), keys.slice(1));
  assert.deepEqual(Object.keys(contentsOf(await restoreTree(store, keys[1]!))), ['a', 'of-3', 'of-4']);
  // Not looked at, the damage would have cost the last point that restores.
  assert.equal((await prune()).status, 0);
  assert.deepEqual(bucket.keys('x/manifests/'), keys.slice(3));
});

test('[case 47] exports beside prunes: every point that is committed is whole', async () => {
  const random = randomFrom(47);
  s3.bucket(name);
  const store = s3.store(name);
  const roots = [1, 2].map((tree) => makeTree({ a: noise(3_000, tree), same: 'same', [`own-${tree}`]: 'x' }));
  const committed = new Map<string, string[]>();
  s3.script = () => (random() < 0.3 ? { delayMs: Math.floor(random() * 20) } : undefined);
  for (let round = 0; round < (SOAK ? 30 : 6); round += 1) {
    for (const [index, root] of roots.entries())
      writeFileSync(join(root, `f${round % 3}`), noise(500, round * 2 + index));
    await Promise.all([
      ...roots.map(async (root) => {
        const { manifestKey } = await exportTree(root, store, { at: new Date() });
        committed.set(manifestKey, describeTree(root));
      }),
      prune({ store, policy: { last: 3 }, graceMs: 60_000, rewrite: round % 2 === 0 }),
    ]);
    for (const { manifestKey, complete, problems } of await listPoints(store)) {
      assert.ok(complete, `round ${round}: ${problems.join()}`);
      const tree = committed.get(manifestKey);
      if (tree) assert.deepEqual(describeTree(await restoreTree(store, manifestKey)), tree, `round ${round}`);
    }
  }
});

test('[case 48] everything was deleted or overwritten in a bucket with versions: its older versions are the archive of that time', async () => {
  let now = new Date('2026-06-01T00:00:00Z');
  const bucket = s3.bucket(name, { versioned: true, now: () => now });
  const store = s3.store(name);
  const root = makeTree({ a: 'one', 'd/b': noise(2_000) });
  const { manifestKey } = await exportTree(root, store);
  const before = bucket.keys();
  now = new Date('2026-06-02T00:00:00Z');
  for (const key of before) {
    if (key.startsWith('packs/')) bucket.plant(key, Buffer.from('overwritten'));
    else await store.delete(key);
  }
  assert.deepEqual(await listPoints(store), []);
  await assert.rejects(restoreTree(store, manifestKey), /the manifest is missing/);
  // What docs say: each object's newest version of that time is made the current one again.
  recover(bucket, new Date('2026-06-01T12:00:00Z'));
  assert.deepEqual(bucket.keys(), before);
  await assertRestores(store, manifestKey, root);
  assert.deepEqual((await verifyArchive({ store, readData: true })).findings, []);
});

test('[case 48] --as-of: the commands read the bucket as it was, without changing it', async () => {
  let now = new Date('2026-06-01T00:00:00Z');
  const bucket = s3.bucket(name, { versioned: true, now: () => now, maxKeys: 3 });
  const store = s3.store(name, 'x/');
  const root = makeTree({ a: 'one', 'd/b': noise(2_000) });
  const first = await exportTree(root, store);
  const tree = describeTree(root);
  now = new Date('2026-06-02T00:00:00Z');
  writeFileSync(join(root, 'a'), 'two');
  await exportTree(root, store, { at: hoursLater(24) });
  const last = describeTree(root);
  now = new Date('2026-06-03T00:00:00Z');
  for (const key of bucket.keys()) {
    if (key.includes('/packs/')) bucket.plant(key, Buffer.from('overwritten'));
    else await s3.store(name).delete(key);
  }
  const versions = JSON.stringify([...bucket.versions]);
  const url = `s3://${name}/x`;
  const target = join(temporaryFolder(), 'target');
  for (const [asOf, points, expected] of [
    ['2026-06-01T12:00:00Z', 1, tree],
    ['2026-06-02T12:00:00Z', 2, last],
  ] as const) {
    const listed = await command(s3, 'list', url, '--as-of', asOf, '--json');
    assert.equal((JSON.parse(listed.stdout) as unknown[]).length, points);
    const verified = await command(s3, 'verify', url, '--as-of', asOf, '--read-data');
    assert.equal(verified.status, 0, verified.stdout + verified.stderr);
    const restored = await command(s3, 'restore', url, target, '--as-of', asOf, '--no-sync');
    assert.equal(restored.status, 0, restored.stderr);
    assert.deepEqual(describeTree(target), expected);
    rmSync(target, { recursive: true });
  }
  const before = await command(s3, 'restore', url, target, '--as-of', '2026-05-31T00:00:00Z');
  assert.match(before.stderr, /no point is in s3:\/\/\S+\/x\/ as of 2026-05-31T00:00:00.000Z/);
  const gone = await command(s3, 'restore', url, target);
  assert.equal(gone.status, 2);
  assert.equal(JSON.stringify([...bucket.versions]), versions);
  assert.ok(first.manifestKey.startsWith('x/manifests/'));
  // What S3 has removed since, by a rule for old versions, is missing and said so.
  const [page] = [...bucket.versions.keys()].filter((key) => key.includes('/pages/'));
  s3.script = ({ operation, key }) =>
    operation === 'GetObject' && key === page ? { status: 404, code: 'NoSuchVersion' } : undefined;
  const expired = await command(s3, 'verify', url, '--as-of', '2026-06-02T12:00:00Z');
  assert.deepEqual(
    [expired.status, expired.stdout.includes(`${page}: the page is missing`)],
    [1, true],
    expired.stdout,
  );
});

/** Removes what came later, as `aws s3api delete-object --version-id` does. */
function recover(bucket: Bucket, until: Date): void {
  for (const [key, versions] of [...bucket.versions]) {
    for (const { id, lastModified } of versions) if (lastModified > until) bucket.delete(key, id, false);
  }
}
