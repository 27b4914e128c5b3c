/** What can be wrong with the objects of an archive: rows 22 to 32. All of it is found, and nothing wrong is restored. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { markAsUntransferable } from 'node:worker_threads';
import { constants, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import {
  ArchiveDamagedError,
  decodeManifest,
  listPoints,
  MemoryStore,
  pageKey,
  readManifest,
  restorePoint,
  type RestoreOutcome,
  verifyArchive,
} from '../../../lambda/archive';
import { decodeFrame, encodeFrame, MAX_FRAME_BYTES, release } from '../../../lambda/archive/frame';
import { tarHeader } from '../../../lambda/archive/tar';
import { command } from './support/command';
import { craft, directory, file, plant, sha256Of } from './support/crafted';
import { assertRestores, exportTree, hoursLater, restoreTree } from './support/engine';
import { faultyVolume } from './support/faulty-volume';
import { ScriptedS3 } from './support/scripted-s3';
import {
  assertSameTree,
  contentsOf,
  describeTree,
  makeTree,
  noise,
  randomFrom,
  temporaryFolder,
} from './support/trees';
import { SOAK } from '../../soak';

let s3: ScriptedS3;
before(async () => {
  s3 = await ScriptedS3.start();
});
after(() => s3.stop());

/** Two packs, two pages' worth of files: `old` in the pack of the first export, `new` in that of the second. */
async function smallArchive() {
  const root = makeTree({ 'd/old': 'content of old', 'd/too': 'content of too', empty: '' });
  const store = new MemoryStore();
  const first = await exportTree(root, store);
  writeFileSync(join(root, 'new'), 'content of new');
  const second = await exportTree(root, store, { at: hoursLater(1) });
  return { root, store, first: first.manifestKey, manifestKey: second.manifestKey };
}

const withObject = (store: MemoryStore, key: string, body: Buffer | undefined) => {
  const objects = new Map(store.objects);
  if (body) objects.set(key, body);
  else objects.delete(key);
  return new MemoryStore('', objects);
};

const keysOf = (store: MemoryStore, folder: string) =>
  [...store.objects.keys()].filter((key) => key.startsWith(folder));

/** Restores, and says whether what came out is the tree; nothing wrong may come out under any name. */
async function restores(
  store: MemoryStore,
  manifestKey: string,
  whole: Readonly<Record<string, string>>,
  folder: string,
) {
  const target = join(folder, 'strict');
  let complete: boolean;
  try {
    await restorePoint({ store, manifestKey, target, threads: 0 });
    assert.deepEqual(contentsOf(target), whole);
    complete = true;
  } catch (error) {
    if (!(error instanceof ArchiveDamagedError)) throw error;
    assert.equal(existsSync(target), false);
    complete = false;
  }
  rmSync(target, { recursive: true, force: true });
  return complete;
}

/** With keepGoing: what is there is right, and what is missing is named. */
async function restoresWhatItCan(
  store: MemoryStore,
  manifestKey: string,
  whole: Readonly<Record<string, string>>,
  folder: string,
): Promise<Record<string, string> | undefined> {
  const target = join(folder, 'lenient');
  let outcome: RestoreOutcome;
  try {
    outcome = await restorePoint({ store, manifestKey, target, keepGoing: true, threads: 0 });
  } catch (error) {
    if (!(error instanceof ArchiveDamagedError)) throw error;
    assert.equal(existsSync(target), false);
    return undefined;
  }
  const there = contentsOf(target);
  for (const [path, content] of Object.entries(there)) assert.equal(content, whole[path], path);
  if (Object.keys(there).length < Object.keys(whole).length)
    assert.ok(outcome.damages.length > 0, 'loss without a word');
  assert.equal(outcome.files, Object.keys(there).length);
  rmSync(target, { recursive: true, force: true });
  return there;
}

const WHOLE = { 'd/old': 'content of old', 'd/too': 'content of too', empty: '', new: 'content of new' };

