// Points that somebody else made: whoever can write to the bucket is not thereby the one who exports.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import {
  type Authenticator,
  choosePoint,
  encodeManifest,
  listPoints,
  manifestName,
  type ManifestHeader,
  MemoryStore,
  prune,
  verifyArchive,
} from '../../../lambda/archive';
import { readHeader, readSigned } from '../../../lambda/archive/points';
import { daysLater, exportTree, hoursLater, MONDAY } from './support/engine';
import { HmacAuthenticator } from './support/hmac-authenticator';
import { temporaryFolder } from './support/trees';

const PREFIX = 'archives/prod/repository/';

function tree(): string {
  const root = join(temporaryFolder(), 'repository');
  mkdirSync(join(root, 'conf'), { recursive: true });
  writeFileSync(join(root, 'conf/deployment.toml'), 'hostname = "is.example.com"\n');
  return root;
}

async function signedArchive() {
  const root = tree();
  const store = new MemoryStore(PREFIX);
  const authenticator = new HmacAuthenticator();
  const { manifestKey } = await exportTree(root, store, { authenticator });
  return { root, store, authenticator, manifestKey };
}

/** As whoever may write to the bucket can: everything is right but who wrote it. */
function put(store: MemoryStore, header: ManifestHeader, mac?: Parameters<typeof encodeManifest>[1], name?: Date) {
  const body = encodeManifest(header, mac);
  const sha256 = createHash('sha256').update(body).digest('hex');
  const key = manifestName(name ?? new Date(header.startedAt), sha256);
  store.objects.set(key, body);
  return store.prefix + key;
}

async function problemsOf(store: MemoryStore, manifestKey: string, authenticator?: Authenticator) {
  const point = (await listPoints(store, authenticator)).find((each) => each.manifestKey === manifestKey);
  assert.equal(point?.complete, point?.problems.length === 0);
  return { problems: point?.problems, signature: point?.signature };
}

