import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Frontier, type TakenHole } from '../../../lambda/archive/export/frontier';
import type { HoleItem } from '../../../lambda/archive/export/item';

const holes = (...paths: string[]) => paths.map((path): HoleItem => ({ kind: 'hole', path }));
const pathsOf = (taken: readonly TakenHole[] | undefined) => taken?.map(({ hole }) => hole.path);

test('what is open is divided among the takers, however much one of them could do', () => {
  const frontier = new Frontier(holes('a', 'b', 'c'));
  const first = frontier.take(1000, 2);
  assert.deepEqual(pathsOf(first), ['a', 'b']);
  assert.deepEqual(pathsOf(frontier.take(1000, 2)), ['c']);
  assert.equal(frontier.take(1000, 2), undefined);
  assert.equal(frontier.hasHoles(), false);
  // What is in a hole, or what was not begun, is open again.
  first![0]!.replace(holes('a/1', 'a/2', 'a/3'));
  first![1]!.replace(holes('b'));
  assert.equal(frontier.hasHoles(), true);
  assert.deepEqual(pathsOf(frontier.take(1000, 4)), ['a/1']);
  assert.deepEqual(pathsOf(frontier.take(1000, 1)), ['a/2', 'a/3', 'b']);
});

test('what waits is taken once it is known what is stored, and leaves the others their share until then', () => {
  const waiting = (path: string): HoleItem => ({ kind: 'hole', path, names: 'f', waits: true });
  const frontier = new Frontier([waiting('a'), ...holes('b'), waiting('c'), ...holes('d')]);
  assert.deepEqual(pathsOf(frontier.take(1000, 2, false)), ['b']);
  assert.deepEqual(pathsOf(frontier.take(1000, 2, false)), ['d']);
  assert.equal(frontier.take(1000, 2, false), undefined);
  assert.equal(frontier.hasHoles(), true);
  assert.deepEqual(pathsOf(frontier.take(1000, 1, true)), ['a']);
  assert.deepEqual(pathsOf(frontier.take(1000, 1, true)), ['c']);
  assert.equal(frontier.hasHoles(), false);
});

test('what a visit leaves waits too', () => {
  const frontier = new Frontier(holes('a'));
  frontier.take(1000)![0]!.replace([{ kind: 'hole', path: 'a', names: 'f', waits: true }, ...holes('a/b')]);
  assert.deepEqual(pathsOf(frontier.take(1000, 1, false)), ['a/b']);
  assert.deepEqual(
    frontier.left().map((item) => item.kind === 'hole' && [item.path, item.waits]),
    [
      ['a', true],
      ['a/b', undefined],
    ],
  );
});
