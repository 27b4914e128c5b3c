/**
 * An archive that was written by the first release of format version 1, and is never made anew: whatever is changed, what
 * it holds must come back, for ever. A change of the format gets an archive of its own beside it.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { diffPoints, listPoints, MemoryStore, readManifest, verifyArchive } from '../../../lambda/archive';
import { exportTree, restoreTree } from './support/engine';
import { makeTree } from './support/trees';

const FOLDER = join(__dirname, '../../fixtures/archive/v1');
const MONDAY =
  'manifests/20261124T120000.000Z-584faac3abba94e2b3615c20fe353a8070988d02f0cdc11d1b24633c6a0f886a.jsonl.zst';
const TUESDAY =
  'manifests/20261125T120000.000Z-f530b94036eaa482374270d2b26c04caedadb67a7eb45253b09da467a42e2f6c.jsonl.zst';

function golden(): MemoryStore {
  const store = new MemoryStore();
  for (const kind of ['manifests', 'pages', 'packs']) {
    for (const name of readdirSync(join(FOLDER, kind))) {
      store.objects.set(`${kind}/${name}`, readFileSync(join(FOLDER, kind, name)));
    }
  }
  return store;
}

/** Name in hex where it is not plain, mode, time in seconds, and what is in it. */
function describe(root: string): string[] {
  const lines: string[] = [];
  const visit = (path: Buffer, shown: string) => {
    const stat = lstatSync(path);
    const mode = (stat.mode & 0o7777).toString(8);
    const time = Math.floor(stat.mtimeMs) / 1000;
    if (stat.isSymbolicLink()) lines.push(`${shown} -> ${readlinkSync(path)}`);
    else if (stat.isFile()) {
      const content = readFileSync(path);
      const sha256 = createHash('sha256').update(content).digest('hex').slice(0, 16);
      lines.push(
        `${shown} ${mode} ${time} ${content.length < 40 ? JSON.stringify(content.toString()) : `${content.length} ${sha256}`}`,
      );
    } else {
      lines.push(`${shown}/ ${mode} ${time}`);
      for (const name of readdirSync(path, { encoding: 'buffer' }).sort((a, b) => Buffer.compare(a, b))) {
        const text = name.toString('utf8');
        const own = /^[\w.-]+$/.test(text) ? text : `<${name.toString('hex')}>`;
        visit(Buffer.concat([path, Buffer.from('/'), name]), `${shown}/${own}`);
      }
    }
  };
  visit(Buffer.from(root), '.');
  return lines;
}

const ON_MONDAY = [
  './ 755 1795514400.123',
  './<203d235b0a5c222d> 644 1795514400.123 "odd name"',
  './absolute -> /etc/passwd',
  './<636166e9> 644 1795514400.123 "latin1 name"',
  './conf/ 755 1795514400.123',
  './conf/copy.toml 644 1795514400.123 "hostname = \\"is.example.com\\"\\n"',
  './conf/deployment.toml 644 1795514400.123 "hostname = \\"is.example.com\\"\\n"',
  './conf/none 644 -1.5 ""',
  './empty/ 1555 1795514400.123',
  './<65cc81> 644 1795514400.123 "NFD"',
  './frames.jar 644 1795514400.123 2500000 99c4bc2ddb386d7b',
  './logs/ 755 1795514400.123',
  './loop -> .',
  './parts.jar 644 1795514400.123 9437189 2ae87fc42ef5ebc8',
  './server/ 755 1795514400.123',
  './server/dangling -> ../nowhere',
  './server/suid 4755 1795514400.123 "suid"',
  './tenants/ 755 1795514400.123',
  './tenants/1/ 755 1795514400.123',
  './tenants/1/a/ 755 1795514400.123',
  './tenants/1/a/x.xml 644 1795514400.123 1200 12d63617a7c44843',
  './tenants/1/a-b/ 755 1795514400.123',
  './tenants/1/a-b/x.xml 644 1795514400.123 1200 0ac356173335d4d5',
  './tenants/1/hard.jar 644 1795514400.123 2500000 99c4bc2ddb386d7b',
  './<c3a9> 644 1795514400.123 "NFC"',
  './<f09f9880> 644 1795514400.123 "smile"',
];
const ON_TUESDAY = [
  './ 755 1795600800',
  './<203d235b0a5c222d> 644 1795514400.123 "odd name"',
  './absolute -> /etc/passwd',
  './<636166e9> 644 1795514400.123 "latin1 name"',
  './conf/ 755 1795514400.123',
  './conf/copy.toml 644 1795514400.123 "hostname = \\"is.example.com\\"\\n"',
  './conf/deployment.toml 644 1795600800 "hostname = \\"two.example.com\\"\\n"',
  './conf/none 644 -1.5 ""',
  './empty/ 1555 1795514400.123',
  './<65cc81> 644 1795514400.123 "NFD"',
  './frames.jar 644 1795514400.123 2500000 99c4bc2ddb386d7b',
  './logs/ 755 1795514400.123',
  './loop -> .',
  './parts.jar 644 1795514400.123 9437189 2ae87fc42ef5ebc8',
  './server/ 755 1795514400.123',
  './server/dangling -> ../nowhere',
  './server/suid 4755 1795514400.123 "suid"',
  './tenants/ 755 1795514400.123',
  './tenants/1/ 755 1795600800',
  './tenants/1/a/ 755 1795514400.123',
  './tenants/1/a/x.xml 644 1795514400.123 1200 12d63617a7c44843',
  './tenants/1/a-b/ 755 1795514400.123',
  './tenants/1/a-b/x.xml 644 1795514400.123 1200 0ac356173335d4d5',
  './tenants/1/hard.jar 644 1795514400.123 2500000 99c4bc2ddb386d7b',
  './tenants/1/new.xml 644 1795600800 "<new/>"',
  './<f09f9880> 644 1795514400.123 "smile"',
];

