/** An export and a restore of what volumes hold, and what neither does: what every other test of the archive builds on. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { choosePoint, listPoints, MemoryStore, restorePoint, verifyArchive } from '../../../lambda/archive';
import { daysLater, exportTree, hoursLater, restoreTree } from './support/engine';
import { describeTree, makeTree, temporaryFolder } from './support/trees';

function sampleTree(): string {
  const root = join(temporaryFolder(), 'repository');
  mkdirSync(join(root, 'conf'), { recursive: true });
  mkdirSync(join(root, 'empty'));
  mkdirSync(join(root, 'logs'));
  mkdirSync(join(root, 'database'));
  writeFileSync(join(root, 'conf/deployment.toml'), 'hostname = "is.example.com"\n');
  writeFileSync(join(root, 'conf/copy.toml'), 'hostname = "is.example.com"\n');
  writeFileSync(join(root, 'conf/none'), '');
  writeFileSync(join(root, 'logs/wso2carbon.log'), 'x');
  writeFileSync(join(root, 'database/WSO2CARBON_DB.mv.db'), 'x');
  writeFileSync(Buffer.concat([Buffer.from(`${root}/caf`), Buffer.of(0xe9)]), 'latin1 name');
  writeFileSync(join(root, 'e\u0301'), 'NFD');
  writeFileSync(join(root, '\u00e9'), 'NFC');
  writeFileSync(join(root, ' =#[\n\\-'), 'odd name');
  // Longer than two frames, and not compressible to nothing.
  writeFileSync(join(root, 'large.jar'), Buffer.from(Array.from({ length: 2_500_000 }, (_, i) => (i * i) >> 7)));
  linkSync(join(root, 'large.jar'), join(root, 'large-too.jar'));
  symlinkSync('/etc/passwd', join(root, 'absolute'));
  symlinkSync('../../outside', join(root, 'dangling'));
  symlinkSync('.', join(root, 'loop'));
  utimesSync(join(root, 'conf/none'), new Date(-1500), new Date(-1500));
  chmodSync(join(root, 'conf/deployment.toml'), 0o600);
  chmodSync(join(root, 'empty'), 0o555);
  utimesSync(join(root, 'conf'), 1_000_000_000, 1_000_000_000);
  return root;
}

/** The tree without what is not exported. */
function exportedPart(root: string): string[] {
  const skipped = ['wso2carbon.log', 'WSO2CARBON_DB.mv.db'].map((name) => Buffer.from(name).toString('hex'));
  return describeTree(root).filter((line) => !skipped.some((name) => line.includes(name)));
}

test('a tree with every kind of entry comes back as it was', async () => {
  const root = sampleTree();
  const store = new MemoryStore('archives/prod/repository/');
  const outcome = await exportTree(root, store);
  assert.match(
    outcome.manifestKey,
    /^archives\/prod\/repository\/manifests\/20990105T100000\.000Z-[0-9a-f]{64}\.jsonl\.zst$/,
  );
  assert.deepEqual(outcome.problems, []);
  assert.deepEqual(
    outcome.excluded.map(({ path }) => path),
    ['database/WSO2CARBON_DB.mv.db', 'logs/wso2carbon.log'],
  );
  assert.equal(outcome.counts.files, 8);
  assert.equal(outcome.counts.hardlinks, 1);
  assert.equal(outcome.counts.symlinks, 3);
  assert.equal(outcome.counts.directories, 4);

  const target = await restoreTree(store, outcome.manifestKey, { sync: true });
  assert.deepEqual(describeTree(target), exportedPart(root));
  const checked = await verifyArchive({ store, readData: true });
  assert.deepEqual(checked.findings, []);
});

test('packs are tar files for anybody who has zstd and tar', async (t) => {
  if (spawnSync('zstd', ['--version']).status !== 0) return t.skip('zstd is not installed here');
  const root = makeTree({ 'conf/a.txt': 'a', large: Buffer.alloc(3_000_001, 'large') });
  const store = new MemoryStore();
  await exportTree(root, store);
  const pack = store.objects.get([...store.objects.keys()].find((key) => key.startsWith('packs/'))!)!;
  const out = temporaryFolder();
  execFileSync('tar', ['x', '-C', out], { input: execFileSync('zstd', ['-dc'], { input: pack, maxBuffer: 1e8 }) });
  assert.equal(readFileSync(join(out, 'conf/a.txt'), 'utf8'), 'a');
  assert.ok(readFileSync(join(out, 'large')).equals(Buffer.alloc(3_000_001, 'large')));
});