test('[case 22] each object, cut at every byte, is found by verify and by restore', async () => {
  const { store, manifestKey } = await smallArchive();
  const folder = temporaryFolder();
  for (const [key, body] of [...store.objects]) {
    for (let length = 0; length < body.length; length += 1) {
      const cut = withObject(store, key, body.subarray(0, length));
      const { findings } = await verifyArchive({ store: cut });
      assert.ok(findings.length > 0, `${key} cut at ${length}`);
      const own = key.startsWith('manifests/') ? key === manifestKey : true;
      // The end of the tar stream is of no use to a restore.
      if (!(await restores(cut, manifestKey, WHOLE, folder))) assert.ok(own, `${key} cut at ${length}`);
      else
        assert.ok(
          !own || key.startsWith('packs/') || !(await names(store, manifestKey, key)),
          `${key} cut at ${length}`,
        );
    }
  }
});

async function names(store: MemoryStore, manifestKey: string, key: string): Promise<boolean> {
  const { header } = await readManifest(store, manifestKey);
  return [...header.packs, ...header.pages].some((object) => object.key === key);
}

test('[case 22] a pack of several frames, cut at random places', async () => {
  const root = makeTree(Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`f${i}`, noise(60_000, i)])));
  const store = new MemoryStore();
  const { manifestKey } = await exportTree(root, store);
  const [key] = keysOf(store, 'packs/');
  const body = store.objects.get(key!)!;
  const random = randomFrom(22);
  const folder = temporaryFolder();
  const whole = contentsOf(root);
  for (let run = 0; run < (SOAK ? 1_000 : 25); run += 1) {
    const length = Math.floor(random() * (body.length - 40));
    const cut = withObject(store, key!, body.subarray(0, length));
    assert.ok((await verifyArchive({ store: cut, readData: true })).findings.length > 0, `${length}`);
    assert.equal(await restores(cut, manifestKey, whole, folder), false, `${length}`);
    assert.ok(await restoresWhatItCan(cut, manifestKey, whole, folder), `${length}`);
  }
});

test('[case 23] frames that come in one answer or byte by byte give the same', async () => {
  for (const files of [2, 3, SOAK ? 1_000 : 12]) {
    // Each file is a frame of its own, or two of them do not fit into one.
    const root = makeTree(
      Object.fromEntries(Array.from({ length: files }, (_, i) => [`f${i}`, noise(files > 100 ? 530_000 : 600_000, i)])),
    );
    s3.bucket(`frames-${files}`);
    const store = s3.store(`frames-${files}`, '', 60_000);
    const { manifestKey } = await exportTree(root, store);
    await assertRestores(store, manifestKey, root);
  }
  const small = makeTree({ a: 'a', b: noise(3_000) });
  s3.bucket('bytes');
  const store = s3.store('bytes');
  const { manifestKey } = await exportTree(small, store);
  s3.script = ({ operation }) => (operation === 'GetObject' ? { piecesOf: 1 } : undefined);
  await assertRestores(store, manifestKey, small);
  assert.deepEqual((await verifyArchive({ store, readData: true })).findings, []);
  s3.script = () => undefined;
});

test('[case 24] a bit of an object, flipped, wherever it is: found by verify, and by restore where a file needs it; the file is named', async () => {
  const { store, manifestKey } = await smallArchive();
  const folder = temporaryFolder();
  const needed = new Map<string, boolean>();
  for (const key of store.objects.keys())
    needed.set(key, key === manifestKey || (await names(store, manifestKey, key)));
  let undamaged = 0;
  for (const [key, body] of [...store.objects]) {
    // Of every third byte one bit, another one each time; in the soak all of all.
    for (let index = 0; index < body.length; index += SOAK ? 1 : 3) {
      const bits = SOAK ? [0, 1, 2, 3, 4, 5, 6, 7] : [(index * 5) % 8];
      for (const bit of bits) {
        const flipped = Buffer.from(body);
        flipped[index]! ^= 1 << bit;
        const damaged = withObject(store, key, flipped);
        const message = `${key} byte ${index} bit ${bit}`;
        const { findings } = await verifyArchive({ store: damaged, readData: true, threads: 0 });
        assert.ok(findings.length > 0, message);
        assert.ok(
          findings.every((finding) => finding.key === key),
          message,
        );
        const whole = await restores(damaged, manifestKey, WHOLE, folder);
        if (!needed.get(key)) assert.ok(whole, message);
        else if (whole) {
          // No content depends on it, and what came out is right: a bit that zstd does not use, or the end of the tar stream.
          assert.ok(key.startsWith('packs/'), message);
          undamaged += 1;
        } else {
          const rest = await restoresWhatItCan(damaged, manifestKey, WHOLE, folder);
          if (key.startsWith('packs/')) {
            assert.ok(rest, message);
            const lost = Object.keys(WHOLE).filter((path) => !(path in rest));
            assert.ok(lost.length > 0 && lost.length < 4, message);
            const named = findings.flatMap(({ paths }) => paths);
            for (const path of lost) assert.ok(named.includes(path), `${message}: ${path} is not named`);
          }
        }
      }
    }
  }
  assert.ok(undamaged < (SOAK ? 8 * 60 : 20), `${undamaged} flips were of no matter to a restore`);
});

