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
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  ArchiveDamagedError,
  choosePoint,
  DirectoryVolume,
  exportVolume,
  listPoints,
  MemoryStore,
  readManifest,
  restorePoint,
  verifyArchive,
  type ObjectStore,
  type Volume,
} from '../../../lambda/archive';
import { describeTree, temporaryFolder } from './support/trees';

const MONDAY = new Date('2099-01-05T10:00:00Z');
const at = (date: Date) => () => date;

const run = (root: string, store: ObjectStore, more: { volume?: Volume; now?: () => Date; fullRead?: boolean } = {}) =>
  exportVolume({
    volume: new DirectoryVolume(root),
    store,
    volumeName: 'repository',
    mountedAt: 'repository',
    now: at(MONDAY),
    ...more,
  });

/** Wraps the volume of a folder, to make something go wrong. */
function volumeWith(root: string, changes: Partial<Volume>): Volume {
  const volume = new DirectoryVolume(root);
  return {
    description: root,
    readDirectory: (path) => volume.readDirectory(path),
    stat: (path) => volume.stat(path),
    readLink: (path) => volume.readLink(path),
    open: (path) => volume.open(path),
    ...changes,
  };
}

const deny = (): never => {
  throw Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' });
};

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
  const outcome = await run(root, store);
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

  const target = join(temporaryFolder(), 'restored');
  await restorePoint({ store, manifestKey: outcome.manifestKey, target });
  assert.deepEqual(describeTree(target), exportedPart(root));
  const checked = await verifyArchive({ store, readData: true });
  assert.deepEqual(checked.findings, []);
});

test('packs are tar files for anybody who has zstd and tar', async (t) => {
  if (spawnSync('zstd', ['--version']).status !== 0) return t.skip('zstd is not installed here');
  const root = join(temporaryFolder(), 'repository');
  mkdirSync(join(root, 'conf'), { recursive: true });
  writeFileSync(join(root, 'conf/a.txt'), 'a');
  writeFileSync(join(root, 'large'), Buffer.alloc(3_000_001, 'large'));
  const store = new MemoryStore();
  await run(root, store);
  const pack = store.objects.get([...store.objects.keys()].find((key) => key.startsWith('packs/'))!)!;
  const out = temporaryFolder();
  execFileSync('tar', ['x', '-C', out], { input: execFileSync('zstd', ['-dc'], { input: pack, maxBuffer: 1e8 }) });
  assert.equal(readFileSync(join(out, 'conf/a.txt'), 'utf8'), 'a');
  assert.ok(readFileSync(join(out, 'large')).equals(Buffer.alloc(3_000_001, 'large')));
});

test('what did not change is not read and not stored again', async () => {
  const root = sampleTree();
  const store = new MemoryStore();
  const first = await run(root, store);
  // Everything but the hard link and the second file with the same content.
  assert.equal(first.filesRead, 8);
  const packs = () => [...store.objects.keys()].filter((key) => key.startsWith('packs/')).length;
  assert.equal(packs(), 1);
  const second = await run(root, store, { now: at(new Date('2099-01-05T11:00:00Z')) });
  assert.equal(second.filesRead, 0);
  assert.equal(packs(), 1);
  writeFileSync(join(root, 'new'), 'latin1 name');
  const third = await run(root, store, { now: at(new Date('2099-01-05T12:00:00Z')) });
  assert.equal(third.filesRead, 1);
  assert.equal(packs(), 1, 'the content is known');
  const week = await run(root, store, { now: at(new Date('2099-01-12T10:00:00Z')) });
  assert.equal(week.filesRead, 9, 'a full read after seven days');
  const target = join(temporaryFolder(), 'restored');
  await restorePoint({ store, manifestKey: week.manifestKey, target });
  assert.deepEqual(describeTree(target), exportedPart(root));
});

test('a file that changed within two seconds of its export is read again', async () => {
  const root = join(temporaryFolder(), 'repository');
  mkdirSync(root);
  writeFileSync(join(root, 'a'), 'a');
  const store = new MemoryStore();
  await run(root, store, { now: at(new Date()) });
  assert.equal((await run(root, store)).filesRead, 1);
});

