// What an attacker, or an accident, does to a volume: the export says so, and the point before is the newest good one.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import {
  choosePoint,
  decodeManifest,
  encodeManifest,
  listPoints,
  manifestName,
  MemoryStore,
  prune,
  verifyArchive,
} from '../../../../lambda/archive';
import { trust } from '../../../../lambda/archive/anomaly/trust';
import { exportTree, hoursLater, restoreTree } from '../support/engine';
import { HmacAuthenticator } from '../support/hmac-authenticator';
import { contentsOf, makeTree } from '../support/trees';

const FILES = 40;
const nameOf = (file: number) => `tenants/${file % 4}/${file}.xml`;
const textOf = (file: number) => `<store id="${file}">${'<Property name="a">b</Property>'.repeat(40)}</store>\n`;
const makeVolume = () =>
  makeTree(Object.fromEntries(Array.from({ length: FILES }, (_, file) => [nameOf(file), textOf(file)])));

const change = (root: string, files: number, content: (file: number) => string | Buffer) => {
  for (let file = 0; file < files; file += 1) writeFileSync(join(root, nameOf(file)), content(file));
};

async function exported() {
  const [root, store] = [makeVolume(), new MemoryStore('archives/prod/repository/')];
  const first = await exportTree(root, store);
  return { root, store, first };
}

test('the first export has nothing to compare with; a quiet one says what changed', async () => {
  const { root, store, first } = await exported();
  assert.deepEqual([first.changes, first.suspicious], [undefined, undefined]);
  change(root, 3, (file) => `${textOf(file)}<!-- edited -->`);
  rmSync(join(root, nameOf(39)));
  writeFileSync(join(root, 'new.xml'), 'new');
  const second = await exportTree(root, store, { at: hoursLater(1) });
  assert.deepEqual(second.changes, {
    since: first.manifestKey.split('/').at(-1),
    files: FILES,
    added: 1,
    changed: 3,
    removed: 1,
    looked: 3,
    noise: 0,
  });
  assert.equal(second.suspicious, undefined);
  assert.deepEqual((await verifyArchive({ store, readData: true, threads: 0 })).findings, []);
});

for (const fullRead of [false, true])
  for (const lag of ['packs', 'pages'])
    test(`files that were encrypted are found where ${lag} take a while to be stored${fullRead ? ', in a full read too' : ''}`, async () => {
      class SlowStore extends MemoryStore {
        override async put(...args: Parameters<MemoryStore['put']>): ReturnType<MemoryStore['put']> {
          if (args[0].startsWith(lag)) await sleep(20);
          return super.put(...args);
        }
      }
      const [root, store] = [makeVolume(), new SlowStore()];
      await exportTree(root, store);
      change(root, 20, () => randomBytes(1200));
      for (const threads of [0, 2]) {
        // Its own parent each time: what is suspicious is none to compare with.
        const outcome = await exportTree(root, store, { at: hoursLater(1 + threads), fullRead, threads });
        assert.deepEqual([outcome.changes?.changed, outcome.changes?.noise], [20, 20], `${threads} threads`);
        assert.equal(outcome.suspicious?.length, 1, `${threads} threads`);
      }
    });

test('files that were encrypted in place: suspicious, also in the exports after it, until a person says otherwise', async () => {
  const { root, store, first } = await exported();
  change(root, 4, () => randomBytes(1200));
  const second = await exportTree(root, store, { at: hoursLater(1) });
  assert.deepEqual(second.suspicious, [
    '4 of 4 changed files that were looked at turned to noise, as if they were encrypted',
  ]);
  assert.equal((await choosePoint(store)).manifestKey, first.manifestKey);

  // Little changes since the second: compared with it, this one would be good.
  const third = await exportTree(root, store, { at: hoursLater(2) });
  assert.equal(third.changes?.since, first.manifestKey.split('/').at(-1));
  assert.match(third.suspicious?.join() ?? '', /4 of 4/);
  const chosen = await choosePoint(store);
  assert.equal(chosen.manifestKey, first.manifestKey);
  assert.deepEqual(
    chosen.passedOver.map(({ manifestKey, problems }) => [manifestKey, problems[0]?.slice(0, 18)]),
    [
      [third.manifestKey, 'suspicious: 4 of 4'],
      [second.manifestKey, 'suspicious: 4 of 4'],
    ],
  );
  assert.deepEqual(contentsOf(await restoreTree(store, chosen.manifestKey))[nameOf(0)], textOf(0));

  await trust(store, third.manifestKey, 'we encrypt user stores now', hoursLater(3));
  assert.equal((await choosePoint(store)).manifestKey, third.manifestKey);
  const fourth = await exportTree(root, store, { at: hoursLater(4) });
  assert.equal(fourth.changes?.since, third.manifestKey.split('/').at(-1));
  assert.equal(fourth.suspicious, undefined);
  assert.equal((await choosePoint(store)).manifestKey, fourth.manifestKey);
});

test('what was put right is good again by itself', async () => {
  const { root, store } = await exported();
  change(root, 4, () => randomBytes(1200));
  await exportTree(root, store, { at: hoursLater(1) });
  change(root, 4, textOf);
  const third = await exportTree(root, store, { at: hoursLater(2) });
  assert.deepEqual([third.changes?.changed, third.suspicious], [0, undefined]);
  assert.equal((await choosePoint(store)).manifestKey, third.manifestKey);
});

