/** What a volume can do to an export while it is read, and what it can hold: rows 1 to 21. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  closeSync,
  ftruncateSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type ExportOutcome, listPoints, MemoryStore, readManifest, verifyArchive } from '../../../lambda/archive';
import { startCommand } from './support/command';
import { assertRestores, daysLater, exportTree, hoursLater, restoreTree } from './support/engine';
import { fail, failing, faultyVolume } from './support/faulty-volume';
import { ScriptedS3 } from './support/scripted-s3';
import { assertSameTree, contentsOf, describeTree, makeTree, noise, temporaryFolder, without } from './support/trees';
import { SOAK } from '../../soak';

const isRoot = process.getuid?.() === 0;
let s3: ScriptedS3;
before(async () => {
  s3 = await ScriptedS3.start();
});
after(() => s3.stop());

const problemsOf = ({ problems }: ExportOutcome) => problems.map(({ path }) => path);
const warningsOf = ({ warnings }: ExportOutcome) => warnings.map(({ path }) => path);

test('[case 1] a file that shrinks each time it is read is named unstable; one that shrinks once is right; all others are', async () => {
  for (const [what, bytes] of [
    ['small', 4_000],
    ['large', 2_500_000],
  ] as const) {
    const root = makeTree({ a: 'before', moving: noise(bytes), once: noise(bytes, 2), z: 'after' });
    let shrunk = false;
    const volume = faultyVolume(root, {
      read: (path, position) => {
        if (position > 0) return;
        if (path === 'moving') truncateSync(join(root, path), statSync(join(root, path)).size - 100);
        if (path === 'once' && !shrunk) {
          shrunk = true;
          truncateSync(join(root, path), 50);
        }
      },
    });
    const store = new MemoryStore();
    const outcome = await exportTree(root, store, { volume });
    assert.deepEqual(problemsOf(outcome), ['moving'], what);
    assert.match(outcome.problems[0]!.reason, /^unstable: changed during each of 3 attempts/);
    const restored = await restoreTree(store, outcome.manifestKey);
    assert.equal(statSync(join(restored, 'moving')).size, bytes - 300, 'as the last attempt read it, not zero bytes');
    assert.deepEqual(without(describeTree(restored), 'moving'), without(describeTree(root), 'moving'), what);
    assert.deepEqual((await verifyArchive({ store, readData: true })).findings, []);
    // Next time it holds still.
    const next = await exportTree(root, store, { at: hoursLater(1) });
    assert.deepEqual(next.problems, []);
    await assertRestores(store, next.manifestKey, root);
  }
});

test('[case 2] a file that grows while it is read is there with a length that it had, and named', async () => {
  const root = makeTree({ a: 'before', log: 'line\n'.repeat(100), large: noise(2_200_000), z: 'after' });
  const volume = faultyVolume(root, {
    read: (path) => {
      if (path === 'log' || path === 'large') appendFileSync(join(root, path), 'line\n');
    },
  });
  const store = new MemoryStore();
  const outcome = await exportTree(root, store, { volume });
  assert.deepEqual(problemsOf(outcome), ['large', 'log']);
  const restored = await restoreTree(store, outcome.manifestKey);
  assert.equal(readFileSync(join(restored, 'log'), 'utf8'), 'line\n'.repeat(102));
  const large = readFileSync(join(restored, 'large'));
  assert.ok(large.length >= 2_200_000, 'nothing of it is lost');
  assert.ok(large.equals(readFileSync(join(root, 'large')).subarray(0, large.length)));
  assert.deepEqual(without(describeTree(restored), 'log', 'large'), without(describeTree(root), 'log', 'large'));
});

test('[case 3] files and directories vanish after they were listed: a warning each, and what comes next is right', async () => {
  const root = makeTree({
    'a/1': 'one',
    'a/2': 'two',
    'a/3': 'three',
    'b/gone/deep/x': 'x',
    'b/stays/y': 'y',
    'c/link': { link: 'nowhere' },
    'c/z': 'z',
  });
  const vanish = (path: string) => rmSync(join(root, path), { recursive: true, force: true });
  const volume = faultyVolume(root, {
    stat: (path) => {
      if (path === 'a/1') vanish('a/2');
    },
    readDirectory: (path) => {
      if (path === 'b/gone') vanish('b/gone');
    },
    readLink: (path) => vanish(path),
    open: (path) => {
      if (path === 'a/1') vanish('a/1');
    },
  });
  const store = new MemoryStore();
  const outcome = await exportTree(root, store, { volume });
  assert.deepEqual(outcome.problems, []);
  assert.deepEqual(
    outcome.warnings.map(({ path, reason }) => `${path}: ${reason}`),
    ['a/1', 'a/2', 'b/gone', 'c/link'].map((path) => `${path}: vanished during the export`),
  );
  const restored = await restoreTree(store, outcome.manifestKey);
  assert.deepEqual(contentsOf(restored), { 'a/3': 'three', 'b/stays/y': 'y', 'c/z': 'z' });
});

test('[case 4] a file that becomes a link, a directory or a FIFO before it is opened is refused, and so is what a link leads to', async () => {
  const outside = makeTree({ secret: 'secret', 'inner/secret': 'secret' });
  const swaps: [string, (at: string) => void][] = [
    ['link to a file', (at) => symlinkSync(join(outside, 'secret'), at)],
    ['directory', (at) => mkdirSync(at)],
    ['FIFO', (at) => void execFileSync('mkfifo', [at])],
  ];
  for (const [what, swap] of swaps) {
    const root = makeTree({ a: 'a', swapped: 'plain', z: 'z' });
    const volume = faultyVolume(root, {
      open: (path) => {
        if (path !== 'swapped' || !lstatSync(join(root, path)).isFile()) return;
        rmSync(join(root, path));
        swap(join(root, path));
      },
    });
    const store = new MemoryStore();
    const outcome = await exportTree(root, store, { volume });
    assert.deepEqual(problemsOf(outcome), ['swapped'], what);
    assert.deepEqual(contentsOf(await restoreTree(store, outcome.manifestKey)), { a: 'a', z: 'z' }, what);
  }
});

test('[case 4] a directory that becomes a link before it is listed is not followed', async () => {
  const outside = makeTree({ secret: 'secret' });
  const root = makeTree({ 'd/x': 'x', z: 'z' });
  const volume = faultyVolume(root, {
    readDirectory: (path) => {
      if (path !== 'd') return;
      renameSync(join(root, 'd'), join(outside, 'd'));
      symlinkSync(outside, join(root, 'd'));
    },
  });
  const store = new MemoryStore();
  const outcome = await exportTree(root, store, { volume });
  assert.deepEqual(problemsOf(outcome), ['d']);
  assert.deepEqual(contentsOf(await restoreTree(store, outcome.manifestKey)), { z: 'z' });
});

test('[case 5] the same size and mtime, another content: exported again, since the change time tells', async () => {
  const root = makeTree({ a: { content: 'one', mtime: 1_700_000_000 }, b: 'b' });
  const store = new MemoryStore();
  await exportTree(root, store);
  writeFileSync(join(root, 'a'), 'two');
  utimesSync(join(root, 'a'), 1_700_000_000, 1_700_000_000);
  const { manifestKey, filesRead } = await exportTree(root, store, { at: hoursLater(1) });
  assert.equal(filesRead, 1);
  await assertRestores(store, manifestKey, root);
  // Another file that took its place with the same size and times is another inode.
  writeFileSync(join(root, 'new'), 'six');
  utimesSync(join(root, 'new'), 1_700_000_000, 1_700_000_000);
  renameSync(join(root, 'new'), join(root, 'a'));
  const renamed = await exportTree(root, store, { at: hoursLater(2) });
  await assertRestores(store, renamed.manifestKey, root);
});

test('[case 5] content that changed though every time is the same is found by the periodic full read, and said', async () => {
  const root = makeTree({ a: 'right', b: 'b' });
  const store = new MemoryStore();
  const first = await exportTree(root, store);
  const frozen = lstatSync(join(root, 'a'), { bigint: true });
  writeFileSync(join(root, 'a'), 'wrong');
  // As if the change had left no trace: damage of a disk.
  const volume = faultyVolume(root, {
    answers: {
      stat: (path, stat) => (path === 'a' ? { ...stat, mtimeNs: frozen.mtimeNs, ctimeNs: frozen.ctimeNs } : stat),
    },
  });
  const unread = await exportTree(root, store, { volume, at: hoursLater(1) });
  assert.equal(unread.filesRead, 0);
  const full = await exportTree(root, store, { volume, at: daysLater(7) });
  assert.deepEqual(warningsOf(full), ['a']);
  assert.match(full.warnings[0]!.reason, /silent damage/);
  assert.deepEqual(contentsOf(await restoreTree(store, full.manifestKey)), { a: 'wrong', b: 'b' });
  assert.deepEqual(contentsOf(await restoreTree(store, first.manifestKey)), { a: 'right', b: 'b' });
});

test('[case 6] a file that changes twice within one tick of the clock around its export is read again by the next', async () => {
  const root = makeTree({ a: 'one' });
  const store = new MemoryStore();
  const now = new Date();
  await exportTree(root, store, { at: now });
  const stat = lstatSync(join(root, 'a'), { bigint: true });
  writeFileSync(join(root, 'a'), 'two');
  const volume = faultyVolume(root, {
    answers: { stat: (path, own) => (path === 'a' ? { ...own, mtimeNs: stat.mtimeNs, ctimeNs: stat.ctimeNs } : own) },
  });
  const second = await exportTree(root, store, { volume, at: new Date(now.getTime() + 60_000) });
  assert.deepEqual(contentsOf(await restoreTree(store, second.manifestKey)), { a: 'two' });
});

test('[case 7] another device number and other inodes after a mount: everything is read, nothing is stored again', async () => {
  const root = makeTree({ a: 'a', 'd/large.jar': noise(2_500_000), 'd/link': { hard: 'a' } });
  const store = new MemoryStore();
  await exportTree(root, store);
  const objects = () => [...store.objects.keys()].filter((key) => key.startsWith('packs/')).length;
  const packs = objects();
  const remounted = faultyVolume(root, {
    answers: { stat: (_, stat) => ({ ...stat, ino: stat.ino + 1_000_000n, dev: stat.dev + 7n }) },
  });
  const second = await exportTree(root, store, { volume: remounted, at: hoursLater(1) });
  assert.equal(second.filesRead, 2);
  assert.equal(objects(), packs);
  await assertRestores(store, second.manifestKey, root);
  // The device alone says nothing about the files.
  const device = faultyVolume(root, {
    answers: { stat: (_, stat) => ({ ...stat, ino: stat.ino + 1_000_000n, dev: stat.dev + 8n }) },
  });
  const third = await exportTree(root, store, { volume: device, at: hoursLater(2) });
  assert.equal(third.filesRead, 0);
  // The inode stays and the content does not: it is not taken for unchanged.
  writeFileSync(join(root, 'a'), 'b');
  const fourth = await exportTree(root, store, { volume: device, at: hoursLater(3) });
  await assertRestores(store, fourth.manifestKey, root);
});

test('[case 8] hard links: content once, one inode after a restore, no link before its file', async () => {
  const root = makeTree({
    'z/first': noise(30_000),
    'a/second': { hard: 'z/first' },
    'm/third': { hard: 'z/first' },
    other: noise(30_000, 2),
    'a/other': { hard: 'other' },
  });
  const store = new MemoryStore();
  const outcome = await exportTree(root, store);
  assert.equal(outcome.counts.files, 2);
  assert.equal(outcome.counts.hardlinks, 3);
  assert.equal(outcome.filesRead, 2);
  const { entries } = await readManifest(store, outcome.manifestKey);
  const seen = new Set<string>();
  for (const entry of entries) {
    if (entry.type === 'hardlink') assert.ok(seen.has(entry.target), `${entry.path} before ${entry.target}`);
    if (entry.type === 'file') seen.add(entry.path);
  }
  await assertRestores(store, outcome.manifestKey, root);
  // The first name goes away: another one carries the content then. A new one comes.
  rmSync(join(root, 'a/second'));
  linkSync(join(root, 'z/first'), join(root, '0'));
  const second = await exportTree(root, store, { at: hoursLater(1) });
  await assertRestores(store, second.manifestKey, root);
  // All but one go away.
  for (const name of ['0', 'm/third', 'a/other']) rmSync(join(root, name));
  const third = await exportTree(root, store, { at: hoursLater(2) });
  assert.equal(third.counts.hardlinks, 0);
  await assertRestores(store, third.manifestKey, root);
  // The link apart from its file, and two links of a file that was not asked for.
  const target = await restoreTree(store, second.manifestKey, { paths: ['m', 'z'] });
  assert.equal(statSync(join(target, 'm/third')).ino, statSync(join(target, 'z/first')).ino);
  assert.ok(readFileSync(join(target, 'm/third')).equals(noise(30_000)));
});

test('[case 9] NFC and NFD twins, and case twins, in one directory are each their own', async () => {
  const root = makeTree({
    '\u00e9': 'NFC',
    'e\u0301': 'NFD',
    A: 'upper',
    a: 'lower',
    '\u00c5/x': '1',
    'A\u030a/x': '2',
  });
  const store = new MemoryStore();
  const outcome = await exportTree(root, store);
  assert.equal(outcome.counts.files, 6);
  await assertRestores(store, outcome.manifestKey, root);
  const second = await exportTree(root, store, { at: hoursLater(1) });
  assert.equal(second.filesRead, 0);
  await assertRestores(store, second.manifestKey, root);
});

/** Names that a file system allows and that something on the way may not. */
const ODD_NAMES: readonly Buffer[] = [
  ...[
    '\n',
    'a\nb',
    'a\tb',
    '\\',
    'a\\nb',
    '"',
    "'",
    '=',
    '[',
    '#',
    ' leading',
    'trailing ',
    '-rf',
    '--',
    '*',
    '?',
    '~',
    '...',
    '.hidden',
  ],
  ...[
    '%41',
    '%',
    '\u{1f600}',
    '\ufeffbom',
    '\uffff',
    '\u202e',
    'a'.repeat(255),
    '\u00e9'.repeat(127),
    'name.part-00001',
  ],
  ...['"frame":1', '{"pack":"x"}', '"sha256":"', ',"unstable":true}', 'end'],
].map((name) => Buffer.from(name));
ODD_NAMES.forEach((name) => assert.ok(name.length <= 255));
const ODD_BYTES = ['ff', '80', 'c328', 'eda080', 'f0288cbc', '6180', '01', '7f', `61${'ff'.repeat(254)}`].map((hex) =>
  Buffer.from(hex, 'hex'),
);

