import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { DirectoryVolume, exportVolume, MemoryStore, restorePoint } from '../../../lambda/archive';
import { temporaryFolder } from './support/trees';

async function archive() {
  const root = join(temporaryFolder(), 'repository');
  for (const path of ['conf', 'deployment/server']) mkdirSync(join(root, path), { recursive: true });
  writeFileSync(join(root, 'conf/deployment.toml'), 'old');
  writeFileSync(join(root, 'deployment/server/app.war'), 'old');
  const store = new MemoryStore();
  const { manifestKey } = await exportVolume({
    volume: new DirectoryVolume(root),
    store,
    volumeName: 'repository',
    mountedAt: 'repository',
  });
  const target = join(temporaryFolder(), 'live');
  for (const path of ['conf', 'deployment/server']) mkdirSync(join(target, path), { recursive: true });
  writeFileSync(join(target, 'conf/deployment.toml'), 'broken');
  writeFileSync(join(target, 'deployment/server/app.war'), 'new');
  return { store, manifestKey, target };
}

test('the whole target is replaced, and kept beside it', async () => {
  const { store, manifestKey, target } = await archive();
  const { replaced } = await restorePoint({ store, manifestKey, target, replace: true });
  const keptAt = join(target, '../.live.replaced-1');
  assert.deepEqual(replaced, [{ path: target, keptAt }]);
  assert.equal(readFileSync(join(target, 'conf/deployment.toml'), 'utf8'), 'old');
  assert.equal(readFileSync(join(keptAt, 'conf/deployment.toml'), 'utf8'), 'broken');
  await restorePoint({ store, manifestKey, target, replace: true });
  assert.deepEqual(readdirSync(join(target, '..')), ['.live.replaced-1', '.live.replaced-2', 'live']);
});

test('one path is replaced, and what stands beside it stays', async () => {
  const { store, manifestKey, target } = await archive();
  await restorePoint({ store, manifestKey, target, paths: ['deployment/server'], replace: true });
  assert.equal(readFileSync(join(target, 'deployment/server/app.war'), 'utf8'), 'old');
  assert.equal(readFileSync(join(target, 'deployment/.server.replaced-1/app.war'), 'utf8'), 'new');
  assert.equal(readFileSync(join(target, 'conf/deployment.toml'), 'utf8'), 'broken');
  assert.deepEqual(readdirSync(target), ['conf', 'deployment']);
});

test('a restore that fails leaves the target as it was', async () => {
  const { store, manifestKey, target } = await archive();
  for (const [key, body] of store.objects) if (key.startsWith('packs/')) body[60]! ^= 1;
  await assert.rejects(restorePoint({ store, manifestKey, target, replace: true }));
  await assert.rejects(restorePoint({ store, manifestKey, target, paths: ['conf'], replace: true }));
  assert.equal(readFileSync(join(target, 'conf/deployment.toml'), 'utf8'), 'broken');
  assert.deepEqual(readdirSync(target), ['conf', 'deployment']);
  assert.deepEqual(readdirSync(join(target, '..')), ['live']);
});

test('a dry run counts and writes nothing', async () => {
  const { store, manifestKey, target } = await archive();
  const elsewhere = join(target, '../other');
  const outcome = await restorePoint({ store, manifestKey, target: elsewhere, dryRun: true });
  assert.equal(outcome.files, 2);
  assert.equal(outcome.directories, 3);
  assert.equal(existsSync(elsewhere), false);
  await assert.rejects(restorePoint({ store, manifestKey, target, dryRun: true }), /the target must not exist yet/);
});

test('a page that is lost costs its entries and no others', async () => {
  const { store, manifestKey, target } = await archive();
  for (const [key, body] of store.objects) if (key.startsWith('pages/')) body[10]! ^= 1;
  const elsewhere = join(target, '../other');
  await assert.rejects(restorePoint({ store, manifestKey, target: elsewhere }), /the page is cut short or was changed/);
  const { damages, files } = await restorePoint({ store, manifestKey, target: elsewhere, keepGoing: true });
  assert.equal(files, 0);
  assert.match(damages[0]!.problem, /the entries of this page are lost/);
});