test('encrypted copies beside originals that are gone', async () => {
  const { root, store } = await exported();
  for (let file = 0; file < 5; file += 1) {
    renameSync(join(root, nameOf(file)), join(root, `${nameOf(file)}.locked`));
    writeFileSync(join(root, `${nameOf(file)}.locked`), randomBytes(1200));
  }
  const second = await exportTree(root, store, { at: hoursLater(1) });
  assert.deepEqual([second.changes?.removed, second.changes?.noise], [5, 5]);
  assert.match(second.suspicious?.join() ?? '', /5 of 5/);
});

test('names that begin with a dot are no longer names of others, at the top of the volume either', async () => {
  const { root, store } = await exported();
  for (const name of ['.hidden', '.hidden.xml', 'tenants/.hidden', 'tenants/0/.a.b'])
    writeFileSync(join(root, name), 'new');
  const second = await exportTree(root, store, { at: hoursLater(1) });
  assert.deepEqual([second.changes?.added, second.changes?.looked], [4, 0]);
});

test('what was noise before tells nothing: archives and keystores may change', async () => {
  const { root, store } = await exported();
  for (let jar = 0; jar < 5; jar += 1) writeFileSync(join(root, `${jar}.jar`), randomBytes(5000));
  await exportTree(root, store, { at: hoursLater(1) });
  for (let jar = 0; jar < 5; jar += 1) writeFileSync(join(root, `${jar}.jar`), randomBytes(5000));
  const third = await exportTree(root, store, { at: hoursLater(2) });
  assert.deepEqual([third.changes?.looked, third.changes?.noise, third.suspicious], [5, 0, undefined]);
});

test('most files are gone', async () => {
  const { root, store, first } = await exported();
  for (let file = 0; file < 30; file += 1) rmSync(join(root, nameOf(file)));
  const second = await exportTree(root, store, { at: hoursLater(1) });
  assert.deepEqual(second.suspicious, ['30 of 40 files are gone (75 %)']);
  assert.equal((await choosePoint(store)).manifestKey, first.manifestKey);
});

test('a dry run writes nothing and judges nothing', async () => {
  const { root, store } = await exported();
  change(root, 40, () => randomBytes(1200));
  assert.equal((await exportTree(root, store, { at: hoursLater(1), dryRun: true })).suspicious, undefined);
});

test('without a good point to compare with, what follows a suspicious one stays suspicious', async () => {
  const { root, store, first } = await exported();
  change(root, 4, () => randomBytes(1200));
  await exportTree(root, store, { at: hoursLater(1) });
  await store.delete(first.manifestKey.slice(store.prefix.length));
  const third = await exportTree(root, store, { at: hoursLater(2) });
  assert.match(third.suspicious?.join() ?? '', /is suspicious, and no good one is left to compare with/);
});

test('prune keeps the last good point, and what is suspicious after it', async () => {
  const { root, store, first } = await exported();
  change(root, 4, () => randomBytes(1200));
  const suspicious = await exportTree(root, store, { at: hoursLater(1) });
  const clock = () => hoursLater(2);
  store.time = () => Promise.resolve(clock());
  const { decisions } = await prune({ store, policy: { last: 1 }, now: clock, dryRun: true });
  assert.deepEqual(
    decisions.map(({ manifestKey, reasons }) => [manifestKey, reasons[0]]),
    [
      [suspicious.manifestKey, 'suspicious, and no point since is good'],
      [first.manifestKey, 'the newest complete point'],
    ],
  );
});

test('the mark is signed with the rest: who takes it out has no point, and who asks takes neither', async () => {
  const [root, store] = [makeVolume(), new MemoryStore('archives/prod/repository/')];
  const authenticator = new HmacAuthenticator();
  const first = await exportTree(root, store, { authenticator });
  change(root, 4, () => randomBytes(1200));
  const second = await exportTree(root, store, { authenticator, at: hoursLater(1) });
  const [point] = await listPoints(store, authenticator);
  assert.deepEqual([point?.complete, point?.signature], [true, 'right']);
  assert.match(point?.suspicion ?? '', /turned to noise/);

  const { header, mac } = decodeManifest(
    second.manifestKey,
    store.objects.get(second.manifestKey.slice(store.prefix.length))!,
  );
  const { suspicious, ...cleared } = header;
  assert.ok(suspicious);
  const body = encodeManifest(cleared, mac);
  const sha256 = createHash('sha256').update(body).digest('hex');
  store.objects.set(manifestName(new Date(header.startedAt), sha256), body);
  assert.notEqual((await choosePoint(store)).manifestKey, first.manifestKey, 'without asking it passes');
  const chosen = await choosePoint(store, undefined, { authenticator });
  assert.equal(chosen.manifestKey, first.manifestKey);
  assert.equal(chosen.passedOver.length, 2);
  const suspected = await choosePoint(store, undefined, { authenticator, alsoSuspicious: true });
  assert.equal(suspected.manifestKey, second.manifestKey);
});

test('the mark is in the manifest, and stays there', async () => {
  const { root, store } = await exported();
  change(root, 4, () => randomBytes(1200));
  const { manifestKey, suspicious } = await exportTree(root, store, { at: hoursLater(1) });
  await trust(store, manifestKey, 'known', hoursLater(2));
  const object = store.objects.get(manifestKey.slice(store.prefix.length))!;
  assert.deepEqual(decodeManifest(manifestKey, object).header.suspicious, suspicious);
  assert.equal((await listPoints(store))[0]?.suspicion, undefined);
  const marks = [...store.objects.keys()].filter((key) => key.startsWith('trusted/'));
  assert.deepEqual(
    marks,
    [manifestKey.split('/').at(-1)!.replace('.jsonl.zst', '.json')].map((name) => `trusted/${name}`),
  );
  assert.deepEqual(JSON.parse(String(store.objects.get(marks[0]!))), {
    reason: 'known',
    trustedAt: hoursLater(2).toISOString(),
  });
});