test('what did not change is not read and not stored again', async () => {
  const root = sampleTree();
  const store = new MemoryStore();
  const first = await exportTree(root, store);
  // Everything but the hard link and the second file with the same content.
  assert.equal(first.filesRead, 8);
  const packs = () => [...store.objects.keys()].filter((key) => key.startsWith('packs/')).length;
  assert.equal(packs(), 1);
  const second = await exportTree(root, store, { at: hoursLater(1) });
  assert.equal(second.filesRead, 0);
  assert.equal(packs(), 1);
  writeFileSync(join(root, 'new'), 'latin1 name');
  const third = await exportTree(root, store, { at: hoursLater(2) });
  assert.equal(third.filesRead, 1);
  assert.equal(packs(), 1, 'the content is known');
  const week = await exportTree(root, store, { at: daysLater(7) });
  assert.equal(week.filesRead, 9, 'a full read after seven days');
  assert.deepEqual(describeTree(await restoreTree(store, week.manifestKey)), exportedPart(root));
});

test('a volume that is not there, is a file, or is suddenly empty is an error, and nothing is written', async () => {
  const folder = temporaryFolder();
  const store = new MemoryStore();
  await assert.rejects(
    exportTree(join(folder, 'missing'), store),
    /volume .*missing cannot be read .*is the share mounted\?/,
  );
  writeFileSync(join(folder, 'file'), '');
  await assert.rejects(exportTree(join(folder, 'file'), store), /must be a directory, got a file/);
  assert.equal(store.objects.size, 0);
  const root = join(folder, 'repository');
  mkdirSync(root);
  assert.equal((await exportTree(root, store)).counts.files, 0, 'an empty volume that always was empty');
  writeFileSync(join(root, 'a'), 'a');
  await exportTree(root, store, { at: hoursLater(1) });
  rmSync(join(root, 'a'));
  const before = store.objects.size;
  await assert.rejects(
    exportTree(root, store, { at: hoursLater(2) }),
    /is empty, but the export before \(.*\) holds 1 files: is the share mounted\?/,
  );
  assert.equal(store.objects.size, before);
});

async function smallArchive() {
  const root = makeTree({ 'd/a': 'content of a', b: 'content of b' });
  const store = new MemoryStore();
  const { manifestKey } = await exportTree(root, store);
  return { root, store, manifestKey };
}

test('a point whose pack has not arrived is incomplete, and the one before is chosen', async () => {
  const { root, store, manifestKey } = await smallArchive();
  writeFileSync(join(root, 'new'), 'new content');
  const packsBefore = new Set(store.objects.keys());
  const second = await exportTree(root, store, { at: hoursLater(1) });
  const pack = [...store.objects.keys()].find((key) => key.startsWith('packs/') && !packsBefore.has(key))!;
  store.objects.delete(pack);
  const [newest, older] = await listPoints(store);
  assert.equal(newest!.manifestKey, second.manifestKey);
  assert.equal(newest!.complete, false);
  assert.deepEqual(newest!.problems, [`the pack ${pack} is missing`]);
  assert.equal(older!.complete, true);
  assert.equal((await choosePoint(store)).manifestKey, manifestKey);
  await assert.rejects(choosePoint(store, new Date('2099-01-01T00:00:00Z')), /no point that had ended by 2099-01-01/);
});

test('a target that exists is refused, and one path is restored with the directories that lead to it', async () => {
  const { store, manifestKey } = await smallArchive();
  const folder = temporaryFolder();
  await assert.rejects(restorePoint({ store, manifestKey, target: folder }), /the target must not exist yet/);
  const target = join(folder, 'x');
  const outcome = await restorePoint({ store, manifestKey, target, paths: ['d/a'] });
  assert.equal(outcome.files, 1);
  assert.deepEqual(readdirSync(target), ['d']);
  assert.equal(readFileSync(join(target, 'd/a'), 'utf8'), 'content of a');
  await assert.rejects(
    restorePoint({ store, manifestKey, target: join(folder, 'y'), paths: ['nope'] }),
    /the point does not hold nope/,
  );
  assert.equal(existsSync(join(folder, 'y')), false);
});
