import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { pathFromBytes, pathToBytes } from '../../../lambda/archive/byte-path';
import { ArchiveDamagedError } from '../../../lambda/archive/errors';
import { exclusionReason, isOrdinaryDirectory, isOrdinaryName } from '../../../lambda/archive/exclusions';
import { encodeFrame } from '../../../lambda/archive/frame';
import { decodeManifest, encodeManifest, type ManifestHeader } from '../../../lambda/archive/manifest';
import { MemoryStore } from '../../../lambda/archive/memory-store';
import { readManifest } from '../../../lambda/archive/points';

const OWNED = { mode: 0o644, uid: 0, gid: 0, mtimeNs: '0' };
const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const FILE = { type: 'file', ...OWNED, size: 0, sha256: EMPTY_SHA256, ctimeNs: '0', ino: '1', pieces: [] };
const DIRECTORY = { type: 'directory', ...OWNED };
const LINK = { type: 'symlink', ...OWNED, target: '/etc' };

/** The entries as an archive has them, read back; `first` and `counts` as they should be unless they are given. */
async function decoding(entries: readonly object[], header: object = {}, page: object = {}) {
  const of = (type: string) => entries.filter((entry) => 'type' in entry && entry.type === type).length;
  const counts = {
    files: entries.length - of('directory') - of('symlink') - of('hardlink'),
    directories: of('directory'),
    symlinks: of('symlink'),
    hardlinks: of('hardlink'),
    bytes: 0,
  };
  const store = new MemoryStore();
  const lines = Buffer.from(entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
  const pages = [];
  if (entries.length > 0) {
    const bytes = encodeFrame(lines);
    const key = `pages/${sha256Of(bytes)}.jsonl.zst`;
    store.objects.set(key, bytes);
    const [first] = entries as [{ path?: unknown }];
    pages.push({ key, bytes: bytes.length, first: String(first.path), counts, packs: [], ...page });
  }
  const manifest = {
    format: 'wso2is-recovery-archive',
    formatVersion: 1,
    volume: 'repository',
    mountedAt: 'repository',
    startedAt: '2026-11-24T10:00:00.000Z',
    endedAt: '2026-11-24T10:00:01.000Z',
    fullReadAt: '2026-11-24T10:00:00.000Z',
    counts,
    packs: [],
    pages,
    root: OWNED,
    excluded: [],
    problems: [],
    warnings: [],
    ...header,
  };
  const body = encodeManifest(manifest as unknown as ManifestHeader);
  const key = `manifests/20261124T100000.000Z-${sha256Of(body)}.jsonl.zst`;
  store.objects.set(key, body);
  return readManifest(store, key);
}

const sha256Of = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

test('a manifest that is fine is read', async () => {
  const { entries } = await decoding([
    { path: 'd', ...DIRECTORY },
    { path: 'd/a', ...FILE },
    { path: 'l', ...LINK },
  ]);
  assert.deepEqual(
    entries.map(({ path }) => path),
    ['d', 'd/a', 'l'],
  );
});

test('manifests that would lead a restore astray are refused', async () => {
  const rows: [string, readonly object[], RegExp][] = [
    ['parent', [{ path: '../a', ...FILE }], /an entry has the path "\.\.\/a"/],
    [
      'inner parent',
      [
        { path: 'd', ...DIRECTORY },
        { path: 'd/../../a', ...FILE },
      ],
      /an entry has the path/,
    ],
    ['absolute', [{ path: '/etc/passwd', ...FILE }], /an entry has the path/],
    ['empty', [{ path: '', ...FILE }], /an entry has the path/],
    ['NUL', [{ path: 'a\0', ...FILE }], /an entry has the path/],
    ['number', [{ path: 1, ...FILE }], /an entry has the path 1/],
    [
      'through a link',
      [
        { path: 'l', ...LINK },
        { path: 'l/passwd', ...FILE },
      ],
      /l\/passwd is in no directory/,
    ],
    [
      'through a file',
      [
        { path: 'f', ...FILE },
        { path: 'f/a', ...FILE },
      ],
      /f\/a is in no directory/,
    ],
    [
      'twice',
      [
        { path: 'a', ...FILE },
        { path: 'a', ...LINK },
      ],
      /a is there twice or not in order/,
    ],
    [
      'order',
      [
        { path: 'b', ...FILE },
        { path: 'a', ...FILE },
      ],
      /a is there twice or not in order/,
    ],
    ['hard link outside', [{ path: 'a', ...LINK, type: 'hardlink' }], /the entry a has a field/],
    [
      'hard link to what comes later',
      [
        { path: 'a', ...LINK, type: 'hardlink', target: 'b' },
        { path: 'b', ...FILE },
      ],
      /the entry a has a field/,
    ],
    [
      'hard link to nothing',
      [{ path: 'b', ...LINK, type: 'hardlink', target: 'a' }],
      /hard link b is to a, which is no/,
    ],
    [
      'hard link to a link',
      [
        { path: 'a', ...LINK },
        { path: 'b', ...LINK, type: 'hardlink', target: 'a' },
      ],
      /hard link b/,
    ],
    ['device', [{ path: 'a', ...FILE, type: 'device' }], /the entry a has a field/],
    ['huge mode', [{ path: 'a', ...FILE, mode: 0o170000 }], /the entry a has a field/],
    ['negative size', [{ path: 'a', ...FILE, size: -1 }], /the entry a has a field/],
    ['size without pieces', [{ path: 'a', ...FILE, size: 1 }], /the entry a has a field/],
    [
      'pack that is not there',
      [{ path: 'a', ...FILE, size: 1, pieces: [{ pack: EMPTY_SHA256, offset: 0, length: 1, skip: 0, size: 1 }] }],
      /the entry a has a field/,
    ],
  ];
  for (const [name, entries, message] of rows) {
    await assert.rejects(
      decoding(entries),
      (error: unknown) => error instanceof ArchiveDamagedError && message.test(error.problem),
      name,
    );
  }
});

test('headers of other programs and versions are refused', async () => {
  await assert.rejects(decoding([], { formatVersion: 2 }), /`formatVersion` must be 1, got 2/);
  await assert.rejects(decoding([], { format: 'other' }), /not a manifest of an artifact archive/);
  await assert.rejects(decoding([], { packs: [{ key: '../x', bytes: 1 }] }), /header has a field/);
  await assert.rejects(
    decoding([{ path: 'a', ...FILE }], { counts: { files: 2, directories: 0, symlinks: 0, hardlinks: 0, bytes: 0 } }),
    /header counts 2 files, its pages 1/,
  );
  const two = { files: 2, directories: 0, symlinks: 0, hardlinks: 0, bytes: 0 };
  await assert.rejects(
    decoding([{ path: 'a', ...FILE }], { counts: two }, { counts: two }),
    /the page of a has other entries than the manifest counts/,
  );
  await assert.rejects(
    decoding([{ path: 'a', ...FILE }], {}, { first: 'b' }),
    /the page of b begins with another path/,
  );
});

test('any bytes are refused with a typed error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const body = Buffer.from(bytes);
      const sha256 = createHash('sha256').update(body).digest('hex');
      assert.throws(() => decodeManifest(`manifests/x-${sha256}.jsonl.zst`, body), ArchiveDamagedError);
    }),
    { numRuns: 200 },
  );
});

