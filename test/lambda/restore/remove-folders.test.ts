import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, it } from 'node:test';
import { removeFolders } from '../../../lambda/restore/remove-folders';

let root: string;
before(() => (root = mkdtempSync(join(tmpdir(), 'remove-folders-'))));
after(() => rmSync(root, { recursive: true }));

const names = Array.from({ length: 20 }, (_, index) => `folder-${index}`);
const fill = () => {
  for (const name of names) {
    for (const inside of ['a/b', 'c']) mkdirSync(join(root, name, inside), { recursive: true });
    writeFileSync(join(root, name, 'a/b/file'), 'content');
  }
};

it('two at the same time remove everything, and each folder is said to be removed once', async () => {
  fill();
  const both = await Promise.all([removeFolders(root, names), removeFolders(root, names)]);
  assert.deepEqual(readdirSync(root), []);
  assert.deepEqual(
    both.flatMap(({ failed }) => failed),
    [],
  );
  assert.deepEqual(both.flatMap(({ folders }) => folders).sort(), [...names].sort());
});

it('one that cannot be removed is said with its reason, and keeps no other', async () => {
  fill();
  const wrong = `${'x'.repeat(300)}`;
  const { folders, failed } = await removeFolders(root, [wrong, ...names]);
  assert.deepEqual(folders, names);
  assert.deepEqual(
    failed.map(({ folder }) => folder),
    [wrong],
  );
  assert.match(failed[0]!.reason, /^ENAMETOOLONG/);
});

it('of a link removes the link, not where it leads', async () => {
  const outside = join(root, 'outside');
  mkdirSync(outside);
  writeFileSync(join(outside, 'kept'), '');
  symlinkSync(outside, join(root, 'link'));
  assert.deepEqual(await removeFolders(root, ['link', 'none']), { folders: ['link'], failed: [] });
  assert.ok(existsSync(join(outside, 'kept')));
});