describe('who made a point', () => {
  it('what was exported with the key is good, with the key and without asking', async () => {
    const { store, authenticator, manifestKey } = await signedArchive();
    assert.deepEqual(await problemsOf(store, manifestKey, authenticator), { problems: [], signature: 'right' });
    assert.deepEqual(await problemsOf(store, manifestKey), { problems: [], signature: 'not checked' });
    assert.deepEqual((await verifyArchive({ store, threads: 0, authenticator })).findings, []);
    const { mac } = await readSigned(store, manifestKey);
    assert.equal(mac?.archive, PREFIX);
    assert.equal(mac?.key, 'mrk-1');
  });

  it('unsigned: refused, or good where that is said', async () => {
    const store = new MemoryStore(PREFIX);
    const { manifestKey } = await exportTree(tree(), store);
    const refused = ['the manifest is not signed: nothing says who wrote it'];
    assert.deepEqual(await problemsOf(store, manifestKey, new HmacAuthenticator()), {
      problems: refused,
      signature: 'none',
    });
    const lenient = new HmacAuthenticator('production', true);
    assert.deepEqual(await problemsOf(store, manifestKey, lenient), { problems: [], signature: 'none' });
  });

  it('forged: made with another secret, changed, or its MAC taken off; the point before it is chosen', async () => {
    const { store, authenticator, manifestKey } = await signedArchive();
    const { header, mac } = await readSigned(store, manifestKey);
    const later = { ...header, startedAt: hoursLater(1).toISOString(), endedAt: hoursLater(1).toISOString() };

    const changed = put(store, later, mac);
    assert.deepEqual((await problemsOf(store, changed, authenticator)).problems, ['its MAC is wrong']);
    const bare = put(store, later);
    assert.match((await problemsOf(store, bare, authenticator)).problems?.[0] ?? '', /is not signed/);
    const otherKey = put(store, later, { ...mac!, key: 'mrk-2' });
    assert.deepEqual((await problemsOf(store, otherKey, authenticator)).problems, ['another key, mrk-2']);

    const chosen = await choosePoint(store, undefined, { authenticator });
    assert.equal(chosen.manifestKey, manifestKey);
    assert.equal(chosen.passedOver.length, 3);
    assert.notEqual((await choosePoint(store)).manifestKey, manifestKey);
    const { findings } = await verifyArchive({ store, threads: 0, authenticator });
    assert.deepEqual(findings.map(({ key }) => key).sort(), [changed, bare, otherKey].sort());
  });

  it('moved: into another archive, with the place it says changed, and to another time by its name', async () => {
    const { store, authenticator, manifestKey } = await signedArchive();
    const other = new MemoryStore('archives/other/repository/', new Map(store.objects));
    const moved = manifestKey.replace('prod', 'other');
    assert.deepEqual((await problemsOf(other, moved, authenticator)).problems, [
      'the manifest was signed for the archive archives/prod/repository/, and is in archives/other/repository/: it was put where it does not belong',
    ]);
    const { header, mac } = await readSigned(store, manifestKey);
    const relabelled = put(other, header, { ...mac!, archive: other.prefix });
    assert.deepEqual((await problemsOf(other, relabelled, authenticator)).problems, ['its MAC is wrong']);

    const renamed = put(store, header, mac, daysLater(1));
    assert.deepEqual((await problemsOf(store, renamed)).problems, [
      "the manifest is of 2099-01-05T10:00:00.000Z, and its name says another time: it was put under another's name",
    ]);
  });

  it('an export takes nothing from a point that is not authentic, and says so', async () => {
    const { root, store, authenticator, manifestKey } = await signedArchive();
    const forged = put(store, {
      ...(await readHeader(store, manifestKey)),
      startedAt: hoursLater(1).toISOString(),
      endedAt: hoursLater(1).toISOString(),
    });
    const after = await exportTree(root, store, { authenticator, at: hoursLater(2) });
    const { parent } = await readHeader(store, after.manifestKey);
    assert.equal(store.prefix + 'manifests/' + parent, manifestKey);
    assert.deepEqual(after.warnings, [
      {
        path: forged,
        reason: 'an earlier point is not authentic: the manifest is not signed: nothing says who wrote it',
      },
    ]);
  });

  it('prune signs what it writes anew, nothing that was not signed, and does not begin where it could not', async () => {
    const root = tree();
    const now = () => daysLater(3);
    const store = new MemoryStore(PREFIX, new Map(), { now });
    const authenticator = new HmacAuthenticator('production', true);
    const large = join(root, 'large');
    writeFileSync(large, randomText(3_000_000));
    await exportTree(root, store, { authenticator });
    writeFileSync(large, 'small now');
    await exportTree(root, store, { at: daysLater(1) });
    await exportTree(root, store, { at: daysLater(2), authenticator });

    const options = { store, policy: { last: 2 }, graceMs: 0, now };
    await assert.rejects(
      prune(options),
      /the points are signed \(.*\), and prune could write some anew without a signature/,
    );
    assert.equal((await listPoints(store)).length, 3);
    const { rewrittenPacks } = await prune({ ...options, authenticator });
    assert.equal(rewrittenPacks, 1);
    assert.deepEqual(
      (await listPoints(store, authenticator)).map(({ complete, signature }) => ({ complete, signature })),
      [
        { complete: true, signature: 'right' },
        { complete: true, signature: 'none' },
      ],
    );
  });

  it('a MAC that is none is damage', async () => {
    const { store, manifestKey } = await signedArchive();
    const header = await readHeader(store, manifestKey);
    const broken = put(store, header, { archive: PREFIX } as never);
    assert.deepEqual((await problemsOf(store, broken)).problems, [
      "the manifest's MAC has a field that is missing or of the wrong type",
    ]);
  });
});

/** Does not compress, so that it fills a pack. */
function randomText(bytes: number): Buffer {
  const out = Buffer.alloc(bytes);
  let seed = createHash('sha256').update(String(MONDAY.getTime())).digest();
  for (let at = 0; at < bytes; at += seed.length) {
    seed = createHash('sha256').update(seed).digest();
    seed.copy(out, at);
  }
  return out;
}