test('names are text, and back the same bytes', () => {
  assert.equal(pathFromBytes(Buffer.from('636166e9', 'hex')), 'caf\udce9');
  assert.equal(pathFromBytes(Buffer.from('eda080', 'hex')), '\udced\udca0\udc80', 'a surrogate is no UTF-8');
  assert.equal(pathFromBytes(Buffer.from('efbbbf41', 'hex')), '\ufeffA');
  assert.equal(pathToBytes('\u{1f600}\udcff').toString('hex'), 'f09f9880ff');
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      assert.deepEqual(pathToBytes(pathFromBytes(Buffer.from(bytes))), Buffer.from(bytes));
    }),
  );
});

test('what is left out depends on where the volume is mounted', () => {
  const rows: [string, string, boolean][] = [
    ['repository', 'logs/wso2carbon.log', true],
    ['repository', 'logs', false],
    ['repository', 'tenants/1/logs/a', false],
    ['', 'repository/logs/audit.log', true],
    ['', 'tmp/x', true],
    ['repository', 'tmp/x', false],
    ['', 'wso2carbon.pid', true],
    ['repository', 'database/WSO2CARBON_DB.mv.db', true],
    ['repository', 'database/notes.txt', false],
    ['repository/tenants', 'database/x.mv.db', false],
    ['repository', 'conf/.nfs00000000abcdef0100000001', true],
    ['repository', '.conf.restoring-0123456789ab', true],
    ['repository', 'deployment/.server.replaced-1', true],
    ['repository', 'deployment/server.replaced-1', false],
    ['repository', 'aws-backup-restore_2026-11-24T10-00-00-000000Z', true],
    ['repository', 'conf/aws-backup-restore_x', false],
  ];
  for (const [mountedAt, path, excluded] of rows) {
    assert.equal(exclusionReason(mountedAt, path) !== undefined, excluded, `${mountedAt} ${path}`);
  }
});

test('what is in an ordinary directory by an ordinary name is exported, wherever the volume is mounted', () => {
  const segments = ['', 'repository', 'logs', 'tmp', 'database', 'a', '.b', 'aws-backup-restore_x'];
  const names = [
    'a.xml',
    '.hidden',
    'wso2carbon.pid',
    'x.mv.db',
    'aws-backup-restore_x',
    '.nfs0123456789abcdef01',
    'tmp',
  ];
  const joined = (...parts: string[]) => parts.filter((part) => part !== '').join('/');
  let [ordinary, excluded] = [0, 0];
  for (const mountedAt of ['', 'repository', 'tmp', 'repository/logs', 'repository/database', 'a'])
    for (const first of segments)
      for (const second of segments)
        for (const name of names) {
          const directory = joined(first, second);
          const path = joined(directory, name);
          const isOrdinary =
            isOrdinaryDirectory(mountedAt, directory) && isOrdinaryName(path, path.length - name.length);
          const reason = exclusionReason(mountedAt, path);
          if (isOrdinary) assert.equal(reason, undefined, `${mountedAt}: ${path}`);
          ordinary += isOrdinary ? 1 : 0;
          excluded += reason !== undefined ? 1 : 0;
        }
  assert.ok(ordinary > 100 && excluded > 100, `${ordinary}, ${excluded}`);
  assert.equal(isOrdinaryDirectory('', ''), false);
});
