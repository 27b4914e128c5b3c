/**
 * Killed at any moment: the real commands as processes, ended by SIGKILL at each request to S3, before it is done and after,
 * and at random moments. Earlier points are as they were, the next run succeeds, and what was left behind goes away.
 */
import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, test } from 'node:test';
import { listPoints, prune, verifyArchive } from '../../../lambda/archive';
import { startCommand } from './support/command';
import { exportTree, restoreTree } from './support/engine';
import { ScriptedS3 } from './support/scripted-s3';
import { assertSameTree, describeTree, makeTree, noise, randomFrom, temporaryFolder } from './support/trees';
import { SOAK } from '../../soak';

const RANDOM_KILLS = SOAK ? 200 : 6;
const SEED = 20_261_124;

let s3: ScriptedS3;
before(async () => {
  s3 = await ScriptedS3.start();
});
after(() => s3.stop());

const sampleTree = () =>
  makeTree({
    'conf/deployment.toml': 'hostname = "is.example.com"\n',
    'tenants/1/a.xml': '<a/>'.repeat(500),
    'tenants/2/a.xml': '<a/>'.repeat(500),
    'large.jar': noise(1_500_000),
    'hard.jar': { hard: 'large.jar' },
    link: { link: 'conf' },
  });

interface Known {
  readonly manifestKey: string;
  readonly tree: readonly string[];
}

/** Points that there are by now. */
const pointsIn = (bucket: string) => new Set(s3.bucket(bucket).keys('x/manifests/'));

/** After a kill: nothing half is offered, what was there before is right, and the next export is a point. */
async function assertSound(
  bucket: string,
  root: string,
  known: Known[],
  before: ReadonlySet<string>,
  message: string,
): Promise<void> {
  const store = s3.store(bucket, 'x/');
  const points = await listPoints(store);
  for (const { complete, problems } of points) assert.ok(complete, `${message}: ${problems.join()}`);
  for (const { manifestKey, tree } of known) {
    assert.ok(
      points.some((point) => point.manifestKey === manifestKey),
      message,
    );
    assert.deepEqual(describeTree(await restoreTree(store, manifestKey)), tree, message);
  }
  // One that was committed and could not say so is the tree as it is.
  for (const { manifestKey } of points) {
    if (before.has(manifestKey)) continue;
    assertSameTree(await restoreTree(store, manifestKey), root, message);
  }
  const next = await exportTree(root, store, { at: new Date() });
  assertSameTree(await restoreTree(store, next.manifestKey), root, message);
  const { findings } = await verifyArchive({ store, readData: true, threads: 0 });
  assert.deepEqual(findings, [], message);
  known.push({ manifestKey: next.manifestKey, tree: describeTree(root) });
}

/** Nothing leaks for ever: after the time of grace, only what a point names is left. */
async function assertNothingLeft(bucket: string): Promise<void> {
  const store = s3.store(bucket, 'x/');
  // The store's clock tells seconds.
  await sleep(1_100);
  await prune({ store, policy: { last: 1 }, graceMs: 0, rewrite: false });
  const [point, ...others] = await listPoints(store);
  assert.equal(others.length, 0);
  const named = [...point!.header!.packs, ...point!.header!.pages].map(({ key }) => `x/${key}`);
  assert.deepEqual(s3.bucket(bucket).keys(), [...named, point!.manifestKey].sort());
}

async function killedAt(bucket: string, root: string, request: number, moment: 'before' | 'after'): Promise<boolean> {
  const { child, ended } = startCommand(s3, ['export', root, `s3://${bucket}/x`]);
  const from = s3.requests.length;
  const kill = async ({ number }: { number: number }) => {
    if (number !== from + request) return;
    child.kill('SIGKILL');
    await ended;
  };
  if (moment === 'before') {
    s3.script = async (own) => {
      await kill(own);
      // It is gone before the request was done.
      return own.number === from + request ? { cut: 'in request' } : undefined;
    };
  } else s3.afterwards = kill;
  const { signal, status, stderr } = await ended;
  s3.script = () => undefined;
  s3.afterwards = () => {};
  if (signal !== 'SIGKILL') assert.equal(status, 0, stderr);
  return signal === 'SIGKILL';
}

for (const moment of ['before', 'after'] as const) {
  test(`[case 40] an export killed ${moment} each request to S3 is done: the old export or the new, whole`, async () => {
    for (const kind of SOAK ? (['first', 'next'] as const) : ([moment === 'before' ? 'next' : 'first'] as const)) {
      const root = sampleTree();
      const bucket = `${moment}-${kind}`;
      const known: Known[] = [];
      for (let request = 1; ; request += 1) {
        if (kind === 'first') {
          s3.buckets.delete(bucket);
          known.length = 0;
        }
        s3.bucket(bucket);
        if (kind === 'next' && known.length === 0) await assertSound(bucket, root, known, pointsIn(bucket), 'first');
        writeFileSync(join(root, 'conf/deployment.toml'), `hostname = "${moment}-${kind}-${request}"\n`);
        const before = pointsIn(bucket);
        const killed = await killedAt(bucket, root, request, moment);
        if (!killed) {
          assert.ok(request > 6, `only ${request} requests`);
          break;
        }
        // The two points before it.
        await assertSound(bucket, root, known, before, `${kind}, killed ${moment} request ${request}`);
        if (known.length > 2) known.splice(0, known.length - 2);
      }
      await assertNothingLeft(bucket);
    }
  });
}