test('[case 24] objects that are missing or in the place of another: found, and the rest is restored', async () => {
  const { store, manifestKey } = await smallArchive();
  const folder = temporaryFolder();
  const keys = [...store.objects.keys()];
  for (const key of keys) {
    const others = keys.filter((other) => other !== key && other.split('/')[0] === key.split('/')[0]);
    for (const body of [undefined, ...others.map((other) => store.objects.get(other)!)]) {
      const damaged = withObject(store, key, body);
      const { findings } = await verifyArchive({ store: damaged, readData: true });
      const isManifest = key.startsWith('manifests/');
      if (body || !isManifest) assert.ok(findings.length > 0, key);
      if (isManifest && !body) assert.equal((await listPoints(damaged)).length, 1);
      const needed = key === manifestKey || (!isManifest && (await names(store, manifestKey, key)));
      assert.equal(await restores(damaged, manifestKey, WHOLE, folder), !needed, key);
      if (!isManifest && needed) {
        const rest = await restoresWhatItCan(damaged, manifestKey, WHOLE, folder);
        if (key.startsWith('packs/')) assert.ok(rest && 'empty' in rest && Object.keys(rest).length < 4, key);
      }
    }
  }
});

test('[case 25] a pack without its last frames is found, though a tar reader ends cleanly', async () => {
  const root = makeTree(Object.fromEntries(Array.from({ length: 3 }, (_, i) => [`f${i}`, noise(700_000, i)])));
  const store = new MemoryStore();
  const { manifestKey } = await exportTree(root, store);
  const { entries } = await readManifest(store, manifestKey);
  const [key] = keysOf(store, 'packs/');
  const body = store.objects.get(key!)!;
  const ends = entries.flatMap((entry) =>
    entry.type === 'file' ? entry.pieces.map(({ offset, length }) => offset + length) : [],
  );
  assert.ok(ends.length >= 3);
  const folder = temporaryFolder();
  for (const end of ends) {
    const cut = withObject(store, key!, body.subarray(0, end));
    assert.ok((await verifyArchive({ store: cut })).findings.length > 0);
    const last = end === Math.max(...ends);
    assert.equal(await restores(cut, manifestKey, contentsOf(root), folder), last);
  }
});

test('[case 26] a compressor that gives back other bytes is caught before anything is stored', () => {
  const raw = Buffer.from('content of a frame');
  const rows: [string, (body: Buffer) => Buffer][] = [
    ['other content', () => zstdCompressSync(Buffer.from('content of a frams'))],
    ['shorter', (body) => zstdCompressSync(body.subarray(1))],
    ['longer', (body) => zstdCompressSync(Buffer.concat([body, body]))],
    ['cut', (body) => zstdCompressSync(body).subarray(0, -5)],
    ['nothing', () => Buffer.alloc(0)],
    ['raw', (body) => body],
  ];
  for (const [what, compressor] of rows) assert.throws(() => encodeFrame(raw, compressor), Error, what);
  assert.deepEqual(decodeFrame(encodeFrame(raw)), raw);
});

test('[case 27] a volume that ends early without an error: the run says so, and no more than was read is stored', async () => {
  for (const bytes of [5_000, 2_600_000]) {
    const root = makeTree({ a: 'a', short: noise(bytes), z: 'z' });
    const volume = faultyVolume(root, {
      answers: {
        read: (path, position, read) =>
          path === 'short' ? Math.max(0, Math.min(read, bytes - 1_000 - position)) : read,
      },
    });
    const store = new MemoryStore();
    const outcome = await exportTree(root, store, { volume });
    assert.deepEqual(
      outcome.problems.map(({ path }) => path),
      ['short'],
    );
    const restored = await restoreTree(store, outcome.manifestKey);
    assert.ok(readFileSync(join(restored, 'short')).equals(noise(bytes).subarray(0, bytes - 1_000)));
    assert.equal(readFileSync(join(restored, 'z'), 'utf8'), 'z');
    const next = await exportTree(root, store, { at: hoursLater(1) });
    await assertRestores(store, next.manifestKey, root);
  }
});