test('[case 10] names of any bytes come back as they were: of files, of directories, of links and in their targets', async () => {
  const root = makeTree({ plain: 'x' });
  for (const name of [...ODD_NAMES, ...ODD_BYTES]) {
    const at = (folder: string, ...rest: Buffer[]) => Buffer.concat([Buffer.from(`${root}/${folder}/`), name, ...rest]);
    for (const folder of ['files', 'links']) mkdirSync(join(root, folder), { recursive: true });
    writeFileSync(at('files'), name);
    symlinkSync(name, at('links'));
    mkdirSync(at('directories'), { recursive: true });
    writeFileSync(at('directories', Buffer.from('/x')), 'x');
    linkSync(at('files'), at('directories', Buffer.from('/hard')));
  }
  const store = new MemoryStore();
  const first = await exportTree(root, store);
  assert.deepEqual([first.problems, first.warnings], [[], []]);
  assert.equal(first.counts.symlinks, ODD_NAMES.length + ODD_BYTES.length);
  await assertRestores(store, first.manifestKey, root);
  const second = await exportTree(root, store, { at: hoursLater(1) });
  assert.equal(second.filesRead, 0);
  await assertRestores(store, second.manifestKey, root);
  const threads = await exportTree(root, store, { at: hoursLater(2), threads: 2, fullRead: true });
  assert.equal(threads.filesRead, first.filesRead);
  await assertRestores(store, threads.manifestKey, root);
});

