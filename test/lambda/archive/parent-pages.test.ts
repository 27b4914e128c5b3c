/** Pages of the parent, in memory that is used again: never while somebody looks at it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryStore, pageKey } from '../../../lambda/archive';
import { linesOfPage, ParentPageCache, type SharedPage } from '../../../lambda/archive/export/parent-pages';
import { encodePage } from '../../../lambda/archive/page';

const textOf = (name: string) => `{"path":"${name}"}\n`.repeat(1000);

function cacheOf(names: readonly string[], keptBytes: number) {
  const store = new MemoryStore();
  const reads: string[] = [];
  const pages = names.map((name) => {
    const { bytes, sha256, first } = encodePage(Buffer.from(textOf(name)));
    store.objects.set(pageKey(sha256), Buffer.from(bytes));
    return { key: pageKey(sha256), bytes: bytes.length, first };
  });
  const get = store.get.bind(store);
  store.get = async (key) => {
    reads.push(names[pages.findIndex((page) => page.key === key)]!);
    return get(key);
  };
  return { cache: new ParentPageCache(store, pages, () => false, keptBytes), reads };
}

const read = (page: SharedPage) => linesOfPage(page).toString();

test('the memory of a page that somebody looks at holds that page, whatever else is read meanwhile', async () => {
  const { cache } = cacheOf(['a', 'b', 'c', 'd'], 0);
  const first = await cache.get({ page: 0, done: [] });
  for (const [page, name] of [
    [1, 'b'],
    [2, 'c'],
    [3, 'd'],
  ] as const) {
    assert.equal(read(await cache.get({ page, done: [] })), textOf(name));
    cache.done(page);
  }
  assert.equal(read(first), textOf('a'));
});

test('what two look at is used again when both are done', async () => {
  const { cache } = cacheOf(['a', 'b', 'c', 'd', 'e', 'f'], 0);
  const first = await cache.get({ page: 0, done: [] });
  const again = await cache.get({ page: 0, done: [] });
  assert.equal(again.memory, first.memory);
  await cache.get({ page: 2, done: [0] });
  const other = await cache.get({ page: 4, done: [2] });
  assert.equal(read(first), textOf('a'));
  assert.notEqual(other.memory, first.memory);
  cache.done(0);
  // Of those that come now, one gets the memory of the first.
  const memories = [];
  for (const page of [1, 3, 5]) memories.push((await cache.get({ page, done: [] })).memory);
  assert.ok(memories.includes(first.memory));
});

test('what is kept is not read again, what was let go is', async () => {
  const bytes = textOf('a').length;
  const { cache, reads } = cacheOf(['a', 'b', 'c', 'd'], 3 * bytes);
  for (const page of [0, 1, 2, 3]) {
    await cache.get({ page, done: [] });
    cache.done(page);
  }
  assert.deepEqual(reads, ['a', 'b', 'c', 'd']);
  await cache.get({ page: 3, done: [] });
  assert.deepEqual(reads, ['a', 'b', 'c', 'd']);
  await cache.get({ page: 0, done: [3] });
  assert.deepEqual(reads, ['a', 'b', 'c', 'd', 'a']);
});