test(`[case 40] an export killed at ${RANDOM_KILLS} random moments (seed ${SEED})`, async () => {
  const random = randomFrom(SEED);
  const root = sampleTree();
  s3.bucket('random');
  const known: Known[] = [];
  await assertSound('random', root, known, pointsIn('random'), 'first');
  // Slow enough that most of the time is not the start of the process.
  s3.script = () => ({ delayMs: 10 });
  const started = performance.now();
  assert.equal((await startCommand(s3, ['export', root, 's3://random/x']).ended).status, 0);
  const duration = performance.now() - started;
  let killed = 0;
  for (let run = 0; run < RANDOM_KILLS; run += 1) {
    writeFileSync(join(root, 'conf/deployment.toml'), `hostname = "${run}"\n`);
    writeFileSync(join(root, `tenants/1/new-${run % 7}.jar`), noise(200_000, run));
    const before = pointsIn('random');
    s3.script = () => ({ delayMs: 10 });
    const { child, ended } = startCommand(s3, ['export', root, 's3://random/x']);
    const wait = sleep(random() * duration);
    await Promise.race([wait, ended]);
    child.kill('SIGKILL');
    if ((await ended).signal === 'SIGKILL') killed += 1;
    s3.script = () => undefined;
    await assertSound('random', root, known, before, `run ${run}`);
    if (known.length > 2) known.splice(0, known.length - 2);
  }
  assert.ok(killed > 0, 'none was killed');
  await assertNothingLeft('random');
});

test('[case 56] a restore killed at each request and at random moments, then run again: the same tree, and no half of it before', async () => {
  const root = sampleTree();
  s3.bucket('restore');
  await exportTree(root, s3.store('restore', 'x/'));
  const random = randomFrom(SEED);
  const folder = temporaryFolder();
  const target = join(folder, 'target');
  const again = async (message: string) => {
    assert.ok(
      !readdirSync(folder).includes('target') || describeTree(target).length === describeTree(root).length,
      message,
    );
    const { status, stderr } = await startCommand(s3, ['restore', 's3://restore/x', target, '--replace']).ended;
    assert.equal(status, 0, `${message}: ${stderr}`);
    assertSameTree(target, root, message);
    rmSync(target, { recursive: true });
  };
  for (let request = 1; ; request += 1) {
    const { child, ended } = startCommand(s3, ['restore', 's3://restore/x', target]);
    const from = s3.requests.length;
    s3.afterwards = async ({ number }) => {
      if (number !== from + request) return;
      child.kill('SIGKILL');
      await ended;
    };
    const { signal } = await ended;
    s3.afterwards = () => {};
    if (signal !== 'SIGKILL') {
      assertSameTree(target, root);
      rmSync(target, { recursive: true });
      assert.ok(request > 4, `only ${request} requests`);
      break;
    }
    assert.equal(readdirSync(folder).includes('target'), false);
    await again(`request ${request}`);
  }
  for (let run = 0; run < RANDOM_KILLS; run += 1) {
    const { child, ended } = startCommand(s3, ['restore', 's3://restore/x', target]);
    await Promise.race([sleep(150 + random() * 400), ended]);
    child.kill('SIGKILL');
    const { signal } = await ended;
    if (signal !== 'SIGKILL') rmSync(target, { recursive: true });
    await again(`run ${run}`);
  }
});

test('[case 56] a restore that replaces, killed at random moments: the old tree or the new one is there or kept, whole', async () => {
  const root = sampleTree();
  s3.bucket('replace');
  await exportTree(root, s3.store('replace', 'x/'));
  const random = randomFrom(SEED + 1);
  for (let run = 0; run < RANDOM_KILLS; run += 1) {
    const folder = temporaryFolder();
    const target = join(folder, 'target');
    mkdirSync(target);
    writeFileSync(join(target, 'mine'), 'mine');
    appendFileSync(join(target, 'mine'), String(run));
    const mine = describeTree(target);
    const { child, ended } = startCommand(s3, ['restore', 's3://replace/x', target, '--replace']);
    await Promise.race([sleep(150 + random() * 400), ended]);
    child.kill('SIGKILL');
    await ended;
    const names = readdirSync(folder);
    const kept = names.find((name) => name.startsWith('.target.replaced-'));
    assert.deepEqual(describeTree(kept === undefined ? target : join(folder, kept)), mine, `run ${run}`);
    if (kept !== undefined && names.includes('target')) assertSameTree(target, root, `run ${run}`);
    const { status, stderr } = await startCommand(s3, ['restore', 's3://replace/x', target, '--replace']).ended;
    assert.equal(status, 0, stderr);
    assertSameTree(target, root, `run ${run}`);
    assert.ok(statSync(dirname(target)).isDirectory());
  }
});