test('[case 10] paths of more than 4,096 bytes come back', async () => {
  const root = makeTree({ top: 'x' });
  const name = 'n'.repeat(250);
  execFileSync('bash', [
    '-c',
    `cd "$1" && for i in $(seq 1 20); do mkdir ${name} && cd ${name} || exit 1; done; echo deep > file; ln file hard; ln -s file link`,
    'bash',
    root,
  ]);
  // A time that comes back exactly; others do within 0.25 µs, which may turn a digit.
  execFileSync('find', ['.', '-depth', '-execdir', 'touch', '-h', '-d', '2026-11-24T10:00:00.5Z', '{}', '+'], {
    cwd: root,
  });
  const store = new MemoryStore();
  const outcome = await exportTree(root, store);
  assert.deepEqual([outcome.problems, outcome.counts.directories, outcome.counts.files], [[], 20, 2]);
  const target = await restoreTree(store, outcome.manifestKey);
  const list = (folder: string) =>
    execFileSync('find', ['.', '-printf', '%p %y %m %s %T@ %l %n\n'], { cwd: folder, maxBuffer: 1e7 })
      .toString()
      .replaceAll(/(\.\d{6})\d+/g, '$1')
      .split('\n')
      .sort()
      .filter((line) => !/ d /.test(line) || !line.startsWith('. '));
  // Sizes of directories are the file system's own.
  const plain = (folder: string) => list(folder).map((line) => line.replace(/( d \d+) \d+/, '$1'));
  assert.deepEqual(plain(target), plain(root));
  execFileSync('rm', ['-rf', target, root]);
});

