/** A directory that did not change is not read again: its names are those that the parent has. Nothing may be missed by it. */
import assert from 'node:assert/strict';
import { lstatSync, mkdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { MemoryStore } from '../../../lambda/archive';
import { assertRestores, exportTree, hoursLater } from './support/engine';
import { faultyVolume, type VolumeScript } from './support/faulty-volume';
import { makeTree } from './support/trees';

/** `last` is in the way of the end of the page, behind which nothing is known. */
const tree = () => makeTree({ 'conf/a/x': 'x', 'conf/a-b': 'y', 'conf/b/y/z': 'z', 'conf/c': {}, last: 'l' });

/** Exports, and says which directories below the top were read. */
async function directoriesRead(root: string, store: MemoryStore, hours: number, script: VolumeScript = {}, more = {}) {
  const volume = faultyVolume(root, script);
  const { manifestKey } = await exportTree(root, store, { volume, at: hoursLater(hours), ...more });
  const read = volume.calls.flatMap((call) => (/^readDirectory ./.test(call) ? [call.slice(14)] : []));
  return { read, manifestKey };
}

test('of a tree that did not change none below the top is read; in a full read, all is', async () => {
  const [root, store] = [tree(), new MemoryStore()];
  const all = ['conf', 'conf/a', 'conf/b', 'conf/b/y', 'conf/c'];
  assert.deepEqual((await directoriesRead(root, store, 0)).read, all);
  const second = await directoriesRead(root, store, 1);
  assert.deepEqual(second.read, []);
  await assertRestores(store, second.manifestKey, root);
  assert.deepEqual((await directoriesRead(root, store, 2, {}, { fullRead: true })).read, all);
});

test('what was added, removed or renamed is seen, also where somebody set the time of the directory back', async () => {
  const [root, store] = [tree(), new MemoryStore()];
  await directoriesRead(root, store, 0);
  const before = lstatSync(join(root, 'conf/a'));
  writeFileSync(join(root, 'conf/a/new'), 'n');
  utimesSync(join(root, 'conf/a'), before.atime, before.mtime);
  rmSync(join(root, 'conf/b/y/z'));
  mkdirSync(join(root, 'conf/c/d'));
  const second = await directoriesRead(root, store, 1);
  assert.deepEqual(second.read, ['conf/a', 'conf/b/y', 'conf/c', 'conf/c/d']);
  await assertRestores(store, second.manifestKey, root);
  // Another directory in its place, with the same times.
  mkdirSync(join(root, 'conf/b2'));
  writeFileSync(join(root, 'conf/b2/other'), 'o');
  rmSync(join(root, 'conf/b'), { recursive: true });
  renameSync(join(root, 'conf/b2'), join(root, 'conf/b'));
  const third = await directoriesRead(root, store, 2);
  assert.deepEqual(third.read, ['conf', 'conf/b']);
  await assertRestores(store, third.manifestKey, root);
});

test('a directory of which the parent does not have everything is read again', async () => {
  const [root, store] = [
    makeTree({ 'a/logs/1': '1', 'b/file': 'f', 'c/wso2carbon.pid': '1', last: 'l' }),
    new MemoryStore(),
  ];
  let broken = true;
  const script: VolumeScript = {
    readDirectory(path) {
      if (path === 'a/logs' && broken) throw Object.assign(new Error('input/output error'), { code: 'EIO' });
    },
    stat(path) {
      if (path === 'b/file' && broken) throw Object.assign(new Error('input/output error'), { code: 'EIO' });
    },
  };
  await directoriesRead(root, store, 0, script);
  broken = false;
  const second = await directoriesRead(root, store, 1, script);
  // What holds the one that failed is read too.
  assert.deepEqual(second.read, ['a', 'a/logs', 'b', 'c']);
  rmSync(join(root, 'c/wso2carbon.pid'));
  const third = await directoriesRead(root, store, 2, script);
  assert.deepEqual(third.read, ['c']);
  await assertRestores(store, third.manifestKey, root);
});

test('a directory that changed shortly before the parent was begun is read again: it may have changed once more', async () => {
  const [root, store] = [tree(), new MemoryStore()];
  const changed = lstatSync(join(root, 'conf/a')).ctime;
  await exportTree(root, store, { at: new Date(changed.getTime() + 1_500) });
  assert.deepEqual((await directoriesRead(root, store, 1)).read, ['conf', 'conf/a', 'conf/b', 'conf/b/y', 'conf/c']);
});

test('a directory whose entries go on in the next page, or for long, is read again', async () => {
  const names = Array.from({ length: 120 }, (_, index) => `long/${1000 + index}`);
  const root = makeTree({ ...Object.fromEntries(names.map((name) => [name, name])), 'short/a': 'a', z: 'z' });
  const store = new MemoryStore();
  await directoriesRead(root, store, 0);
  assert.deepEqual((await directoriesRead(root, store, 1)).read, ['long']);
  rmSync(join(root, 'z'));
  // Nothing is behind `short` any more.
  await directoriesRead(root, store, 2);
  const last = await directoriesRead(root, store, 3);
  assert.deepEqual(last.read, ['long', 'short']);
  await assertRestores(store, last.manifestKey, root);
});
