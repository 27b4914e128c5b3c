import assert from 'node:assert/strict';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, test } from 'node:test';
import { makeBaseline, RECORD_KEY } from '../../../lambda/baseline/make-baseline';
import { productVersionOf } from '../../../lambda/baseline/product-version';
import { MemoryStore } from '../../../lambda/archive/memory-store';

const folder = mkdtempSync(join(tmpdir(), 'baseline-'));
after(() => rmSync(folder, { recursive: true, force: true }));

let home: string;
beforeEach(() => {
  home = join(folder, 'wso2is');
  rmSync(home, { recursive: true, force: true });
  mkdirSync(join(home, 'bin'), { recursive: true });
  mkdirSync(join(home, 'repository/logs'), { recursive: true });
  writeFileSync(join(home, 'bin/wso2server.sh'), '#!/bin/sh\n', { mode: 0o755 });
  writeFileSync(join(home, 'repository/logs/wso2carbon.log'), 'log');
  writeFileSync(join(home, 'wso2carbon.pid'), '1');
  symlinkSync('bin', join(home, 'link'));
  writeFileSync(
    join(home, 'README.txt'),
    '==========================\nWSO2 Identity Server 7.1.0\n==========================\n\nWelcome to the WSO2 Identity Server 7.1.0 release.\n',
  );
});

const make = (store: MemoryStore, more: { lockUntil?: Date; dryRun?: boolean; directory?: string } = {}) =>
  makeBaseline({ store, deployment: 'prod', productVersion: '7.1.0', directory: home, ...more });
const store = (retention?: { mode: 'GOVERNANCE'; days: number }) =>
  new MemoryStore('baselines/prod/7.1.0/', undefined, retention ? { retention } : {});

test('made once; a second identical run says that it is there, and writes nothing', async () => {
  const baselines = store();
  const made = await make(baselines);
  assert.ok(made.outcome === 'made');
  assert.deepEqual([made.record?.productVersion, made.record?.files, made.lockedUntil], ['7.1.0', 2, null]);
  assert.deepEqual(
    made.exported.excluded.map(({ path }) => path),
    ['repository/logs/wso2carbon.log', 'wso2carbon.pid'],
  );
  const objects = [...baselines.objects.keys()].sort();
  // Times, and what the product writes when it runs, make no other baseline of it.
  cpSync(home, join(folder, 'another'), { recursive: true, verbatimSymlinks: true });
  writeFileSync(join(folder, 'another/repository/logs/more.log'), 'log');
  for (const directory of [home, join(folder, 'another')]) {
    assert.equal((await make(baselines, { directory })).outcome, 'is-there');
  }
  assert.deepEqual([...baselines.objects.keys()].sort(), objects);
});

for (const [what, change, path, kind] of [
  ['content', () => writeFileSync(join(home, 'bin/wso2server.sh'), '#!/bin/ba\n'), 'bin/wso2server.sh', 'content'],
  ['length', () => writeFileSync(join(home, 'bin/wso2server.sh'), 'x'), 'bin/wso2server.sh', 'content'],
  ['mode', () => chmodSync(join(home, 'bin/wso2server.sh'), 0o644), 'bin/wso2server.sh', 'mode'],
  ['a file more', () => writeFileSync(join(home, 'bin/patch.jar'), ''), 'bin/patch.jar', 'added'],
  ['a file less', () => rmSync(join(home, 'README.txt')), 'README.txt', 'removed'],
  ['another link', () => (rmSync(join(home, 'link')), symlinkSync('lib', join(home, 'link'))), 'link', 'target'],
  [
    'a file in place of a link',
    () => (rmSync(join(home, 'link')), writeFileSync(join(home, 'link'), '')),
    'link',
    'type',
  ],
] as const) {
  test(`another one for the same version is refused, and says how it differs: ${what}`, async () => {
    const baselines = store();
    await make(baselines);
    const objects = [...baselines.objects.keys()];
    change();
    const outcome = await make(baselines);
    assert.ok(outcome.outcome === 'differs');
    assert.deepEqual(outcome.differences, [{ path, change: kind }]);
    assert.deepEqual([...baselines.objects.keys()], objects);
  });
}

test('an attempt that ended before its record is no baseline: the next one makes it', async () => {
  const baselines = store();
  await make(baselines);
  baselines.objects.delete(RECORD_KEY);
  assert.equal((await make(baselines)).outcome, 'made');
});

test('of two at once one makes it, the other finds it', async () => {
  const baselines = store();
  const outcomes = await Promise.all([make(baselines), make(baselines)]);
  assert.deepEqual(outcomes.map(({ outcome }) => outcome).sort(), ['is-there', 'made']);
});

test('locked: every object that it needs, as long as the bucket says, or as asked', async () => {
  const later = new Date(Date.now() + 3650 * 86_400_000);
  for (const [lockUntil, days] of [
    [undefined, 30],
    [later, 3650],
  ] as const) {
    const baselines = store({ mode: 'GOVERNANCE', days: 30 });
    const made = await make(baselines, lockUntil ? { lockUntil } : {});
    assert.ok(made.outcome === 'made');
    assert.equal(Math.round((Date.parse(made.lockedUntil!) - Date.now()) / 86_400_000), days);
    for (const key of baselines.objects.keys()) {
      const { lockedUntil } = (await baselines.head(key))!;
      assert.equal(Math.round((lockedUntil!.getTime() - Date.now()) / 86_400_000), days, key);
    }
  }
});

test('a lock that the bucket cannot give is refused before anything is a baseline', async () => {
  const baselines = store();
  await assert.rejects(
    make(baselines, { lockUntil: new Date(Date.now() + 1e9) }),
    /has no object lock: leave out --lock-for/,
  );
  assert.equal(baselines.objects.has(RECORD_KEY), false);
});

test('a dry run writes nothing', async () => {
  const baselines = store();
  assert.equal((await make(baselines, { dryRun: true })).outcome, 'would-make');
  assert.equal(baselines.objects.size, 0);
});

test('the product version: as the readme of the distribution says', () => {
  assert.equal(productVersionOf(home), '7.1.0');
  writeFileSync(join(home, 'README.txt'), 'WSO2 Identity Server ${product.version}\n');
  assert.equal(productVersionOf(home), undefined);
  rmSync(join(home, 'README.txt'));
  assert.equal(productVersionOf(home), undefined);
});
