import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { diffPoints, DirectoryVolume, exportVolume, MemoryStore } from '../../../lambda/archive';
import { temporaryFolder } from './support/trees';

test('what differs between two points', async () => {
  const root = join(temporaryFolder(), 'repository');
  mkdirSync(join(root, 'd'), { recursive: true });
  for (const name of ['content', 'gone', 'mode', 'same', 'type']) writeFileSync(join(root, name), name);
  symlinkSync('a', join(root, 'link'));
  const store = new MemoryStore();
  const run = async (hour: number) =>
    (
      await exportVolume({
        volume: new DirectoryVolume(root),
        store,
        volumeName: 'repository',
        mountedAt: 'repository',
        now: () => new Date(Date.UTC(2099, 0, 5, hour)),
      })
    ).manifestKey;
  const before = await run(10);
  writeFileSync(join(root, 'content'), 'other');
  rmSync(join(root, 'gone'));
  chmodSync(join(root, 'mode'), 0o600);
  rmSync(join(root, 'type'));
  mkdirSync(join(root, 'type'));
  writeFileSync(join(root, 'type/inner'), '');
  unlinkSync(join(root, 'link'));
  symlinkSync('b', join(root, 'link'));
  const after = await run(11);
  const changes = async (a: string, b: string) => {
    const found: string[] = [];
    for await (const { path, change } of diffPoints(store, a, b)) found.push(`${change} ${path}`);
    return found;
  };
  assert.deepEqual(await changes(before, after), [
    'content content',
    'removed gone',
    'target link',
    'metadata mode',
    'type type',
    'added type/inner',
  ]);
  assert.deepEqual(await changes(after, before), [
    'content content',
    'added gone',
    'target link',
    'metadata mode',
    'type type',
    'removed type/inner',
  ]);
  assert.deepEqual(await changes(after, after), []);
});