test('[case 11] owners that need more than 21 bits', { skip: !isRoot && 'needs root' }, async () => {
  const root = makeTree({
    f: { content: 'x', uid: 1_000_640_000 },
    d: { uid: 1_000_640_000, gid: 4_294_967_294 },
    'd/g': { content: 'y', uid: 4_294_967_294, gid: 2_097_152, mode: 0o6755 },
  });
  const store = new MemoryStore();
  const outcome = await exportTree(root, store);
  await assertRestores(store, outcome.manifestKey, root);
  const restored = await restoreTree(store, outcome.manifestKey);
  assert.equal(statSync(join(restored, 'f')).uid, 1_000_640_000);
  assert.equal(statSync(join(restored, 'd/g')).mode & 0o7777, 0o6755);
});

test('[case 12] times: exact in the manifest, and restored to the nearest that a double of seconds holds, before 1970 too', async () => {
  const folder = temporaryFolder();
  const rows: [string, string, bigint][] = [
    ['ns', '2026-11-24T10:00:00.123456789Z', 1_795_514_400_123_456_789n],
    ['epoch', '1970-01-01T00:00:00Z', 0n],
    ['before', '1969-12-31T23:59:58.500000000Z', -1_500_000_000n],
    ['before to the ns', '1969-12-31T23:59:58.123456789Z', -1_876_543_211n],
    ['1904', '1904-01-01T00:00:00.25Z', -2_082_844_799_750_000_000n],
    ['2038', '2038-01-19T03:14:08.000001Z', 2_147_483_648_000_001_000n],
    ['2106', '2106-02-07T06:28:16.5Z', 4_294_967_296_500_000_000n],
    ['2261', '2261-12-31T23:59:59Z', 9_214_646_399_000_000_000n],
  ];
  const root = join(folder, 'repository');
  mkdirSync(root);
  for (const [name, time] of rows) {
    writeFileSync(join(root, name), name);
    mkdirSync(join(root, `${name}.d`));
    symlinkSync('x', join(root, `${name}.l`));
    for (const end of ['', '.d', '.l']) execFileSync('touch', ['-h', '-d', time, join(root, name + end)]);
  }
  const store = new MemoryStore();
  const outcome = await exportTree(root, store);
  const { entries } = await readManifest(store, outcome.manifestKey);
  const target = await restoreTree(store, outcome.manifestKey);
  for (const [name, time, expected] of rows) {
    for (const end of ['', '.d', '.l']) {
      const source = lstatSync(join(root, name + end), { bigint: true }).mtimeNs;
      // The file system here may hold less than was asked for.
      if (source !== expected) continue;
      const entry = entries.find(({ path }) => path === name + end)!;
      assert.equal(entry.mtimeNs, String(expected), time);
      const restored = lstatSync(join(target, name + end), { bigint: true }).mtimeNs;
      // The distance between two doubles of this size, half of it for the nearest, and one for cutting off.
      const seconds = Math.abs(Number(expected) / 1e9);
      const apart = 2 ** (Math.floor(Math.log2(Math.max(seconds, 1))) - 52) * 1e9;
      const difference = Math.abs(Number(restored - expected));
      assert.ok(difference <= apart / 2 + 1, `${name}${end} ${time}: ${difference} ns off, at most ${apart / 2 + 1}`);
    }
  }
  // What lies in the future of the export may change within its tick yet.
  const second = await exportTree(root, store, { at: hoursLater(1) });
  assert.equal(second.filesRead, 2);
});

