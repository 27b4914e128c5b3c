/** Uploads, lists and concurrency against an S3 that fails: rows 33 to 42. An export is whole or it is not there. */
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { ArchiveError, listPoints, prune, readManifest, verifyArchive } from '../../../lambda/archive';
import { plant, sha256Of } from './support/crafted';
import { assertRestores, exportTree, hoursLater, MONDAY, restoreTree } from './support/engine';
import { faultyVolume, fail } from './support/faulty-volume';
import { isOfAws } from '../../../lambda/archive/s3-store';
import { type Fault, type S3Request, ScriptedS3 } from './support/scripted-s3';
import { describeTree, makeTree, noise } from './support/trees';
import { MemoryStore } from '../../../lambda/archive/memory-store';
import { command } from './support/command';
import { SOAK } from '../../soak';

let s3: ScriptedS3;
let buckets = 0;
let name = '';

before(async () => {
  s3 = await ScriptedS3.start();
});
after(() => s3.stop());

beforeEach(() => {
  s3.script = () => undefined;
  s3.requests.length = 0;
  name = `bucket-${(buckets += 1)}`;
  s3.bucket(name);
});

const smallTree = () =>
  makeTree({ 'conf/deployment.toml': 'hostname = "is.example.com"\n', 'conf/empty': '', 'jar/a.jar': noise(20_000) });

/** Damages the first answers to requests that are meant, and no others. */
function once(isMeant: (request: S3Request) => boolean, fault: Fault, times = 1): void {
  let left = times;
  s3.script = (request) => {
    if (left === 0 || !isMeant(request)) return undefined;
    left -= 1;
    return fault;
  };
}

const putOf = (folder: string) => (request: S3Request) =>
  request.operation === 'PutObject' && request.key.startsWith(folder);

test('[case 33] a read error in the middle of a large file: it is named, its object does not appear, the rest is whole', async () => {
  const root = makeTree({ large: noise(3_000_000), small: 'small' });
  const store = s3.store(name);
  const volume = faultyVolume(root, {
    read: (path, position) => {
      if (path === 'large' && position >= 1 << 20) fail('EIO');
    },
  });
  const outcome = await exportTree(root, store, { volume });
  assert.deepEqual(outcome.problems, [{ path: 'large', reason: 'EIO: i/o error' }]);
  rmSync(join(root, 'large'));
  const restored = await restoreTree(store, outcome.manifestKey);
  assert.deepEqual((await verifyArchive({ store, readData: true })).findings, []);
  assert.deepEqual(
    (await readManifest(store, outcome.manifestKey)).entries.map(({ path }) => path),
    ['small'],
  );
  assert.ok(restored);
  // When nothing else is there, nothing is published.
  const alone = makeTree({ large: noise(3_000_000) });
  const failing = faultyVolume(alone, { read: (_, position) => void (position > 0 && fail('EIO')) });
  s3.bucket('alone');
  await assert.rejects(
    exportTree(alone, s3.store('alone'), { volume: failing }),
    /no file of .* could be read, the first was large: EIO/,
  );
  assert.deepEqual(s3.bucket('alone').keys('manifests/'), []);
});

for (const [what, folder] of [
  ['pack', 'packs/'],
  ['page', 'pages/'],
  ['manifest', 'manifests/'],
] as const) {
  test(`[case 34] success is claimed for a ${what} that did not arrive whole: found before there is a point`, async () => {
    const root = smallTree();
    const rows: [string, (body: Buffer) => Buffer | undefined][] = [
      ['nothing', () => undefined],
      ['all but the last byte', (body) => body.subarray(0, -1)],
      ['an empty object', () => Buffer.alloc(0)],
    ];
    for (const [stored, stores] of rows) {
      s3.buckets.set(name, s3.bucket(`${name}-${folder}-${stored}`));
      const store = s3.store(name);
      once(putOf(folder), { stores });
      await assert.rejects(
        exportTree(root, store),
        /is not in the archive after it was written|bytes were written, \d+ are stored|is missing after the export|bytes instead of/,
        stored,
      );
      const points = await listPoints(store);
      assert.ok(
        points.every(({ complete }) => !complete),
        `${stored}: a point is offered`,
      );
      s3.script = () => undefined;
      const next = await exportTree(root, store, { at: hoursLater(1) });
      await assertRestores(store, next.manifestKey, root);
    }
  });
}

