/** What a restore must not do, and what must be as it was: rows 49 to 56. */
import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import {
  ArchiveDamagedError,
  ArchiveError,
  MemoryStore,
  pageKey,
  readHeader,
  readManifest,
  restorePoint,
} from '../../../lambda/archive';
import { addCounts } from '../../../lambda/archive/counts';
import { encodeFrame } from '../../../lambda/archive/frame';
import { command, startCommand } from './support/command';
import {
  craft,
  type Crafted,
  type CraftedEntry,
  directory,
  file,
  hardlink,
  plant,
  sha256Of,
  symlink,
} from './support/crafted';
import { assertRestores, exportTree, hoursLater, restoreTree } from './support/engine';
import { ScriptedS3 } from './support/scripted-s3';
import { assertSameTree, contentsOf, describeTree, makeTree, noise, temporaryFolder } from './support/trees';

const isRoot = process.getuid?.() === 0;
let s3: ScriptedS3;
before(async () => {
  s3 = await ScriptedS3.start();
});
after(() => s3.stop());

test('[case 49] manifests that lead outside, through links or into twins: refused, and the victim is as it was', async () => {
  const rows: [string, readonly CraftedEntry[]][] = [
    ['..', [file('..')]],
    ['../victim', [file('../victim/owned')]],
    ['inside ..', [directory('d'), file('d/../../victim/owned')]],
    ['absolute', [file('/tmp/owned')]],
    ['drive', [directory('C:'), file('C:/../../victim/owned')]],
    ['backslash is a name, .. is not', [file('a\\..'), file('b/../..')]],
    ['dot', [file('./a')]],
    ['double slash', [directory('d'), file('d//a')]],
    ['trailing slash', [directory('d'), file('d/')]],
    ['NUL', [file('a\0b')]],
    ['symlink, then a file through it', [symlink('l', '../victim'), file('l/owned')]],
    ['symlink, then a directory in its place', [symlink('l', '../victim'), directory('l'), file('l/owned')]],
    [
      'directory, then a symlink in its place, then a file',
      [directory('l'), symlink('l', '../victim'), file('l/owned')],
    ],
    ['file, then something in it', [file('f'), file('f/owned')]],
    ['hard link to outside', [hardlink('h', '../victim/secret')]],
    ['hard link to an absolute path', [hardlink('h', '/etc/passwd')]],
    ['hard link to a symlink', [symlink('a', '../victim/secret'), hardlink('h', 'a')]],
    ['hard link through a symlink', [symlink('a', '../victim'), hardlink('h', 'a/secret')]],
    ['hard link to a directory', [directory('a'), hardlink('h', 'a')]],
    ['hard link to what comes later', [hardlink('a', 'b'), file('b')]],
    ['hard link to itself', [hardlink('a', 'a')]],
    ['sibling with the same beginning', [file('../restored2/owned')]],
    ['twice', [file('a'), file('a')]],
    ['file over a symlink of the same name', [symlink('a', '../victim/secret'), file('a')]],
    ['device', [{ path: 'a', type: 'device' }]],
    ['mode with a type', [file('a', 'x', { mode: 0o120777 })]],
  ];
  for (const [what, entries] of rows) {
    const folder = temporaryFolder();
    makeTree({ secret: 'secret' }, join(folder, 'victim'));
    makeTree({ 'restored2/mine': 'mine' }, folder);
    const before = describeTree(folder);
    const { store, manifestKey } = craft(entries);
    for (const keepGoing of [false, true]) {
      const target = join(folder, 'restored');
      const outcome = await restorePoint({ store, manifestKey, target, keepGoing, threads: 0 }).catch(
        (error: unknown) => error,
      );
      if (outcome instanceof Error) assert.ok(outcome instanceof ArchiveDamagedError, `${what}: ${outcome.stack}`);
      else {
        assert.ok(keepGoing, `${what}: restored`);
        // What is no file of the point is named and left out.
        assert.ok((outcome as { damages: unknown[] }).damages.length > 0, what);
        assert.equal(existsSync(join(target, 'h')), false, what);
        rmSync(target, { recursive: true });
      }
      // The folder's own time is that of the target which came and went.
      assert.deepEqual(describeTree(folder).slice(1), before.slice(1), what);
    }
  }
});