test('[case 13] sizes beyond what a tar header holds: the size in the PAX record is the real one', async () => {
  const { tarHeader } = await import('../../../lambda/archive/tar');
  const member = { path: 'x', mode: 0o644, uid: 0, gid: 0, mtimeNs: 0n };
  for (const [size, pax] of [
    [8 * 2 ** 30 - 1, false],
    [8 * 2 ** 30, true],
    [10 * 2 ** 40 + 1, true],
  ] as const) {
    const header = tarHeader({ ...member, size });
    assert.equal(header.includes(`size=${size}\n`), pax, String(size));
    // Another reader of tar agrees; that the content is missing is all that it says.
    const { stdout, stderr } = spawnSync('tar', ['-tvf', '-'], { input: header, encoding: 'utf8' });
    assert.match(stdout, new RegExp(` ${size} .* x\n`));
    assert.match(stderr, /Unexpected EOF/);
  }
});

test(
  '[case 14] a sparse file of 10 GiB takes little room, and its content is equal',
  { skip: !SOAK && 'in the soak: a minute of CPU' },
  async () => {
    const root = makeTree({});
    const descriptor = openSync(join(root, 'sparse'), 'w');
    ftruncateSync(descriptor, 10 * 2 ** 30);
    writeSync(descriptor, 'in the middle', 5 * 2 ** 30);
    closeSync(descriptor);
    const store = new MemoryStore();
    const { bytesStored, manifestKey } = await exportTree(root, store, { threads: 2 });
    assert.ok(bytesStored < 16 * 2 ** 20, `${bytesStored} bytes`);
    const target = await restoreTree(store, manifestKey, { threads: 2 });
    execFileSync('cmp', [join(root, 'sparse'), join(target, 'sparse')]);
  },
);