test('a volume that is not there, is a file, or is suddenly empty is an error, and nothing is written', async () => {
  const folder = temporaryFolder();
  const store = new MemoryStore();
  await assert.rejects(run(join(folder, 'missing'), store), /volume .*missing cannot be read .*is the share mounted\?/);
  writeFileSync(join(folder, 'file'), '');
  await assert.rejects(run(join(folder, 'file'), store), /must be a directory, got a file/);
  assert.equal(store.objects.size, 0);
  const root = join(folder, 'repository');
  mkdirSync(root);
  assert.equal((await run(root, store)).counts.files, 0, 'an empty volume that always was empty');
  writeFileSync(join(root, 'a'), 'a');
  await run(root, store, { now: at(new Date('2099-01-05T11:00:00Z')) });
  rmSync(join(root, 'a'));
  const before = store.objects.size;
  await assert.rejects(
    run(root, store, { now: at(new Date('2099-01-05T12:00:00Z')) }),
    /is empty, but the export before \(.*\) holds 1 files: is the share mounted\?/,
  );
  assert.equal(store.objects.size, before);
});

test('files that cannot be read are named and the others exported; when none can, nothing is', async () => {
  const root = join(temporaryFolder(), 'repository');
  mkdirSync(root);
  for (const name of ['a', 'b', 'c']) writeFileSync(join(root, name), name);
  const plain = new DirectoryVolume(root);
  const store = new MemoryStore();
  const volume = volumeWith(root, { open: (path) => (path === 'b' ? deny() : plain.open(path)) });
  const outcome = await run(root, store, { volume });
  assert.deepEqual(outcome.problems, [{ path: 'b', reason: 'EACCES: permission denied' }]);
  const { entries, header } = await readManifest(store, outcome.manifestKey);
  assert.deepEqual(
    entries.map(({ path }) => path),
    ['a', 'c'],
  );
  assert.deepEqual(header.problems, outcome.problems);
  const empty = new MemoryStore();
  await assert.rejects(
    run(root, empty, { volume: volumeWith(root, { open: deny }) }),
    /no file of .* could be read, the first was a: EACCES/,
  );
  assert.equal(empty.objects.size, 0);
});

test('a file that never holds still is named unstable; one that vanishes is left out with a warning', async () => {
  const root = join(temporaryFolder(), 'repository');
  mkdirSync(root);
  for (const name of ['gone', 'moving', 'still']) writeFileSync(join(root, name), 'x'.repeat(100));
  const plain = new DirectoryVolume(root);
  let length = 100;
  const volume = volumeWith(root, {
    open: (path) => {
      if (path === 'gone') rmSync(join(root, 'gone'), { force: true });
      const file = plain.open(path);
      if (path !== 'moving') return file;
      const read = (...args: Parameters<typeof file.read>) => {
        truncateSync(join(root, 'moving'), (length -= 10));
        return file.read(...args);
      };
      return { stat: () => file.stat(), close: () => file.close(), read };
    },
  });
  const store = new MemoryStore();
  const outcome = await run(root, store, { volume });
  assert.deepEqual(
    outcome.problems.map(({ path }) => path),
    ['moving'],
  );
  assert.match(outcome.problems[0]!.reason, /^unstable: changed during each of 3 attempts/);
  assert.deepEqual(outcome.warnings, [{ path: 'gone', reason: 'vanished during the export' }]);
  const target = join(temporaryFolder(), 'restored');
  await restorePoint({ store, manifestKey: outcome.manifestKey, target });
  assert.deepEqual(readdirSync(target), ['moving', 'still']);
  assert.equal(readFileSync(join(target, 'moving'), 'utf8'), 'x'.repeat(70));
});

test('an export that dies at any request leaves no half point, and the next one succeeds', async () => {
  const root = join(temporaryFolder(), 'repository');
  mkdirSync(root);
  writeFileSync(join(root, 'a'), 'a');
  for (let failing = 1; ; failing += 1) {
    const store = new MemoryStore();
    let request = 0;
    const scripted = new Proxy(store, {
      get(object, name: keyof MemoryStore) {
        const value = object[name];
        if (typeof value !== 'function') return value;
        return (...args: never[]) => {
          request += 1;
          if (request === failing) throw new Error('scripted');
          return (value as (...all: never[]) => unknown).apply(object, args);
        };
      },
    });
    const outcome = await run(root, scripted).catch((error: unknown) => error);
    if (!(outcome instanceof Error)) {
      assert.ok(failing > 4, `only ${failing} requests were tried`);
      return;
    }
    assert.equal(outcome.message, 'scripted');
    // The last request asks whether the manifest is there: by then it is.
    const points = await listPoints(store);
    assert.deepEqual(
      points.map(({ complete }) => complete),
      [...store.objects.keys()].some((key) => key.startsWith('manifests/')) ? [true] : [],
    );
    const next = await run(root, store, { now: at(new Date('2099-01-05T11:00:00Z')) });
    assert.equal((await listPoints(store))[0]!.manifestKey, next.manifestKey);
  }
});

