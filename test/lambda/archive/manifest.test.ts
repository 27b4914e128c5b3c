import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { pathFromBytes, pathToBytes } from '../../../lambda/archive/byte-path';
import { ArchiveDamagedError } from '../../../lambda/archive/errors';
import { exclusionReason } from '../../../lambda/archive/exclusions';
import { decodeManifest, encodeManifest, type Manifest } from '../../../lambda/archive/manifest';

const OWNED = { mode: 0o644, uid: 0, gid: 0, mtimeNs: '0' };
const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const FILE = { type: 'file', ...OWNED, size: 0, sha256: EMPTY_SHA256, ctimeNs: '0', ino: '1', pieces: [] };
const DIRECTORY = { type: 'directory', ...OWNED };
const LINK = { type: 'symlink', ...OWNED, target: '/etc' };

async function decoding(entries: readonly object[], header: object = {}) {
  const of = (type: string) => entries.filter((entry) => 'type' in entry && entry.type === type).length;
  const manifest = {
    header: {
      format: 'wso2is-recovery-archive',
      formatVersion: 1,
      volume: 'repository',
      mountedAt: 'repository',
      startedAt: '2026-11-24T10:00:00.000Z',
      endedAt: '2026-11-24T10:00:01.000Z',
      fullReadAt: '2026-11-24T10:00:00.000Z',
      counts: {
        files: of('file'),
        directories: of('directory'),
        symlinks: of('symlink'),
        hardlinks: of('hardlink'),
        bytes: 0,
      },
      packs: [],
      root: OWNED,
      excluded: [],
      problems: [],
      warnings: [],
      ...header,
    },
    entries,
  };
  const body = await encodeManifest(manifest as unknown as Manifest);
  const sha256 = createHash('sha256').update(body).digest('hex');
  return decodeManifest(`manifests/20261124T100000.000Z-${sha256}.jsonl.zst`, body);
}

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
    ['hard link outside', [{ path: 'a', ...LINK, type: 'hardlink' }], /the hard link a is to \/etc/],
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
      [{ path: 'a', ...FILE, size: 1, pieces: [{ pack: 0, offset: 0, length: 1, skip: 0, size: 1 }] }],
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
    /header counts 2 files, its entries are 1/,
  );
});

test('any bytes are refused with a typed error', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
      const body = Buffer.from(bytes);
      const sha256 = createHash('sha256').update(body).digest('hex');
      await assert.rejects(decodeManifest(`manifests/x-${sha256}.jsonl.zst`, body), ArchiveDamagedError);
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
    ['repository', 'aws-backup-restore_2026-11-24T10-00-00-000000Z', true],
    ['repository', 'conf/aws-backup-restore_x', false],
  ];
  for (const [mountedAt, path, excluded] of rows) {
    assert.equal(exclusionReason(mountedAt, path) !== undefined, excluded, `${mountedAt} ${path}`);
  }
});