test('[case 34] a byte that another one took the place of, and the server says so: no point; it says nothing: verify finds it', async () => {
  const root = smallTree();
  const flip = (body: Buffer) => {
    const flipped = Buffer.from(body);
    flipped[100]! ^= 1;
    return flipped;
  };
  once(putOf('packs/'), { stores: flip, saysSo: true });
  const store = s3.store(name);
  await assert.rejects(exportTree(root, store), /another SHA-256 is stored than was written/);
  assert.deepEqual(s3.bucket(name).keys('manifests/'), []);
  const silent = s3.store(`${name}-silent`);
  s3.bucket(`${name}-silent`);
  once(putOf('packs/'), { stores: flip });
  const { manifestKey } = await exportTree(root, silent);
  const { findings } = await verifyArchive({ store: silent, readData: true });
  assert.deepEqual(
    findings.map(({ key }) => key),
    s3.bucket(`${name}-silent`).keys('packs/'),
  );
  await assert.rejects(restoreTree(silent, manifestKey), /packs\//);
});

test('the hash of a body is under the signature until a server of its own has shown that it compares the checksum', async () => {
  const payloadHashes = () =>
    s3.requests
      .filter(({ operation }) => operation === 'PutObject')
      .map(({ headers }) => headers['x-amz-content-sha256']);
  const store = s3.store(name);
  await store.put('a', Buffer.from('a'), sha256Of('a'));
  await store.put('b', Buffer.from('b'), sha256Of('b'));
  assert.deepEqual(payloadHashes(), [sha256Of('a'), 'UNSIGNED-PAYLOAD']);
  await assert.rejects(store.put('c', Buffer.from('another'), sha256Of('c')), /BadDigest|another SHA-256/);
  // A server that answers without one.
  s3.requests.length = 0;
  s3.script = ({ operation }) => (operation === 'PutObject' ? { silent: true } : undefined);
  const other = s3.store(name);
  await other.put('d', Buffer.from('d'), sha256Of('d'));
  await other.put('e', Buffer.from('e'), sha256Of('e'));
  assert.deepEqual(payloadHashes(), [sha256Of('d'), sha256Of('e')]);
});

test('the hash of a body is always under the signature to AWS, by whatever endpoint', () => {
  const hosts: readonly (readonly [host: string, isOfAws: boolean])[] = [
    ['bucket.s3.eu-west-1.amazonaws.com', true],
    ['bucket.vpce-1a2b.s3.eu-west-1.vpce.amazonaws.com', true],
    ['s3.cn-north-1.amazonaws.com.cn', true],
    ['s3.eusc-de-east-1.amazonaws.eu', true],
    ['127.0.0.1', false],
    ['minio.example.com', false],
    ['notamazonaws.com', false],
    ['s3.amazonaws.com.example.com', false],
  ];
  for (const [host, expected] of hosts) assert.equal(isOfAws(host), expected, host);
});

test('[case 35] content larger than a pack is several objects, each one request of a bounded size', async () => {
  const block = noise(1 << 20);
  const content = Buffer.concat(
    Array.from({ length: 70 }, (_, index) => Buffer.concat([Buffer.of(index), block.subarray(1)])),
  );
  const root = makeTree({ large: content });
  // Patient, since a busy machine takes its time; what it repeats all the same is the same object again.
  const store = s3.store(name, '', 60_000);
  const { manifestKey } = await exportTree(root, store);
  const puts = s3.operations('PutObject').filter(({ key }) => key.startsWith('packs/'));
  assert.equal(new Set(puts.map(({ key }) => key)).size, 4);
  assert.equal(s3.bucket(name).keys('packs/').length, 4);
  for (const { headers } of puts) assert.ok(Number(headers['content-length']) <= 21 << 20, headers['content-length']);
  assert.deepEqual(s3.operations('CreateMultipartUpload'), []);
  await assertRestores(store, manifestKey, root);
});

test('[case 36] 200 with an error in the body, or an error for what was done: retried or failed, never half', async () => {
  const root = smallTree();
  for (const folder of ['packs/', 'pages/', 'manifests/']) {
    s3.bucket(`${name}${folder.slice(0, -1)}`);
    const store = s3.store(`${name}${folder.slice(0, -1)}`);
    once(putOf(folder), { okWithError: 'InternalError' });
    const first = await exportTree(root, store).catch((error: Error) => error);
    s3.script = () => undefined;
    if (first instanceof Error) {
      assert.match(first.message, /InternalError|scripted|is not in the archive|is missing after the export/);
      assert.ok((await listPoints(store)).every(({ complete }) => !complete));
    } else await assertRestores(store, first.manifestKey, root);
    // Neither an error nor an ETag, and nothing was done.
    once(putOf(folder), { okWithNothing: true });
    writeFileSync(join(root, 'newer'), folder);
    await assert.rejects(
      exportTree(root, store, { at: hoursLater(0.5) }),
      /is not in the archive after it was written|is missing after the export/,
    );
    s3.script = () => undefined;
    // What was done and answered with an error is found by the repetition, which is no error then.
    once(putOf(folder), { doneBut: 500, code: 'InternalError' });
    writeFileSync(join(root, 'new'), folder);
    const second = await exportTree(root, store, { at: hoursLater(1) });
    await assertRestores(store, second.manifestKey, root);
  }
});

test('[case 37] a bucket with object lock takes every object, since each carries its checksum', async () => {
  s3.bucket(`${name}-locked`, { compliance: { days: 7 } });
  const root = smallTree();
  const store = s3.store(`${name}-locked`);
  const { manifestKey } = await exportTree(root, store);
  const puts = s3.operations('PutObject');
  assert.equal(puts.length, 3);
  for (const { headers, key } of puts) {
    assert.match(String(headers['x-amz-checksum-sha256']), /^[A-Za-z0-9+/]{43}=$/, key);
    assert.equal(headers['if-none-match'], '*', key);
  }
  await assertRestores(store, manifestKey, root);
});

test('[case 38] where nothing may be deleted, exports succeed', async () => {
  const root = smallTree();
  const store = s3.store(name);
  s3.script = ({ operation }) => (operation.startsWith('Delete') ? { status: 403, code: 'AccessDenied' } : undefined);
  for (const hour of [0, 1, 2]) {
    writeFileSync(join(root, 'hour'), String(hour));
    const { manifestKey, problems } = await exportTree(root, store, { at: new Date(Date.now() - (3 - hour) * 60_000) });
    assert.deepEqual(problems, []);
    await assertRestores(store, manifestKey, root);
  }
  // A prune cannot delete either, names the permission, and breaks nothing.
  await assert.rejects(
    prune({ store, policy: { last: 1 }, graceMs: 0 }),
    /s3:DeleteObject of .* failed: access denied: allow s3:DeleteObject on it/,
  );
  assert.equal((await listPoints(store)).filter(({ complete }) => complete).length, 3);
});

test('[case 39] a list that fails on its second page fails whatever needed it, and is never taken for an empty one', async () => {
  const bucket = `${name}-paged`;
  s3.bucket(bucket, { maxKeys: 2 });
  const store = s3.store(bucket);
  const root = smallTree();
  const trees: string[] = [];
  for (const hour of [0, 1, 2, 3, 4]) {
    writeFileSync(join(root, 'hour'), String(hour));
    trees.push((await exportTree(root, store, { at: hoursLater(hour) })).manifestKey);
  }
  assert.deepEqual(
    (await listPoints(store)).map(({ manifestKey }) => manifestKey),
    trees.toReversed(),
  );
  assert.equal((await verifyArchive({ store, readData: true })).findings.length, 0);
  for (const fault of [
    { status: 500, code: 'InternalError' },
    { okWithError: 'InternalError' },
    { status: 403, code: 'AccessDenied' },
  ]) {
    s3.script = ({ operation, query }) =>
      operation === 'ListObjectsV2' && query.has('continuation-token') ? fault : undefined;
    await assert.rejects(listPoints(store), /s3:ListBucket of .* failed/);
    await assert.rejects(verifyArchive({ store }), /s3:ListBucket of .* failed/);
    await assert.rejects(exportTree(root, store, { at: hoursLater(5) }), /s3:ListBucket of .* failed/);
  }
  s3.script = () => undefined;
  assert.equal((await listPoints(store)).length, 5);
  await assertRestores(store, trees.at(-1)!, root);
});

test('[case 39] an answer to a list that is cut short is an error, also when it says 200', async () => {
  const store = s3.store(name);
  await exportTree(smallTree(), store);
  s3.script = ({ operation }) => (operation === 'ListObjectsV2' ? { cut: 'in response' } : undefined);
  await assert.rejects(listPoints(store), /s3:ListBucket of .* failed/);
  // Truncated is said, and not where it goes on.
  s3.script = () => undefined;
  const bucket = s3.bucket(name);
  const list = bucket.list.bind(bucket);
  bucket.list = (...args) => list(...args).replace('<IsTruncated>false', '<IsTruncated>true');
  await assert.rejects(listPoints(store), /s3:ListBucket of .* failed/);
});

test('[case 39] more than a thousand points are all there', async () => {
  const bucket = s3.bucket(name);
  for (let day = 0; day < 1_001; day += 1) {
    const startedAt = new Date(MONDAY.getTime() + day * 1000).toISOString();
    const { store, manifestKey } = plant(new MemoryStore(), { volume: `v${day}`, startedAt });
    bucket.plant(manifestKey, store.objects.get(manifestKey)!);
  }
  const points = await listPoints(s3.store(name));
  assert.equal(points.length, 1_001);
  assert.ok(points.every(({ complete }) => complete));
  assert.equal(points[0]!.header!.volume, 'v1000');
});

test('[case 41] two exports at once, in the same millisecond: both are points, each with its own name', async () => {
  const store = s3.store(name);
  const [one, two] = [smallTree(), smallTree()];
  writeFileSync(join(two, 'conf/other'), 'only here');
  const outcomes = await Promise.all([exportTree(one, store), exportTree(two, store)]);
  assert.equal(new Set(outcomes.map(({ manifestKey }) => manifestKey)).size, 2);
  await assertRestores(store, outcomes[0].manifestKey, one);
  await assertRestores(store, outcomes[1].manifestKey, two);
  // Of the same tree: the packs are the same objects, and one of the two finds them there.
  const again = await Promise.all([1, 2, 3].map(() => exportTree(one, store, { at: hoursLater(1), fullRead: true })));
  for (const { manifestKey } of again) await assertRestores(store, manifestKey, one);
  assert.ok((await listPoints(store)).every(({ complete }) => complete));
});

test('[case 41] an export that S3 asks to wait for another write of the same key (409) does so', async () => {
  const store = s3.store(name);
  const root = smallTree();
  once(({ operation }) => operation === 'PutObject', { status: 409, code: 'ConditionalRequestConflict' }, 2);
  const { manifestKey } = await exportTree(root, store);
  await assertRestores(store, manifestKey, root);
});

const EVERY_FAULT: readonly (readonly [string, Fault])[] = [
  ['500', { status: 500, code: 'InternalError' }],
  ['503', { status: 503, code: 'SlowDown' }],
  ['cut in the request', { cut: 'in request' }],
  ['cut in the response', { cut: 'in response' }],
  ['cut instead of the response', { cut: 'instead of response' }],
  ['done but 500', { doneBut: 500, code: 'InternalError' }],
  ['200 with an error', { okWithError: 'InternalError' }],
  ['access denied', { status: 403, code: 'AccessDenied' }],
];

test('[case 42] any request of an export fails in any way: a whole point or none, and the points before are as they were', async () => {
  const failing = new Map<string, { request: number; readonly fault: Fault }>();
  s3.script = ({ bucket }) => {
    const script = failing.get(bucket);
    return script && (script.request -= 1) === 0 ? script.fault : undefined;
  };
  let runs = 0;
  let passed = 0;
  const tryRequests = async (what: string, fault: Fault, first: number) => {
    const root = smallTree();
    for (let request = first; ; request += SOAK ? 1 : 2) {
      const message = `${what}, request ${request}`;
      const own = `${name}-${what.replaceAll(' ', '-')}-${request}`;
      s3.bucket(own);
      const store = s3.store(own);
      const { manifestKey } = await exportTree(root, store);
      const before = describeTree(root);
      writeFileSync(join(root, 'new'), message);
      const script = { request, fault };
      failing.set(own, script);
      const outcome = await exportTree(root, store, { at: hoursLater(1) }).catch((error: Error) => error);
      failing.delete(own);
      const points = await listPoints(store);
      if (outcome instanceof Error) assert.ok(outcome instanceof ArchiveError, `${message}: ${outcome.stack}`);
      else {
        passed += 1;
        assert.equal(points[0]!.manifestKey, outcome.manifestKey, message);
      }
      for (const point of points) {
        assert.ok(point.complete, `${message}: ${point.problems.join()}`);
        if (point.manifestKey !== manifestKey) await assertRestores(store, point.manifestKey, root);
      }
      assert.deepEqual(describeTree(await restoreTree(store, manifestKey)), before, message);
      const next = await exportTree(root, store, { at: hoursLater(2) });
      await assertRestores(store, next.manifestKey, root);
      assert.deepEqual((await verifyArchive({ store, readData: true })).findings, [], message);
      rmSync(join(root, 'new'));
      runs += 1;
      if (script.request > 0) return;
    }
  };
  // Each request in half of the ways; in all of them in the soak.
  await Promise.all(EVERY_FAULT.map(([what, fault], index) => tryRequests(what, fault, SOAK ? 1 : 1 + (index % 2))));
  assert.ok(runs > EVERY_FAULT.length * (SOAK ? 8 : 4), `only ${runs} runs`);
  assert.ok(passed > runs / 2, `only ${passed} of ${runs} came through`);
});

test('[case 42] any request of a restore fails in any way: the whole tree or none of it', async () => {
  const root = smallTree();
  const store = s3.store(name);
  const { manifestKey } = await exportTree(root, store);
  for (const [what, fault] of EVERY_FAULT) {
    for (let failing = 1; ; failing += 1) {
      const from = s3.requests.length;
      s3.script = ({ number }) => (number === from + failing ? fault : undefined);
      const outcome = await assertRestores(store, manifestKey, root).catch((error: Error) => error);
      if (outcome instanceof Error) {
        assert.equal(outcome.name === 'AssertionError', false, `${what}, request ${failing}: ${outcome.message}`);
        // What only interrupts is tried again.
        assert.match(what, /200 with an error|access denied/, `${what}, request ${failing}: ${outcome.message}`);
      }
      if (s3.requests.length < from + failing) break;
    }
  }
});

test('[case 42] an answer that breaks off in the middle of its body is asked for again, and in the end named', async () => {
  const root = smallTree();
  const store = s3.store(name);
  const { manifestKey } = await exportTree(root, store);
  for (const folder of ['manifests/', 'pages/', 'packs/']) {
    const isMeant = ({ operation, key }: S3Request) => operation === 'GetObject' && key.startsWith(folder);
    const times = folder === 'packs/' ? 4 : 1;
    once(isMeant, { cut: 'in response' }, times);
    s3.requests.length = 0;
    await assertRestores(store, manifestKey, root);
    assert.equal(s3.requests.filter(isMeant).length, times + 1, folder);
    if (folder !== 'packs/') continue;
    // For ever: as many tries, and no half of it.
    s3.script = (request) => (isMeant(request) ? { cut: 'in response' } : undefined);
    s3.requests.length = 0;
    await assert.rejects(
      restoreTree(store, manifestKey),
      new RegExp(`s3:GetObject of s3://${name}/${folder}\\S+ failed: `),
    );
    assert.equal(s3.requests.filter(isMeant).length, 5, folder);
  }
});

test('[case 42] a connection that is reset after the body was sent: what was stored is found and not stored again', async () => {
  for (const folder of ['packs/', 'pages/', 'manifests/']) {
    const own = `${name}-${folder.slice(0, -1)}`;
    s3.bucket(own, { versioned: true });
    const root = smallTree();
    const store = s3.store(own);
    once(putOf(folder), { cut: 'instead of response' });
    s3.requests.length = 0;
    const { manifestKey } = await exportTree(root, store);
    await assertRestores(store, manifestKey, root);
    assert.equal((await listPoints(store)).length, 1, folder);
    const [key] = s3.bucket(own).keys(folder);
    // A manifest is written once; other objects that are there are written over, so that no prune takes them for old.
    assert.equal(s3.bucket(own).versions.get(key!)!.length, folder === 'manifests/' ? 1 : 2, folder);
    assert.deepEqual((await verifyArchive({ store, readData: true, threads: 0 })).findings, []);
  }
});

test('[case 42] a reset after another body was stored under the name of a manifest: not taken for this one', async () => {
  const store = s3.store(name);
  const bucket = s3.bucket(name);
  s3.script = (request) => {
    if (!putOf('manifests/')(request)) return undefined;
    bucket.plant(request.key, Buffer.from('not this'));
    return undefined;
  };
  await assert.rejects(exportTree(smallTree(), store), /bytes were written, 8 are stored/);
  assert.ok((await listPoints(store)).every(({ complete }) => !complete));
});

test('[case 42] S3 that is slow, in bursts or to the end: bounded tries, then a loud failure', async () => {
  const root = smallTree();
  const store = s3.store(name);
  once(() => true, { status: 503, code: 'SlowDown' }, 3);
  const { manifestKey } = await exportTree(root, store);
  await assertRestores(store, manifestKey, root);
  s3.requests.length = 0;
  s3.script = () => ({ status: 503, code: 'SlowDown' });
  await assert.rejects(exportTree(root, store, { at: hoursLater(1) }), /s3:ListBucket of s3:\/\/.* failed: /);
  assert.equal(s3.requests.length, 5);
  s3.requests.length = 0;
  s3.script = () => ({ hang: true });
  const impatient = s3.store(name, '', 300);
  await assert.rejects(
    exportTree(root, impatient, { at: hoursLater(1) }),
    /s3:ListBucket of s3:\/\/.* failed: .*time/i,
  );
  assert.equal(s3.requests.length, 5);
  s3.script = () => ({ delayMs: 50 });
  await assertRestores(store, (await exportTree(root, store, { at: hoursLater(1) })).manifestKey, root);
});

test('[case 42] the commands: status 2 and where it failed, and the point before is the newest', async () => {
  const root = smallTree();
  assert.equal((await command(s3, 'export', root, `s3://${name}/x`)).status, 0);
  s3.script = ({ operation }) => (operation === 'PutObject' ? { status: 500, code: 'InternalError' } : undefined);
  writeFileSync(join(root, 'new'), 'new');
  const failed = await command(s3, 'export', root, `s3://${name}/x`);
  assert.equal(failed.status, 2);
  assert.match(failed.stderr, new RegExp(`error: s3:PutObject of s3://${name}/x/packs/\\S+ failed: `));
  assert.equal(s3.bucket(name).keys('x/manifests/').length, 1);
});