test('[case 14] a sparse file of 200 MiB takes little room, and its content is equal', async () => {
  const root = makeTree({});
  const descriptor = openSync(join(root, 'sparse'), 'w');
  ftruncateSync(descriptor, 200 * 2 ** 20);
  writeSync(descriptor, 'in the middle', 100 * 2 ** 20 + 7);
  closeSync(descriptor);
  const store = new MemoryStore();
  const { bytesStored, manifestKey } = await exportTree(root, store, { threads: 2 });
  assert.ok(bytesStored < 100_000, `${bytesStored} bytes`);
  const target = await restoreTree(store, manifestKey, { threads: 2 });
  execFileSync('cmp', [join(root, 'sparse'), join(target, 'sparse')]);
  assert.ok(statSync(join(target, 'sparse')).size === 200 * 2 ** 20);
});

test('[case 15] very many entries in one directory: memory stays bounded', async () => {
  const entries = SOAK ? 1_000_000 : 50_000;
  // A process of its own, whose memory is that of the export alone.
  const script = `
    const { exportVolume, MemoryStore } = require('./lambda/archive');
    const names = Array.from({ length: ${entries} }, (_, i) => 'name-' + String(i).padStart(9, '0'));
    const stat = (type, size) => ({ type, mode: 0o644, uid: 0, gid: 0, size, mtimeNs: 1n, ctimeNs: 1n, ino: 1n, dev: 1n, nlink: 1 });
    const volume = {
      description: 'generated',
      readDirectory: (path) => (path === '' ? ['d'] : names),
      stat: (path) => (path === '' || path === 'd' ? stat('directory', 0) : stat('file', 0)),
      readLink: () => { throw new Error('no links'); },
      open: () => ({ stat: () => stat('file', 0), read: () => 0, close: () => {} }),
    };
    const before = process.memoryUsage().rss;
    exportVolume({ volume, store: new MemoryStore(), volumeName: 'v', mountedAt: 'repository', threads: 0 }).then(({ counts }) => {
      console.log(JSON.stringify({ files: counts.files, grown: process.resourceUsage().maxRSS * 1024 - before }));
    });`;
  const out = execFileSync(process.execPath, ['--import', 'tsx', '-e', script], {
    cwd: join(__dirname, '../../..'),
    maxBuffer: 1e7,
  });
  const { files, grown } = JSON.parse(out.toString()) as { files: number; grown: number };
  assert.equal(files, entries);
  assert.ok(grown < 350e6, `${Math.round(grown / 1e6)} MB more`);
});

test('[case 16] a file that may not be read: the rest is exported, it is named in the manifest, exit status 3', async () => {
  const root = makeTree({ a: 'a', 'd/secret': 'secret', 'd/z': 'z', 'closed/x': 'x' });
  s3.bucket('eacces');
  const store = s3.store('eacces', 'x/');
  const volume = faultyVolume(root, {
    open: (path) => void (path === 'd/secret' && fail('EACCES')),
    readDirectory: (path) => void (path === 'closed' && fail('EACCES')),
  });
  const outcome = await exportTree(root, store, { volume });
  assert.deepEqual(problemsOf(outcome), ['closed', 'd/secret']);
  const { header } = await readManifest(store, outcome.manifestKey);
  assert.deepEqual(header.problems, [
    { path: 'closed', reason: 'EACCES: permission denied' },
    { path: 'd/secret', reason: 'EACCES: permission denied' },
  ]);
  assert.deepEqual(contentsOf(await restoreTree(store, outcome.manifestKey)), { a: 'a', 'd/z': 'z' });
});