/** A manifest of any bytes, under the name that fits them. */
async function refusing(text: string | Buffer, message: RegExp, what: string): Promise<void> {
  const body = encodeFrame(Buffer.from(text));
  const key = `manifests/20261124T100000.000Z-${sha256Of(body)}.jsonl.zst`;
  const store = new MemoryStore('', new Map([[key, body]]));
  await assert.rejects(
    readManifest(store, key),
    (error: unknown) => error instanceof ArchiveDamagedError && message.test(error.problem),
    what,
  );
  // One bad manifest is named, and hides no other.
  const good = craft([file('a')]);
  store.objects.set(good.manifestKey, good.store.objects.get(good.manifestKey)!);
  for (const [name, object] of good.store.objects) store.objects.set(name, object);
  const points = await listPoints(store);
  assert.deepEqual(points.map(({ complete }) => complete).sort(), [false, true], what);
  assert.ok(
    (await verifyArchive({ store })).findings.some((finding) => finding.key === key),
    what,
  );
}

const sealed = (line: string) => `${line}\n${JSON.stringify({ end: { sha256: sha256Of(`${line}\n`) } })}\n`;

test('[case 28] manifests that are empty, cut, of wrong types, with doubled keys or huge numbers: a typed error', async () => {
  const { store, manifestKey } = craft([file('a')]);
  const good = decodeFrame(store.objects.get(manifestKey)!).toString('utf8').split('\n')[0]!;
  const header = JSON.parse(good) as Record<string, unknown>;
  const changed = (more: object) => sealed(JSON.stringify({ ...header, ...more }));
  const rows: [string, string | Buffer, RegExp][] = [
    ['empty', '', /cut short/],
    ['newline', '\n', /./],
    ['no last line', `${good}\n`, /last line is missing/],
    ['cut', sealed(good).slice(0, -1), /cut short/],
    ['array', sealed('[]'), /not a JSON object/],
    ['null', sealed('null'), /not a JSON object/],
    ['text', sealed('"x"'), /not a JSON object/],
    ['no JSON', sealed('{'), /not a JSON object/],
    ['nested', sealed('['.repeat(100_000)), /not a JSON object/],
    ['not UTF-8', Buffer.from([0xff, 0xfe, 10]), /./],
    ['counts', changed({ counts: 7 }), /field that is missing or of the wrong type/],
    ['negative', changed({ counts: { files: -1, directories: 0, symlinks: 0, hardlinks: 0, bytes: 0 } }), /wrong type/],
    ['huge', changed({ counts: { files: 1e300, directories: 0, symlinks: 0, hardlinks: 0, bytes: 0 } }), /wrong type/],
    [
      'unsafe',
      changed({ counts: { files: 2 ** 53, directories: 0, symlinks: 0, hardlinks: 0, bytes: 0 } }),
      /wrong type/,
    ],
    ['packs', changed({ packs: {} }), /wrong type/],
    ['pack of nowhere', changed({ packs: [{ key: 'packs/../x', bytes: 1 }] }), /wrong type/],
    ['pages', changed({ pages: null }), /wrong type/],
    ['time', changed({ startedAt: 'yesterday' }), /wrong type/],
    ['root', changed({ root: { mode: 0o1000000, uid: 0, gid: 0, mtimeNs: '0' } }), /wrong type/],
    ['problems', changed({ problems: [{ path: 1 }] }), /wrong type/],
    // The last of two is what JSON takes: it must be right as well.
    ['doubled', sealed(`${good.slice(0, -1)},"volume":7}`), /wrong type/],
    ['prototype', sealed(`{"__proto__":${good}}`), /not a manifest/],
  ];
  for (const [what, text, message] of rows) await refusing(text, message, what);
});