async function smallArchive() {
  const root = join(temporaryFolder(), 'repository');
  mkdirSync(join(root, 'd'), { recursive: true });
  writeFileSync(join(root, 'd/a'), 'content of a');
  writeFileSync(join(root, 'b'), 'content of b');
  const store = new MemoryStore();
  const { manifestKey } = await run(root, store);
  return { root, store, manifestKey };
}

test('each flipped byte of each object is found', async () => {
  const { store } = await smallArchive();
  for (const [key, body] of [...store.objects]) {
    for (let index = 0; index < body.length; index += 1) {
      const flipped = Buffer.from(body);
      flipped[index]! ^= 0x10;
      const { findings } = await verifyArchive({
        store: new MemoryStore('', new Map(store.objects).set(key, flipped)),
        readData: true,
      });
      assert.ok(findings.length > 0, `${key} byte ${index}`);
      assert.ok(
        findings.every((finding) => finding.key === key),
        `${key} byte ${index}: ${JSON.stringify(findings)}`,
      );
    }
  }
});

test('each object cut short at each byte is found, and restores nothing', async () => {
  const { store, manifestKey } = await smallArchive();
  const folder = temporaryFolder();
  for (const [key, body] of [...store.objects]) {
    for (let length = 0; length < body.length; length += 1) {
      const cut = new MemoryStore('', new Map(store.objects).set(key, body.subarray(0, length)));
      const { findings } = await verifyArchive({ store: cut });
      assert.ok(findings.length > 0, `${key} cut at ${length}`);
      if (key.startsWith('manifests/')) {
        await assert.rejects(restorePoint({ store: cut, manifestKey, target: join(folder, 'x') }), ArchiveDamagedError);
        assert.deepEqual(readdirSync(folder), []);
      }
    }
  }
});

test('a damaged pack is named, and a restore from it leaves nothing behind', async () => {
  const { store, manifestKey } = await smallArchive();
  const [key, body] = [...store.objects].find(([name]) => name.startsWith('packs/'))!;
  body[40]! ^= 1;
  const folder = temporaryFolder();
  await assert.rejects(restorePoint({ store, manifestKey, target: join(folder, 'x') }), (error) => {
    assert.ok(error instanceof ArchiveDamagedError);
    assert.equal(error.key, key);
    return true;
  });
  assert.deepEqual(readdirSync(folder), []);
});

test('a point whose pack has not arrived is incomplete, and the one before is chosen', async () => {
  const { root, store, manifestKey } = await smallArchive();
  writeFileSync(join(root, 'new'), 'new content');
  const packsBefore = new Set(store.objects.keys());
  const second = await run(root, store, { now: at(new Date('2099-01-05T11:00:00Z')) });
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

test('any tree comes back as it was', async () => {
  const name = fc
    .uint8Array({ minLength: 1, maxLength: 12 })
    .map((bytes) => Buffer.from(bytes))
    .filter((bytes) => !bytes.includes(0) && !bytes.includes(47) && !['.', '..'].includes(bytes.toString('latin1')));
  const node = fc.record({
    name,
    kind: fc.constantFrom('file', 'directory', 'symlink'),
    inside: fc.nat(),
    content: fc.uint8Array({ maxLength: 600 }),
    mtime: fc.integer({ min: -2_000_000_000, max: 9_000_000_000 }),
    mode: fc.constantFrom(0o400, 0o644, 0o755),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(node, { maxLength: 20 }), async (nodes) => {
      const folder = temporaryFolder();
      const root = join(folder, 'source');
      mkdirSync(root);
      const directories = [Buffer.from(root)];
      for (const { name, kind, inside, content, mtime, mode } of nodes) {
        const path = Buffer.concat([directories[inside % directories.length]!, Buffer.from('/'), name]);
        if (existsSync(path)) continue;
        try {
          if (kind === 'directory') {
            mkdirSync(path);
            directories.push(path);
          } else if (kind === 'symlink') symlinkSync(name, path);
          else {
            writeFileSync(path, content, { flag: 'wx' });
            chmodSync(path, mode);
            utimesSync(path, new Date(mtime * 1000), new Date(mtime * 1000));
          }
        } catch (error) {
          if (!(error instanceof Error && /EEXIST/.test(error.message))) throw error;
        }
      }
      const store = new MemoryStore();
      const { manifestKey } = await run(root, store);
      const target = join(folder, 'target');
      await restorePoint({ store, manifestKey, target });
      assert.deepEqual(describeTree(target), describeTree(root));
      rmSync(folder, { recursive: true });
    }),
    { numRuns: 40, endOnFailure: true },
  );
});