test('[case 16] the command as a user who may not read everything', { skip: !isRoot && 'needs root' }, async () => {
  const root = makeTree({ a: 'a', secret: { content: 'secret', mode: 0o600 }, closed: { mode: 0o700 }, z: 'z' });
  for (const path of [root, join(root, '..')]) chmodSync(path, 0o755);
  s3.bucket('nobody');
  const { status, stdout } = await startCommand(s3, ['export', root, 's3://nobody/x'], 65_534).ended;
  assert.equal(status, 3, stdout);
  assert.match(stdout, /problem: secret: EACCES/);
  assert.match(stdout, /problem: closed: EACCES/);
  const [point] = await listPoints(s3.store('nobody', 'x/'));
  assert.deepEqual(contentsOf(await restoreTree(s3.store('nobody', 'x/'), point!.manifestKey)), { a: 'a', z: 'z' });
});

test('[case 17] symbolic links that loop, dangle or lead outside are stored, not followed', async () => {
  const root = makeTree({
    'd/up': { link: '..' },
    loop: { link: 'loop' },
    one: { link: 'two' },
    two: { link: 'one' },
    dangling: { link: '../../nowhere' },
    absolute: { link: '/etc/passwd' },
    long: { link: `${'x'.repeat(200)}/`.repeat(20) },
  });
  const store = new MemoryStore();
  const outcome = await exportTree(root, store);
  assert.deepEqual([outcome.counts.symlinks, outcome.counts.directories, outcome.counts.files], [7, 1, 0]);
  await assertRestores(store, outcome.manifestKey, root);
});

test('[case 18] FIFOs, sockets and devices are named and never opened', { timeout: 20_000 }, async (t) => {
  const root = makeTree({ 'd/a': 'a', z: 'z' });
  execFileSync('mkfifo', [join(root, 'd/fifo')]);
  const expected = ['d/fifo', 'd/socket'];
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(join(root, 'd/socket'), resolve));
  t.after(() => server.close());
  if (isRoot) {
    try {
      execFileSync('mknod', [join(root, 'null'), 'c', '1', '3'], { stdio: 'ignore' });
      expected.push('null');
    } catch {
      t.diagnostic('devices cannot be made here');
    }
  }
  const volume = faultyVolume(root, {});
  const store = new MemoryStore();
  const outcome = await exportTree(root, store, { volume });
  assert.deepEqual(
    outcome.excluded.map(({ path }) => path),
    expected,
  );
  assert.match(outcome.excluded[0]!.reason, /socket, FIFO or device/);
  assert.deepEqual([outcome.problems, outcome.warnings], [[], []]);
  assert.deepEqual(
    volume.calls.filter((call) => call.startsWith('open ')),
    ['open d/a', 'open z'],
  );
  assert.deepEqual(contentsOf(await restoreTree(store, outcome.manifestKey)), { 'd/a': 'a', z: 'z' });
});

test('[case 19] ESTALE in the middle of the walk: looked up again, a few times, with a pause', async () => {
  const root = makeTree({ 'd/a': 'a', 'd/b': 'b', 'd/l': { link: 'a' }, z: 'z' });
  const twice = {
    readDirectory: failing('ESTALE', 2),
    stat: failing('ESTALE', 2),
    readLink: failing('ESTALE', 2),
    open: failing('ESTALE', 2),
  };
  const store = new MemoryStore();
  const outcome = await exportTree(root, store, {
    volume: faultyVolume(root, {
      readDirectory: (path) => void (path === 'd' && twice.readDirectory()),
      stat: (path) => void (path === 'd/a' && twice.stat()),
      readLink: () => twice.readLink(),
      open: (path) => void (path === 'd/b' && twice.open()),
    }),
  });
  assert.deepEqual([outcome.problems, outcome.warnings], [[], []]);
  await assertRestores(store, outcome.manifestKey, root);
  // For ever: bounded, named, the rest is whole.
  const stale = faultyVolume(root, {
    open: (path) => void (path === 'd/b' && fail('ESTALE')),
    stat: (path) => void (path === 'd/a' && fail('ESTALE')),
  });
  const never = await exportTree(root, store, { volume: stale, at: hoursLater(1), fullRead: true });
  assert.deepEqual(problemsOf(never), ['d/a', 'd/b']);
  assert.equal(stale.calls.filter((call) => call === 'open d/b').length, 3);
  assert.equal(stale.calls.filter((call) => call === 'stat d/a').length, 3);
});