test('[case 28] pages of wrong lines: a typed error', async () => {
  const rows: [string, (text: string) => string, RegExp][] = [
    ['empty', () => '', /cut short/],
    ['cut', (text) => text.slice(0, -1), /cut short/],
    ['half a line', (text) => text.slice(0, -20), /cut short/],
    ['no JSON', () => 'x\n', /not a JSON object/],
    ['array', () => '[]\n', /not a JSON object/],
    ['huge number', (text) => text.replace('"size":7', '"size":1e400'), /wrong type/],
    ['text for a number', (text) => text.replace('"size":7', '"size":"7"'), /wrong type/],
    ['fraction', (text) => text.replace('"uid":0', '"uid":0.5'), /wrong type/],
    ['doubled key', (text) => text.replace('"size":7', '"size":7,"size":8'), /wrong type/],
    ['doubled path', (text) => text.replace('"type"', '"path":"../b","type"'), /has the path/],
    ['time', (text) => text.replace('"1700000000000000000"', '"x"'), /wrong type/],
    ['piece outside', (text) => text.replace('"offset":0', '"offset":99999999'), /wrong type/],
    ['piece before', (text) => text.replace('"offset":0', '"offset":-1'), /wrong type/],
    ['twice', (text) => text + text, /twice or not in order/],
  ];
  for (const [what, lines, message] of rows) {
    const { store, manifestKey } = craft([file('a')], { lines });
    await assert.rejects(
      readManifest(store, manifestKey),
      (error: unknown) => error instanceof ArchiveDamagedError && message.test(error.problem),
      what,
    );
    const target = join(temporaryFolder(), 'x');
    await assert.rejects(restorePoint({ store, manifestKey, target, threads: 0 }), ArchiveDamagedError, what);
    assert.equal(existsSync(target), false, what);
  }
});

test('[case 29] a pack, a page or a manifest of another archive under the name of one of this: refused', async () => {
  const [mine, other] = [makeTree({ a: 'mine!' }), makeTree({ a: 'yours' })];
  const [store, foreign] = [new MemoryStore(), new MemoryStore()];
  const { manifestKey } = await exportTree(mine, store);
  const theirs = await exportTree(other, foreign);
  const folder = temporaryFolder();
  for (const kind of ['packs/', 'pages/', 'manifests/']) {
    const [key] = keysOf(store, kind);
    const [from] = keysOf(foreign, kind);
    const swapped = withObject(store, key!, foreign.objects.get(from!)!);
    assert.ok((await verifyArchive({ store: swapped, readData: true })).findings.length > 0, kind);
    assert.equal(await restores(swapped, manifestKey, { a: 'mine!' }, folder), false, kind);
  }
  // Whole and under its own name it is another point, with the name of another moment: nothing of ours is replaced.
  for (const [key, body] of foreign.objects) store.objects.set(key, body);
  await assertRestores(store, manifestKey, mine);
  assert.notEqual(theirs.manifestKey, manifestKey);
});

test('[case 30] a format of the future is refused clearly, by number', async () => {
  for (const [formatVersion, shown] of [
    [2, '2'],
    [0, '0'],
    ['1', '1'],
    [undefined, 'undefined'],
  ] as const) {
    const { store, manifestKey } = plant(new MemoryStore(), { formatVersion });
    const target = join(temporaryFolder(), 'x');
    await assert.rejects(
      restorePoint({ store, manifestKey, target, threads: 0 }),
      new RegExp(`\`formatVersion\` must be 1, got ${shown}: use the version of this tool that wrote it`),
    );
    assert.equal(existsSync(target), false);
    const [point] = await listPoints(store);
    assert.equal(point!.complete, false);
    assert.match(point!.problems[0]!, /formatVersion/);
  }
});

test('[case 31] frames of every level and setting of zstd are read', () => {
  const raw = Buffer.concat([Buffer.from('<a/>'.repeat(5_000)), noise(3_000)]);
  for (let level = -5; level <= 19; level += level < 1 ? 3 : 1) {
    for (const [checksum, pledged] of [
      [0, false],
      [1, true],
      [1, false],
    ] as const) {
      const frame = zstdCompressSync(raw, {
        params: {
          [constants.ZSTD_c_compressionLevel]: level,
          [constants.ZSTD_c_checksumFlag]: checksum,
          [constants.ZSTD_c_contentSizeFlag]: pledged ? 1 : 0,
        },
        ...(pledged ? { pledgedSrcSize: raw.length } : {}),
      });
      assert.ok(decodeFrame(frame).equals(raw), `level ${level}`);
    }
  }
  for (const size of [0, 1, 254, 255, 256, 257, 65_535, 65_536, 65_791, 65_792, 131_072, 1 << 20]) {
    const content = noise(size, size);
    assert.ok(decodeFrame(encodeFrame(content)).equals(content), String(size));
  }
});