test('[case 49] a page that was lost on purpose opens no way through a link', async () => {
  for (const order of ['lost first', 'lost between']) {
    const folder = temporaryFolder();
    makeTree({ secret: 'secret' }, join(folder, 'victim'));
    const one = craft([symlink('l', '../victim')]);
    const two = craft([symlink('l/owned', '/etc/passwd'), directory('l/owned.d')]);
    const both = craft([symlink('l', '../victim'), symlink('l/owned', '/etc/passwd')]);
    const lost = { key: pageKey('0'.repeat(64)), bytes: 10, packs: [] };
    const pageOf = async ({ store, manifestKey }: Crafted) => (await readHeader(store, manifestKey)).pages[0]!;
    const count = { files: 0, directories: 1, symlinks: 0, hardlinks: 0, bytes: 0 };
    const pages =
      order === 'lost first'
        ? [{ ...lost, first: 'a', counts: count }, await pageOf(both)]
        : [await pageOf(one), { ...lost, first: 'l-', counts: count }, await pageOf(two)];
    const counts = pages.map((page) => page.counts).reduce(addCounts);
    const store = new MemoryStore('', new Map([...one.store.objects, ...two.store.objects, ...both.store.objects]));
    const { manifestKey } = plant(store, { counts, pages });
    const target = join(folder, 'restored');
    const outcome = await restorePoint({ store, manifestKey, target, keepGoing: true, threads: 0 });
    assert.equal(outcome.damages.length, 2, order);
    assert.deepEqual(readdirSync(join(folder, 'victim')), ['secret'], order);
  }
});

test('[case 49] links that lead outside are made as what they are, and nothing goes through them', async () => {
  const folder = temporaryFolder();
  makeTree({ secret: 'secret' }, join(folder, 'victim'));
  const { store, manifestKey } = craft([file('a'), symlink('l', '../victim'), symlink('m', '/etc/passwd')]);
  const target = join(folder, 'restored');
  await restorePoint({ store, manifestKey, target, threads: 0 });
  assert.deepEqual(contentsOf(target), { a: 'content' });
  assert.ok(lstatSync(join(target, 'l')).isSymbolicLink());
  assert.deepEqual(contentsOf(join(folder, 'victim')), { secret: 'secret' });
  // Its owner is that of the victim still, and its time.
  assert.equal(statSync(join(folder, 'victim/secret')).mode & 0o777, 0o644);
});

test('[case 50] a link that is in the target before the restore: no path is written through it', async () => {
  for (const link of ['d', 'd/e', 'd/e/f']) {
    const folder = temporaryFolder();
    makeTree({ 'f/x': 'victim', x: 'victim', 'e/f/x': 'victim' }, join(folder, 'victim'));
    const root = makeTree({ 'd/e/f/x': 'restored', 'd/e/y': 'restored' });
    const store = new MemoryStore();
    const { manifestKey } = await exportTree(root, store);
    const target = join(folder, 'target');
    mkdirSync(join(target, link, '..'), { recursive: true });
    symlinkSync(join(folder, 'victim'), join(target, link));
    const before = describeTree(folder);
    for (const path of ['d/e/f/x', 'd/e/f']) {
      if (path === link) continue;
      await assert.rejects(
        restorePoint({ store, manifestKey, target, paths: [path], replace: true, threads: 0 }),
        (error) => error instanceof ArchiveError && /is a symbolic link/.test(error.message),
        `${link}: ${path}`,
      );
      assert.deepEqual(names(describeTree(folder)), names(before), `${link}: ${path}`);
      assert.deepEqual(contentsOf(join(folder, 'victim')), { 'f/x': 'victim', x: 'victim', 'e/f/x': 'victim' });
    }
    // What is replaced may be a link itself: it is moved aside, not followed.
    const { replaced } = await restorePoint({ store, manifestKey, target, paths: [link], replace: true, threads: 0 });
    assert.equal(replaced.length, 1);
    assert.ok(lstatSync(replaced[0]!.keptAt).isSymbolicLink());
    assert.deepEqual(contentsOf(join(folder, 'victim')), { 'f/x': 'victim', x: 'victim', 'e/f/x': 'victim' });
  }
});

