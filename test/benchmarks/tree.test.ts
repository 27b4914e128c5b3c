import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { zstdCompressSync } from 'node:zlib';
import { differences, fingerprint } from '../../benchmarks/tree/compare';
import { contentOf } from '../../benchmarks/tree/content';
import { layout, TREE_SIZES, type TreeSize } from '../../benchmarks/tree/layout';
import { mutate, mutationOf } from '../../benchmarks/tree/mutation';
import { Tree } from '../../benchmarks/tree/tree';

const SMALL: TreeSize = { name: 'S', files: 300, bytes: 3e6, tenants: 10, libraries: 5, libraryBytes: 2e6 };
const sha256 = (data: string | Buffer) => createHash('sha256').update(data).digest('hex');

describe('the layout of a tree', () => {
  test('M is what the targets are for; L is ten times M', () => {
    assert.deepEqual(TREE_SIZES.M, {
      name: 'M',
      files: 100_000,
      bytes: 900e6,
      tenants: 5_000,
      libraries: 1_200,
      libraryBytes: 600e6,
    });
    assert.equal(TREE_SIZES.L.files, 1_000_000);
    assert.equal(TREE_SIZES.L.bytes, 9e9);
  });

  test('has the files, bytes and tenants of its size, each path once', () => {
    const { files } = layout(SMALL, '1');
    assert.equal(files.length, 300);
    assert.equal(new Set(files.map(({ path }) => path)).size, 300);
    const bytes = (kind: string) =>
      files.filter((file) => file.kind === kind).reduce((sum, file) => sum + file.bytes, 0);
    assert.ok(Math.abs(bytes('library') - 2e6) < 10, `${bytes('library')} bytes of libraries`);
    assert.ok(Math.abs(bytes('text') - 1e6) < 300, `${bytes('text')} bytes of text`);
    const tenants = new Set(files.map(({ path }) => /tenants\/(\d+)\//.exec(path)?.[1]).filter(Boolean));
    assert.equal(tenants.size, 10);
  });

  test('is the same for the same seed, and another for another', () => {
    // Changes with the generator: then LAYOUT_VERSION goes up too, or trees on disk are not what they are called.
    assert.equal(
      sha256(JSON.stringify(layout(SMALL, '1'))),
      'f68388c26c0a6ad9ff7b5b6750eb2a636c300d69bc0874cdae87582037f0d4ac',
    );
    assert.notDeepEqual(layout(SMALL, '1'), layout(SMALL, '2'));
  });

  test('tenants share the content that the product gives them', () => {
    const { files } = layout(SMALL, '1');
    const contents = new Set(files.map(({ contentKey }) => contentKey)).size;
    assert.equal(contents, 239);
  });
});

describe('content', () => {
  test('depends on its key alone and has its length', () => {
    const text = contentOf({ kind: 'text', contentKey: 'a', bytes: 5000 });
    assert.equal(text.length, 5000);
    assert.equal(sha256(text), '0cc16508cd869c2fd50f2905deab9ef4521ea1d2b38ba40dcb00bbdbdd025a25');
    const library = contentOf({ kind: 'library', contentKey: 'a', bytes: 200_001 });
    assert.equal(library.length, 200_001);
    assert.equal(sha256(library), '7ca8331bd9e0511b3519aecf7cc85f90030fc748c1b4197060bab3a3003e87c8');
    assert.notDeepEqual(contentOf({ kind: 'text', contentKey: 'b', bytes: 5000 }), text);
  });

  test('libraries hardly compress, text does', () => {
    const part = (kind: 'text' | 'library', bytes: number) =>
      zstdCompressSync(contentOf({ kind, contentKey: 'x', bytes })).length / bytes;
    const library = part('library', 1_000_000);
    assert.ok(library > 0.93 && library < 0.97, `library ${library}`);
    const text = part('text', 10_000);
    assert.ok(text > 0.15 && text < 0.35, `text ${text}`);
  });
});

describe('a mutation', () => {
  const { files } = layout({ ...SMALL, files: 2000, bytes: 5e6 }, '1');

  test('changes 0.8 %, adds 0.1 % and removes 0.1 %, the same files for the same seed', () => {
    const mutation = mutationOf(files, '1', 1);
    assert.deepEqual([mutation.changed.length, mutation.added.length, mutation.removed.length], [16, 2, 2]);
    assert.deepEqual(mutationOf(files, '1', 1), mutation);
    assert.notDeepEqual(mutationOf(files, '1', 2), mutation);
  });

  test('touches no file twice; what is changed has other content, what is added another path', () => {
    const { changed, added, removed } = mutationOf(files, '1', 1);
    assert.equal(new Set([...changed, ...added, ...removed].map(({ path }) => path)).size, 20);
    const before = new Map(files.map((file) => [file.path, file]));
    for (const file of changed) assert.notDeepEqual(contentOf(file), contentOf(before.get(file.path)!));
    for (const { path } of added) assert.equal(before.has(path), false);
    assert.equal(mutate(files, { changed, added, removed }).length, 2000);
  });
});

describe('a tree on disk', () => {
  const cache = mkdtempSync(join(tmpdir(), 'bench-tree-'));
  after(() => rmSync(cache, { recursive: true, force: true }));

  test('is what its layout says, mutates, and comes back', () => {
    const tree = Tree.open(cache, SMALL, '1');
    const original = fingerprint(tree.root);
    const [file] = tree.files;
    assert.deepEqual(readFileSync(join(tree.root, file!.path)), contentOf(file!));
    assert.equal(
      fingerprint(tree.root).get('repository/tenants/1/jaggeryapps')!.content,
      'a link to ../../deployment/server/jaggeryapps',
    );
    tree.mutate();
    tree.mutate();
    // Two files changed, one added and one removed, twice.
    assert.equal(differences(original, fingerprint(tree.root), 'everything', 99).length, 8);
    tree.reset();
    assert.deepEqual(differences(original, fingerprint(tree.root), 'everything'), []);
  });

  test('is brought back when it is opened after a run that was cut off', () => {
    const original = fingerprint(Tree.open(cache, SMALL, '2').root);
    Tree.open(cache, SMALL, '2').mutate();
    assert.deepEqual(differences(original, fingerprint(Tree.open(cache, SMALL, '2').root), 'everything'), []);
  });

  test('that was never finished is made anew', () => {
    const { root } = Tree.open(cache, SMALL, '3');
    const original = fingerprint(root);
    rmSync(join(root, '..', 'complete.json'));
    rmSync(join(root, 'repository', 'conf'), { recursive: true });
    assert.deepEqual(differences(original, fingerprint(Tree.open(cache, SMALL, '3').root), 'everything'), []);
  });
});

describe('comparing trees', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'bench-compare-'));
  after(() => rmSync(scratch, { recursive: true, force: true }));

  const make = (name: string, change: (root: string) => void = () => {}) => {
    const root = join(scratch, name);
    mkdirSync(join(root, 'folder'), { recursive: true });
    mkdirSync(join(root, 'empty'));
    writeFileSync(join(root, 'folder', 'file'), 'content');
    symlinkSync('folder/file', join(root, 'link'));
    chmodSync(join(root, 'folder', 'file'), 0o640);
    utimesSync(join(root, 'folder', 'file'), 1000, 1000);
    change(root);
    return fingerprint(root);
  };
  const file = (root: string) => join(root, 'folder', 'file');
  const sameSecond = (root: string) => utimesSync(file(root), 1000, 1000);
  const expected = make('expected');

  const cases: readonly [string, (root: string) => void, 'everything' | 'content', RegExp | undefined][] = [
    ['the same', () => {}, 'everything', undefined],
    [
      'content of the same length',
      (root) => (writeFileSync(file(root), 'CONTENT'), sameSecond(root)),
      'content',
      /^folder\/file: .*SHA-256/,
    ],
    ['a file that is missing', (root) => rmSync(file(root)), 'content', /^folder\/file: .*got nothing$/],
    ['a file too many', (root) => writeFileSync(join(root, 'more'), ''), 'content', /^more: expected nothing/],
    ['another mode', (root) => chmodSync(file(root), 0o644), 'everything', /^folder\/file: .*mode 640.*mode 644/],
    ['another mode, content alone', (root) => chmodSync(file(root), 0o644), 'content', undefined],
    ['another time', (root) => utimesSync(file(root), 1000, 1001), 'everything', /^folder\/file: .*00:16:40.*00:16:41/],
    [
      'another link',
      (root) => (rmSync(join(root, 'link')), symlinkSync('folder', join(root, 'link'))),
      'content',
      /^link: .*a link to folder\/file; got a link to folder$/,
    ],
    [
      'an empty directory that is missing',
      (root) => rmSync(join(root, 'empty'), { recursive: true }),
      'everything',
      /^empty: /,
    ],
    [
      'an empty directory that is missing, content alone',
      (root) => rmSync(join(root, 'empty'), { recursive: true }),
      'content',
      undefined,
    ],
  ];
  for (const [name, change, of, message] of cases) {
    test(name, () => {
      const found = differences(expected, make(name.replaceAll(/\W/g, '-'), change), of);
      if (message === undefined) assert.deepEqual(found, []);
      else {
        assert.equal(found.length, 1);
        assert.match(found[0]!, message);
      }
    });
  }

  test('says at most so many lines', () => {
    const none = fingerprint(mkdtempSync(join(scratch, 'none-')));
    assert.equal(differences(expected, none, 'everything', 2).length, 2);
  });
});