test('[case 31] the keys of an archive are those that every reader looks for', async () => {
  const store = new MemoryStore('archives/prod/files/');
  const { manifestKey } = await exportTree(makeTree({ a: 'a', b: noise(100) }), store);
  for (const [key, body] of store.objects) {
    const name = sha256Of(body);
    assert.ok(
      [`packs/${name}.tar.zst`, `pages/${name}.jsonl.zst`, `manifests/20990105T100000.000Z-${name}.jsonl.zst`].includes(
        key,
      ),
      key,
    );
  }
  assert.ok(store.objects.has(manifestKey.slice('archives/prod/files/'.length)));
});

const names32 = fc
  .uint8Array({ minLength: 1, maxLength: 8 })
  .map((bytes) => Buffer.from(bytes))
  .filter((bytes) => !bytes.includes(0) && !bytes.includes(47) && !['.', '..'].includes(bytes.toString('latin1')));

test('[case 32] any tree, exported, changed, exported, changed: every point is its tree', async () => {
  const { chmodSync, linkSync, lstatSync, renameSync, symlinkSync, utimesSync, appendFileSync } =
    await import('node:fs');
  const step = fc.record({
    what: fc.constantFrom('write', 'write', 'mkdir', 'symlink', 'link', 'remove', 'rename', 'append', 'touch', 'chmod'),
    name: names32,
    one: fc.nat(),
    two: fc.nat(),
    content: fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.constantFrom(new Uint8Array(0), new Uint8Array(1_100_000).fill(7)),
    ),
    time: fc.integer({ min: 0, max: 4_000_000_000 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(step, { maxLength: 14 }), { minLength: 1, maxLength: 4 }), async (rounds) => {
      const folder = temporaryFolder();
      const root = join(folder, 'repository');
      mkdirSync(root);
      const store = new MemoryStore();
      const points: { readonly manifestKey: string; readonly tree: string[] }[] = [];
      for (const [round, steps] of rounds.entries()) {
        for (const { what, name, one, two, content, time } of steps) {
          const all = walk(root);
          const directories = [Buffer.from(root), ...all.filter((path) => lstatSync(path).isDirectory())];
          const files = all.filter((path) => lstatSync(path).isFile());
          const path = Buffer.concat([directories[one % directories.length]!, Buffer.from('/'), name]);
          const some = all[two % Math.max(1, all.length)];
          const someFile = files[two % Math.max(1, files.length)];
          try {
            if (what === 'write') writeFileSync(path, content, { flag: 'wx' });
            else if (what === 'mkdir') mkdirSync(path);
            else if (what === 'symlink') symlinkSync(name, path);
            else if (what === 'link' && someFile) linkSync(someFile, path);
            else if (what === 'remove' && some)
              rmSync(some.toString('latin1') === root ? '' : some, { recursive: true });
            else if (what === 'rename' && some) renameSync(some, path);
            else if (what === 'append' && someFile) appendFileSync(someFile, content);
            else if (what === 'touch' && someFile) utimesSync(someFile, time, time);
            else if (what === 'chmod' && someFile) chmodSync(someFile, [0o400, 0o644, 0o4755][one % 3]!);
          } catch (error) {
            // Not every step is possible everywhere: the same name, a directory into itself.
            if (!/EEXIST|EINVAL|ENOTEMPTY|ENOTDIR|EISDIR|ENOENT/.test(String(error))) throw error;
          }
        }
        const empty = walk(root).length === 0;
        const outcome = await exportTree(root, store, { at: hoursLater(round), fullRead: round % 3 === 2 }).catch(
          (error: Error) => error,
        );
        if (outcome instanceof Error)
          assert.ok(empty && /is empty, but the export before/.test(outcome.message), outcome.stack);
        else {
          assert.deepEqual([outcome.problems, outcome.warnings], [[], []]);
          points.push({ manifestKey: outcome.manifestKey, tree: describeTree(root) });
        }
      }
      for (const [index, { manifestKey, tree }] of points.entries()) {
        const target = join(folder, `target-${index}`);
        await restorePoint({ store, manifestKey, target, threads: 0 });
        assert.deepEqual(describeTree(target), tree);
      }
      assert.deepEqual((await verifyArchive({ store, readData: true, threads: 0 })).findings, []);
      rmSync(folder, { recursive: true });
    }),
    { numRuns: SOAK ? 300 : 40, endOnFailure: true },
  );
});