/** Without times: of directories in which something came and went. */
const names = (lines: readonly string[]) => lines.map((line) => line.split(' ').slice(0, 2).join(' '));

test('[case 50] the target itself is a link: refused, or moved aside as the link that it is', async () => {
  const folder = temporaryFolder();
  makeTree({ mine: 'mine' }, join(folder, 'victim'));
  symlinkSync('victim', join(folder, 'target'));
  symlinkSync('nowhere', join(folder, 'dangling'));
  const { store, manifestKey } = craft([file('a')]);
  for (const name of ['target', 'dangling']) {
    const target = join(folder, name);
    await assert.rejects(restorePoint({ store, manifestKey, target, threads: 0 }), /the target must not exist yet/);
    const { replaced } = await restorePoint({ store, manifestKey, target, replace: true, threads: 0 });
    assert.ok(lstatSync(replaced[0]!.keptAt).isSymbolicLink());
    assert.deepEqual(contentsOf(target), { a: 'content' });
  }
  assert.deepEqual(contentsOf(join(folder, 'victim')), { mine: 'mine' });
});

test('[case 51] over what is there: refused; with replace the old is kept; a failure leaves it whole', async () => {
  const folder = temporaryFolder();
  const target = join(folder, 'target');
  makeTree({ a: 'mine', 'd/b': 'mine', only: 'mine' }, target);
  const before = describeTree(target);
  const root = makeTree({ a: 'new', 'd/b': 'new', large: noise(2_500_000) });
  const store = new MemoryStore();
  const { manifestKey } = await exportTree(root, store);
  await assert.rejects(restorePoint({ store, manifestKey, target, threads: 0 }), /the target must not exist yet/);
  assert.deepEqual(describeTree(target), before);
  // Damaged: nothing is touched, whatever was restored by then.
  const [pack] = [...store.objects.keys()].filter((key) => key.startsWith('packs/'));
  const broken = new MemoryStore('', new Map(store.objects));
  broken.objects.set(pack!, Buffer.from(store.objects.get(pack!)!).fill(0, 1_000_000, 1_000_100));
  for (const paths of [undefined, ['d', 'large'], ['large']]) {
    await assert.rejects(
      restorePoint({ store: broken, manifestKey, target, replace: true, threads: 0, ...(paths ? { paths } : {}) }),
      ArchiveDamagedError,
    );
    assert.deepEqual(describeTree(target).slice(1), before.slice(1));
    assert.deepEqual(readdirSync(folder), ['target']);
  }
  const { replaced } = await restorePoint({ store, manifestKey, target, replace: true, threads: 0 });
  assertSameTree(target, root);
  assert.equal(replaced.length, 1);
  assert.deepEqual(contentsOf(replaced[0]!.keptAt), { a: 'mine', 'd/b': 'mine', only: 'mine' });
  // A second time: what was kept is not overwritten.
  const again = await restorePoint({ store, manifestKey, target, replace: true, threads: 0 });
  assert.notEqual(again.replaced[0]!.keptAt, replaced[0]!.keptAt);
  assert.deepEqual(contentsOf(replaced[0]!.keptAt), { a: 'mine', 'd/b': 'mine', only: 'mine' });
});

test('[case 52] one file of many is damaged: not a success, and it is named; nothing restored is none either', async () => {
  s3.bucket('one');
  const root = makeTree({ a: noise(700_000, 1), b: noise(700_000, 2), c: 'c' });
  assert.equal((await command(s3, 'export', root, 's3://one/x')).status, 0);
  const [manifestKey] = s3.bucket('one').keys('x/manifests/');
  const { entries } = await readManifest(s3.store('one', 'x/'), manifestKey!);
  const a = entries.find((entry) => entry.path === 'a');
  assert.ok(a?.type === 'file');
  const at = a.pieces[0]!.offset + 1_000;
  s3.bucket('one').damage(`x/packs/${a.pieces[0]!.pack}.tar.zst`, (body) => body.fill(0, at, at + 100));
  const folder = temporaryFolder();
  const strict = await command(s3, 'restore', 's3://one/x', join(folder, 'strict'));
  assert.equal(strict.status, 2);
  assert.match(strict.stderr, /packs\/.*: a\n/);
  assert.deepEqual(readdirSync(folder), []);
  const lenient = await command(s3, 'restore', 's3://one/x', join(folder, 'lenient'), '--keep-going', '--json');
  assert.equal(lenient.status, 3);
  const { files, damages } = JSON.parse(lenient.stdout) as { files: number; damages: { path: string }[] };
  assert.equal(files, 2);
  assert.deepEqual(
    damages.map(({ path }) => path),
    ['a'],
  );
  assert.deepEqual(Object.keys(contentsOf(join(folder, 'lenient'))), ['b', 'c']);
  for (const args of [
    ['restore', 's3://one/none', join(folder, 'none')],
    ['restore', 's3://one/x', join(folder, 'none'), '--path', 'nope'],
    ['restore', 's3://one/x', join(folder, 'none'), '--at', '2001-01-01T00:00:00Z'],
  ]) {
    const { status, stderr } = await command(s3, ...args);
    assert.equal(status, 2, args.join(' '));
    assert.match(stderr, /no point|does not hold/);
  }
  assert.equal(existsSync(join(folder, 'none')), false);
});