test('[case 20] an empty tree, empty files, files of zeros', async () => {
  const rows: Record<string, Parameters<typeof makeTree>[0]> = {
    empty: {},
    'empty directory': { d: {} },
    'zero bytes': { a: '', b: '', 'd/c': '' },
    zeros: {
      a: Buffer.alloc(1),
      b: Buffer.alloc(511),
      c: Buffer.alloc(512),
      d: Buffer.alloc(513),
      e: Buffer.alloc(3 << 20),
    },
    edges: Object.fromEntries(
      [-1, 0, 1].flatMap((off) => [1, 2, 16].map((mib) => [`${mib}-${off}`, noise((mib << 20) + off, mib)])),
    ),
    'header edge': Object.fromEntries(
      [8, 7, 6, 5, 4, 3, 2, 1].map((blocks) => [`${blocks}`, noise((1 << 20) - blocks * 512, blocks)]),
    ),
  };
  for (const [what, nodes] of Object.entries(rows)) {
    const root = makeTree(nodes);
    const store = new MemoryStore();
    const first = await exportTree(root, store);
    await assertRestores(store, first.manifestKey, root);
    const second = await exportTree(root, store, { at: hoursLater(1) });
    assert.equal(second.filesRead, 0, what);
    await assertRestores(store, second.manifestKey, root);
    assert.deepEqual((await verifyArchive({ store, readData: true })).findings, [], what);
  }
});

test('[case 21] no space and errors of the disk are named, the export before is untouched, nothing half is published', async () => {
  const root = makeTree({ a: 'a', b: 'b' });
  const store = new MemoryStore();
  const first = await exportTree(root, store);
  const before = describeTree(root);
  writeFileSync(join(root, 'b'), 'changed');
  for (const code of ['ENOSPC', 'EIO'] as const) {
    const failed = await exportTree(root, store, {
      volume: faultyVolume(root, { read: () => fail(code) }),
      at: hoursLater(1),
      fullRead: true,
    }).catch((error: Error) => error);
    assert.ok(failed instanceof Error);
    assert.match(failed.message, new RegExp(`no file of .* could be read, the first was a: ${code}`));
    assert.equal((await listPoints(store)).length, 1);
  }
  assert.deepEqual(describeTree(await restoreTree(store, first.manifestKey)), before);
  // Nothing is written beside the archive: the exporter needs no room of its own.
  const { manifestKey } = await exportTree(root, store, { at: hoursLater(2) });
  await assertRestores(store, manifestKey, root);
});

test(
  '[case 21] the command writes nothing to disk: it works where every folder is read-only to it',
  { skip: !isRoot && 'needs root' },
  async () => {
    const root = makeTree({ a: 'a', large: noise(3_000_000) });
    for (const path of [root, join(root, '..')]) chmodSync(path, 0o555);
    s3.bucket('readonly');
    const { status, stderr } = await startCommand(s3, ['export', root, 's3://readonly/x'], 65_534).ended;
    assert.equal(status, 0, stderr);
    const [point] = await listPoints(s3.store('readonly', 'x/'));
    await assertRestores(s3.store('readonly', 'x/'), point!.manifestKey, root);
    for (const path of [root, join(root, '..')]) chmodSync(path, 0o755);
  },
);

test('an export with threads is the same as without, whatever order they end in', async () => {
  const nodes: Record<string, string | Buffer | { hard: string }> = {};
  for (let index = 0; index < 1_500; index += 1)
    nodes[`t${index % 40}/${index % 7 === 0 ? 'a-b' : 'a'}/f${index}`] = `content ${index % 900}`;
  nodes['t1/large'] = noise(2_500_000);
  nodes['t2/large'] = noise(2_500_000);
  nodes['t3/hard'] = { hard: 't1/large' };
  const root = makeTree(nodes);
  const [alone, together] = [new MemoryStore(), new MemoryStore()];
  const first = await exportTree(root, alone);
  const second = await exportTree(root, together, { threads: 3 });
  assert.deepEqual(second.counts, first.counts);
  await assertRestores(alone, first.manifestKey, root);
  assertSameTree(await restoreTree(together, second.manifestKey, { threads: 3 }), root);
  assert.deepEqual((await verifyArchive({ store: together, readData: true, threads: 2 })).findings, []);
});