function walk(root: string | Buffer): Buffer[] {
  const at = Buffer.from(root);
  return readdirSync(at, { encoding: 'buffer', withFileTypes: true }).flatMap((entry) => {
    const path = Buffer.concat([at, Buffer.from('/'), entry.name]);
    return entry.isDirectory() ? [path, ...walk(path)] : [path];
  });
}

test('[case 28] a frame of few bytes that claims half a gigabyte takes no memory for it', () => {
  // One segment of 512 MiB less one, of which the first block is none that there is.
  const claim = Buffer.from('28b52ffda0ffffff1fffffff0000000000', 'hex');
  const before = process.memoryUsage().arrayBuffers;
  assert.throws(() => decodeFrame(claim, 512 * 1024 * 1024));
  assert.ok(process.memoryUsage().arrayBuffers - before < 8 * 1024 * 1024);
  const zeros = Buffer.alloc(9 * 1024 * 1024);
  assert.ok(decodeFrame(encodeFrame(zeros)).equals(zeros), 'what holds more than its length makes likely');
});

test('[case 32] any bytes as a manifest, a page or a frame: a typed error, soon', { timeout: 60_000 }, async () => {
  const numRuns = SOAK ? 20_000 : 400;
  const any = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    // With the magic number of zstd, so that more than the first check is reached.
    fc.uint8Array({ maxLength: 300 }).map((bytes) => Uint8Array.from([0x28, 0xb5, 0x2f, 0xfd, ...bytes])),
  );
  fc.assert(
    fc.property(any, (bytes) => {
      const body = Buffer.from(bytes);
      assert.throws(() => decodeManifest(`manifests/x-${sha256Of(body)}.jsonl.zst`, body), ArchiveDamagedError);
    }),
    { numRuns },
  );
  await fc.assert(
    fc.asyncProperty(any, async (bytes) => {
      const page = Buffer.from(bytes);
      const key = pageKey(sha256Of(page));
      const counts = { files: 1, directories: 0, symlinks: 0, hardlinks: 0, bytes: 0 };
      const { store, manifestKey } = plant(new MemoryStore(), {
        counts,
        pages: [{ key, bytes: page.length, first: 'a', counts, packs: [] }],
      });
      store.objects.set(key, page);
      await assert.rejects(readManifest(store, manifestKey), ArchiveDamagedError);
    }),
    { numRuns },
  );
  fc.assert(
    fc.property(any, (bytes) => {
      try {
        assert.ok(decodeFrame(Buffer.from(bytes)).length <= MAX_FRAME_BYTES);
      } catch (error) {
        assert.match(String((error as { code?: string }).code), /^(ZSTD_|ERR_|Z_)/);
      }
    }),
    { numRuns },
  );
});

test('[case 32] any JSON as the lines of a page: an entry that is safe, or a typed error', async () => {
  const value = fc.oneof(
    fc.jsonValue(),
    fc.constantFrom(
      '..',
      '/',
      'a/../b',
      'a',
      'a\0b',
      '',
      '.',
      'file',
      'directory',
      'hardlink',
      'symlink',
      -1,
      1e308,
      '0',
      [],
    ),
  );
  const entry = fc.record(
    {
      path: value,
      type: value,
      mode: value,
      uid: value,
      gid: value,
      mtimeNs: value,
      size: value,
      sha256: value,
      pieces: value,
      target: value,
      ctimeNs: value,
      ino: value,
    },
    { requiredKeys: [] },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(entry, { minLength: 1, maxLength: 3 }), async (entries) => {
      const { store, manifestKey } = craft([file('a', '')], {
        lines: () => entries.map((line) => `${JSON.stringify(line)}\n`).join(''),
      });
      const read = await readManifest(store, manifestKey).catch((error: unknown) => error);
      if (read instanceof Error) assert.ok(read instanceof ArchiveDamagedError, read.stack);
    }),
    { numRuns: SOAK ? 50_000 : 500 },
  );
});