test('[case 53] read-only directories, set-id bits, times of directories and owners are as they were', async () => {
  const root = makeTree({ 'closed/inner/x': 'x', 'closed/y': 'y', suid: 'x', sgid: 'x', sticky: {}, none: 'x' });
  if (isRoot) chownSync(join(root, 'suid'), 1000, 1001);
  for (const [path, mode] of [
    ['suid', 0o4755],
    ['sgid', 0o2750],
    ['sticky', 0o1777],
    ['none', 0o000],
    ['closed/inner', 0o500],
    ['closed', 0o555],
  ] as const) {
    utimesSync(join(root, path), 1_000_000_000, 1_000_000_000);
    chmodSync(join(root, path), mode);
  }
  utimesSync(join(root, 'closed'), 999_999_999, 999_999_999);
  utimesSync(root, 1_111_111_111, 1_111_111_111);
  const store = new MemoryStore();
  const { manifestKey } = await exportTree(root, store);
  for (const threads of [0, 2]) {
    const restored = await restoreTree(store, manifestKey, { threads });
    assertSameTree(restored, root);
    assert.equal(statSync(join(restored, 'suid')).mode & 0o7777, 0o4755);
    assert.equal(Math.floor(statSync(join(restored, 'closed')).mtimeMs), 999_999_999_000);
  }
});

test(
  '[case 54] as a user who may not give files away: everything is there, and whose it was is said',
  { skip: !isRoot && 'needs root' },
  async () => {
    s3.bucket('user');
    const root = makeTree({ 'd/a': { content: 'a', uid: 1234 }, b: 'b', l: { link: 'b' } });
    chmodSync(join(root, 'd'), 0o555);
    await exportTree(root, s3.store('user', 'x/'));
    const folder = temporaryFolder();
    chownSync(folder, 65_534, 65_534);
    const target = join(folder, 'restored');
    const { status, stdout, stderr } = await startCommand(s3, ['restore', 's3://user/x', target], 65_534).ended;
    assert.equal(status, 0, stderr);
    assert.match(stdout, /warning: d\/a: the owner is 65534:65534, was 1234:1234/);
    assert.match(stdout, /warning: b: the owner is 65534:65534, was 0:0/);
    assert.deepEqual(contentsOf(target), { b: 'b', 'd/a': 'a' });
    assert.equal(statSync(join(target, 'd')).mode & 0o777, 0o555);
    assert.equal(statSync(join(target, 'd/a')).uid, 65_534);
    // The same again over it: what it made itself it can move aside, with its read-only directory.
    const again = await startCommand(s3, ['restore', 's3://user/x', target, '--replace'], 65_534).ended;
    assert.equal(again.status, 0, again.stderr);
  },
);

