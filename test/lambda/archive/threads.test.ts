// What the other tests do on one thread, on several, with trees that are large enough to be shared among them.
import assert from 'node:assert/strict';
import { appendFileSync, linkSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  ArchiveDamagedError,
  DirectoryVolume,
  exportVolume,
  MemoryStore,
  readManifest,
  restorePoint,
  verifyArchive,
} from '../../../lambda/archive';
import { describeTree, temporaryFolder } from './support/trees';

const noise = (size: number, seed: number) => Buffer.from(Array.from({ length: size }, (_, i) => (i * i * seed) >> 7));

/** Tenants with names that sort around the slash, hard links across them, and files of many frames. */
function tenants(): string {
  const root = join(temporaryFolder(), 'repository');
  for (let tenant = 0; tenant < 400; tenant += 1) {
    const name = ['a', 'a-b', 'a.b', 'a0', 'ab'][tenant % 5]! + Math.floor(tenant / 5);
    const folder = join(root, 'tenants', name, 'userstores');
    mkdirSync(folder, { recursive: true });
    for (const file of ['x.xml', 'x-y.xml', 'x']) writeFileSync(join(folder, file), `${name} ${file}\n`.repeat(40));
    writeFileSync(join(folder, 'same.xml'), 'the same for all\n'.repeat(50));
  }
  mkdirSync(join(root, 'lib'));
  writeFileSync(join(root, 'lib/large.jar'), noise(9_500_000, 3));
  writeFileSync(join(root, 'lib/copy.jar'), noise(9_500_000, 3));
  linkSync(join(root, 'lib/large.jar'), join(root, 'tenants/a0/large.jar'));
  symlinkSync('../lib', join(root, 'tenants/lib'));
  return root;
}

const run = (root: string, store: MemoryStore, hour: number) =>
  exportVolume({
    volume: new DirectoryVolume(root),
    store,
    volumeName: 'repository',
    mountedAt: 'repository',
    threads: 3,
    now: () => new Date(Date.UTC(2099, 0, 5, hour)),
  });

test('several threads export, verify and restore what one would', async () => {
  const root = tenants();
  const store = new MemoryStore();
  const first = await run(root, store, 10);
  assert.deepEqual(first.counts, { files: 1602, directories: 802, symlinks: 1, hardlinks: 1, bytes: 19_839_600 });
  assert.ok(first.bytesStored < 10_000_000, `${first.bytesStored} bytes: content that is there twice is stored once`);
  const alone = new MemoryStore();
  const { manifestKey } = await exportVolume({
    volume: new DirectoryVolume(root),
    store: alone,
    volumeName: 'repository',
    mountedAt: 'repository',
    threads: 0,
  });
  const described = async (of: MemoryStore, key: string) =>
    (await readManifest(of, key)).entries.map((entry) => ({ ...entry, pieces: undefined }));
  assert.deepEqual(await described(store, first.manifestKey), await described(alone, manifestKey));

  assert.deepEqual((await verifyArchive({ store, readData: true, threads: 2 })).findings, []);
  const target = join(temporaryFolder(), 'restored');
  await restorePoint({ store, manifestKey: first.manifestKey, target, threads: 2 });
  assert.deepEqual(describeTree(target), describeTree(root));

  const second = await run(root, store, 11);
  assert.equal(second.filesRead, 0);
  assert.equal(
    [...store.objects.keys()].filter((key) => key.startsWith('pages/')).length,
    1,
    'the page holds as it is',
  );

  appendFileSync(join(root, 'tenants/a-b7/userstores/x'), 'more');
  rmSync(join(root, 'tenants/a.b9'), { recursive: true });
  writeFileSync(join(root, 'tenants/a.b8/new'), 'the same for all\n'.repeat(50));
  const third = await run(root, store, 12);
  assert.equal(third.filesRead, 2);
  const again = join(temporaryFolder(), 'restored');
  await restorePoint({ store, manifestKey: third.manifestKey, target: again, threads: 2 });
  assert.deepEqual(describeTree(again), describeTree(root));
});

test('damage is found by threads too: named, and with keepGoing everything else is restored', async () => {
  const root = tenants();
  const store = new MemoryStore();
  const { manifestKey } = await run(root, store, 10);
  const { entries } = await readManifest(store, manifestKey);
  const victim = entries.find(({ path }) => path === 'tenants/a-b7/userstores/x.xml');
  assert.ok(victim?.type === 'file');
  const [piece] = victim.pieces;
  const key = `packs/${piece!.pack}.tar.zst`;
  store.objects.get(key)![piece!.offset + 40]! ^= 1;
  const { findings } = await verifyArchive({ store, readData: true, threads: 2 });
  assert.ok(findings.length > 0 && findings.every((finding) => finding.key === key));
  assert.ok(findings.some(({ paths }) => paths.includes('tenants/a-b7/userstores/x.xml')));
  const target = join(temporaryFolder(), 'restored');
  await assert.rejects(restorePoint({ store, manifestKey, target, threads: 2 }), ArchiveDamagedError);
  const outcome = await restorePoint({ store, manifestKey, target, threads: 2, keepGoing: true });
  assert.ok(outcome.damages.some(({ path }) => path === 'tenants/a-b7/userstores/x.xml'));
  assert.equal(outcome.files + outcome.damages.length, 1602);
  assert.ok(outcome.files > 0, 'the jar is in other frames');
});

test('a store that fails ends the export, and the threads with it', async () => {
  const root = tenants();
  const store = new MemoryStore();
  store.put = () => Promise.reject<never>(new Error('the network is gone'));
  await assert.rejects(run(root, store, 10), /the network is gone/);
  assert.equal(store.objects.size, 0);
});