test('[case 32] any field of a file in a tar header: tar reads it back', async () => {
  const { execFileSync } = await import('node:child_process');
  const member = fc.record({
    path: fc
      .string({ unit: fc.constantFrom('a', 'b', '/', '\u00e9', ' ', '\udcff'), minLength: 1, maxLength: 300 })
      .filter((path) => path.split('/').every((name) => name !== '' && name.length < 100)),
    mode: fc.integer({ min: 0, max: 0o7777 }),
    uid: fc.integer({ min: 0, max: 4_294_967_294 }),
    gid: fc.integer({ min: 0, max: 4_294_967_294 }),
    seconds: fc.integer({ min: -2_000_000_000, max: 9_000_000_000 }),
  });
  fc.assert(
    fc.property(fc.array(member, { minLength: 1, maxLength: 20 }), (members) => {
      const tar = Buffer.concat([
        ...members.map(({ seconds, ...rest }) =>
          tarHeader({ ...rest, size: 0, mtimeNs: BigInt(seconds) * 1_000_000_000n }),
        ),
        Buffer.alloc(1024),
      ]);
      const listed = execFileSync(
        'tar',
        ['-tvf', '-', '--numeric-owner', '--full-time', '--utc', '--quoting-style=literal'],
        {
          input: tar,
          stdio: ['pipe', 'pipe', 'ignore'],
        },
      )
        .toString()
        .slice(0, -1)
        .split('\n');
      assert.equal(listed.length, members.length);
      for (const [index, { uid, gid, seconds, path }] of members.entries()) {
        const line = listed[index]!;
        assert.ok(line.includes(` ${uid}/${gid} `), line);
        assert.ok(line.includes(new Date(seconds * 1000).toISOString().slice(0, 19).replace('T', ' ')), line);
        assert.ok(line.endsWith(path.replaceAll('\udcff', '%FF')), line);
      }
    }),
    { numRuns: SOAK ? 500 : 15 },
  );
});

test('memory is given back, but never what Node shares among small buffers, whose size differs from version to version', () => {
  const own = Buffer.from(new ArrayBuffer(100_000));
  release(own);
  release(own);
  assert.equal(own.length, 0);
  release(own);
  const pool = new ArrayBuffer(Buffer.poolSize + 64);
  markAsUntransferable(pool);
  for (const shared of [Buffer.from(pool, 64, 10).fill(7), Buffer.allocUnsafe(10).fill(7)]) {
    release(shared);
    assert.deepEqual(shared, Buffer.alloc(10, 7));
  }
});

test('damage, through the commands: verify answers 1, restore fails with 2, and both name the key', async () => {
  s3.bucket('damaged');
  const root = makeTree({ a: noise(5_000), 'd/b': 'b' });
  assert.equal((await command(s3, 'export', root, 's3://damaged/x')).status, 0);
  const [pack] = s3.bucket('damaged').keys('x/packs/');
  s3.bucket('damaged').damage(pack!, (body) => body.fill(0, 1_000, 1_001));
  const verified = await command(s3, 'verify', 's3://damaged/x', '--read-data');
  assert.equal(verified.status, 1);
  assert.ok(verified.stdout.includes(pack!));
  const folder = temporaryFolder();
  const restored = await command(s3, 'restore', 's3://damaged/x', join(folder, 'r'));
  assert.equal(restored.status, 2);
  assert.ok(restored.stderr.includes(pack!), restored.stderr);
  assert.deepEqual(readdirSync(folder), []);
});

test('an untouched archive: every one of these checks is silent', async () => {
  const { root, store, manifestKey, first } = await smallArchive();
  assert.deepEqual((await verifyArchive({ store, readData: true })).findings, []);
  assertSameTree(await restoreTree(store, manifestKey), root);
  assert.deepEqual(contentsOf(await restoreTree(store, first)), {
    'd/old': 'content of old',
    'd/too': 'content of too',
    empty: '',
  });
  assert.deepEqual(decodeFrame(store.objects.get(keysOf(store, 'pages/')[0]!)!).at(-1), 10);
  assert.equal(craft([directory('d')]).store.objects.size, 2);
});