test('[case 55] bombs: no frame, page or manifest decodes to more than its bound, and it is said which', async () => {
  const zeros = encodeFrame(Buffer.alloc(300 * 1024 * 1024));
  assert.ok(zeros.length < 100_000);
  // A page.
  const counts = { files: 1, directories: 0, symlinks: 0, hardlinks: 0, bytes: 0 };
  const key = pageKey(sha256Of(zeros));
  const { store, manifestKey } = plant(new MemoryStore(), {
    counts,
    pages: [{ key, bytes: zeros.length, first: 'a', counts, packs: [] }],
  });
  store.objects.set(key, zeros);
  const target = join(temporaryFolder(), 'x');
  await assert.rejects(restorePoint({ store, manifestKey, target, threads: 0 }), /pages\/.*cannot be decompressed/);
  // A frame with a content that begins as the manifest says.
  const bomb = encodeFrame(Buffer.concat([Buffer.alloc(512), Buffer.from('content'), Buffer.alloc(17 * 1024 * 1024)]));
  const pack = sha256Of(bomb);
  const piece = { pack, offset: 0, length: bomb.length, skip: 512, size: 7 };
  const own = craft([{ ...file('a', ''), size: 7, sha256: sha256Of('content'), pieces: [piece] }], {
    header: { packs: [{ key: `packs/${pack}.tar.zst`, bytes: bomb.length, contentBytes: 7, crc32: 0 }] },
    page: { packs: [0] },
  });
  own.store.objects.set(`packs/${pack}.tar.zst`, bomb);
  await assert.rejects(restorePoint({ ...own, target, threads: 0 }), /packs\/.*cannot be decoded/);
  // A size that the counts do not have, and more entries than they say.
  for (const change of [
    { lines: (text: string) => text.replace('"size":7', '"size":7000000000000') },
    {
      page: { counts: { ...counts, bytes: 7 }, packs: [] },
      header: { counts: { ...counts, bytes: 7 } },
      lines: (text: string) => text.repeat(1).replace('"a"', '"b"'),
    },
  ]) {
    const crafted = craft([file('a')], change);
    await assert.rejects(restorePoint({ ...crafted, target, threads: 0 }), ArchiveDamagedError);
  }
  assert.equal(existsSync(target), false);
});

test("[case 56] what an interrupted restore has left is in nobody's way: the next one gives the same tree", async () => {
  const root = makeTree({ 'd/a': noise(700_000), b: 'b', l: { link: 'b' }, 'd/h': { hard: 'b' } });
  const store = new MemoryStore();
  const { manifestKey } = await exportTree(root, store);
  // Every request of the restore fails for ever, one after the other.
  for (let failing = 1; ; failing += 1) {
    const folder = temporaryFolder();
    const target = join(folder, 'target');
    let request = 0;
    const scripted = new Proxy(store, {
      get(object, name: keyof MemoryStore) {
        const value = object[name];
        if (name !== 'get') return value;
        return async (...args: Parameters<MemoryStore['get']>) => {
          request += 1;
          if (request === failing) throw new ArchiveError('scripted');
          return object.get(...args);
        };
      },
    });
    const outcome = await restorePoint({ store: scripted, manifestKey, target, threads: 0 }).catch(
      (error: Error) => error,
    );
    if (!(outcome instanceof Error)) {
      assert.ok(failing > 3, `only ${failing} requests`);
      break;
    }
    assert.deepEqual(readdirSync(folder), [], 'the target is as it was, and nothing is beside it');
    await restorePoint({ store, manifestKey, target, threads: 0 });
    assertSameTree(target, root);
  }
  // One that was killed could not clean up.
  const folder = temporaryFolder();
  makeTree({ 'd/half': 'half' }, join(folder, '.target.restoring-0123456789ab'));
  await restorePoint({ store, manifestKey, target: join(folder, 'target'), threads: 0 });
  assertSameTree(join(folder, 'target'), root);
});

test('the tree of any earlier point comes back after later ones', async () => {
  const root = makeTree({ a: 'one', 'd/b': 'b' });
  const store = new MemoryStore();
  const trees: [string, string[]][] = [];
  for (const hour of [0, 1, 2, 3]) {
    writeFileSync(join(root, 'a'), `hour ${hour}`);
    writeFileSync(join(root, `d/new-${hour}`), 'b');
    trees.push([(await exportTree(root, store, { at: hoursLater(hour) })).manifestKey, describeTree(root)]);
  }
  for (const [manifestKey, tree] of trees) assert.deepEqual(describeTree(await restoreTree(store, manifestKey)), tree);
  await assertRestores(store, trees.at(-1)![0], root);
  assert.equal(readFileSync(join(await restoreTree(store, trees[1]![0]), 'a'), 'utf8'), 'hour 1');
});