test('[case 30] the archive of version 1: both of its points come back', async () => {
  const store = golden();
  assert.deepEqual(
    (await listPoints(store)).map(({ manifestKey, complete }) => [manifestKey, complete]),
    [
      [TUESDAY, true],
      [MONDAY, true],
    ],
  );
  assert.deepEqual((await verifyArchive({ store, readData: true })).findings, []);
  for (const [manifestKey, expected] of [
    [MONDAY, ON_MONDAY],
    [TUESDAY, ON_TUESDAY],
  ] as const) {
    const target = await restoreTree(store, manifestKey);
    assert.deepEqual(describe(target), expected);
    assert.equal(statSync(join(target, 'frames.jar')).ino, statSync(join(target, 'tenants/1/hard.jar')).ino);
    if (process.getuid?.() === 0) {
      assert.equal(statSync(join(target, 'server/suid')).uid, 1_000_640_000);
      assert.equal(statSync(join(target, 'server/suid')).gid, 4_000_000_000);
    }
  }
});

test('[case 30] the archive of version 1: what its manifests say', async () => {
  const store = golden();
  const { header, entries } = await readManifest(store, TUESDAY);
  assert.deepEqual(header.counts, { files: 13, directories: 8, symlinks: 3, hardlinks: 1, bytes: 11_939_683 });
  assert.equal(header.parent, MONDAY.slice('manifests/'.length));
  assert.deepEqual(header.excluded, [
    { path: 'logs/wso2carbon.log', reason: 'logs: they belong to the node that wrote them' },
  ]);
  assert.equal(entries.find(({ path }) => path === 'conf/none')!.mtimeNs, '-1500000000');
  assert.equal(entries.find(({ path }) => path === 'caf\udce9')!.mtimeNs, '1795514400123456789');
  const differences: string[] = [];
  for await (const { change, path } of diffPoints(store, MONDAY, TUESDAY)) differences.push(`${change} ${path}`);
  assert.deepEqual(differences, [
    'content conf/deployment.toml',
    'metadata tenants/1',
    'added tenants/1/new.xml',
    'removed \u00e9',
  ]);
});

test('[case 30] the archive of version 1: an export goes on from it, and stores only what is new', async () => {
  const store = golden();
  const root = makeTree({ 'frames.jar': Buffer.alloc(2_500_000, 'frames of one MiB '), new: 'new' });
  const packs = [...store.objects.keys()].filter((key) => key.startsWith('packs/'));
  const { manifestKey } = await exportTree(root, store, { at: new Date('2026-11-26T12:00:00Z') });
  const { header } = await readManifest(store, manifestKey);
  assert.equal(header.parent, TUESDAY.slice('manifests/'.length));
  assert.equal(header.packs.length, 2);
  assert.equal(header.packs.filter(({ key }) => packs.includes(key)).length, 1);
});
