// The rounds with contenders that are a copy by the shell: what they keep, and what is done with what they break.
import assert from 'node:assert/strict';
import { S3Client } from '@aws-sdk/client-s3';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, describe, test } from 'node:test';
import type { Archive, Contender } from '../../benchmarks/contenders/contender';
import { CommandFailed } from '../../benchmarks/measure/execute';
import { TreesDiffer } from '../../benchmarks/operations/archive-of';
import { TIMED, type Timed } from '../../benchmarks/operations/names';
import { runRounds, type Rounds } from '../../benchmarks/operations/rounds';
import { differences, fingerprint } from '../../benchmarks/tree/compare';
import { type TreeSize } from '../../benchmarks/tree/layout';
import { Tree } from '../../benchmarks/tree/tree';

const SMALL: TreeSize = { name: 'S', files: 100, bytes: 2e5, tenants: 5, libraries: 2, libraryBytes: 1e5 };
const scratch = mkdtempSync(join(tmpdir(), 'bench-rounds-'));
after(() => rmSync(scratch, { recursive: true, force: true }));
const tree = Tree.open(scratch, SMALL, '1');
const journal = join(scratch, 'journal');
beforeEach(() => writeFileSync(journal, ''));

class EmptyServer extends S3Client {
  override send = (() => Promise.resolve({ Contents: [{ Size: 3 }, { Size: 4 }] })) as unknown as S3Client['send'];
}

/** Keeps its archive in its cache, and notes what it is told to do. */
function copier(name: string, more: Partial<Contender> = {}): Contender {
  const shell = (word: string, script: string, ...args: string[]) => ({
    program: 'bash',
    arguments: ['-ec', `echo "${name} ${word}" >> "${journal}"; ${script}`, 'bash', ...args],
  });
  return {
    name,
    version: '1',
    keeps: 'everything',
    incremental: true,
    export: (from, { cacheDir }) => shell('export', 'rm -rf "$2"/kept; cp -a "$1" "$2"/kept', from, cacheDir),
    restore: ({ cacheDir }, target) => shell('restore', 'cp -a "$1"/kept "$2"', cacheDir, target),
    verify: () => shell('verify', ':'),
    ...more,
  };
}

const run = (contenders: readonly Contender[], rounds: number, operations: readonly Timed[] = TIMED) =>
  runRounds({
    server: {
      name: 'none',
      endpoint: 'http://127.0.0.1:1',
      credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
      client: new EmptyServer({ region: 'us-east-1' }),
      discard: async () => {},
      stop: async () => {},
    },
    scratch,
    tree,
    contenders,
    operations: new Set(operations),
    rounds,
    say: () => {},
  } satisfies Rounds);

describe('the rounds', () => {
  test('do each operation with one after the other, in turning order', async () => {
    await run([copier('a'), copier('b')], 2, ['full', 'restore']);
    assert.deepEqual(readFileSync(journal, 'utf8').trim().split('\n'), [
      'a export',
      'b export',
      'a restore',
      'b restore',
      'b export',
      'a export',
      'b restore',
      'a restore',
    ]);
  });

  test('measure what was asked for, as often as asked for; the slow once, the incremental alone twice more', async () => {
    const contenders = [copier('a'), copier('slow', { slow: true }), copier('whole', { incremental: false })];
    const { samples, stored } = await run(contenders, 2);
    const count = (contender: string) =>
      TIMED.map(
        (operation) => samples.filter((one) => one.contender === contender && one.operation === operation).length,
      );
    assert.deepEqual(count('a'), [2, 2, 2, 2, 2]);
    assert.deepEqual(count('slow'), [1, 1, 1, 1, 1]);
    assert.deepEqual(count('whole'), [2, 0, 0, 2, 2]);
    assert.deepEqual(stored, { a: 7, slow: 7, whole: 7 });
  });

  test('export once to measure later operations alone', async () => {
    const { samples } = await run([copier('a')], 3, ['verify']);
    assert.deepEqual(
      samples.map(({ operation }) => operation),
      ['verify', 'verify', 'verify'],
    );
    // The one restore is there to compare the trees.
    assert.equal(
      readFileSync(journal, 'utf8').trim(),
      ['a export', 'a restore', ...Array<string>(3).fill('a verify')].join('\n'),
    );
  });

  test('leave the tree as it was', async () => {
    const before = fingerprint(tree.root);
    await run([copier('a')], 1, ['changed']);
    assert.deepEqual(differences(before, fingerprint(tree.root), 'everything'), []);
  });
});

describe('a contender that is wrong ends the rounds:', () => {
  const damaging = (script: string) => {
    const honest = copier('a');
    return copier('a', {
      restore: (archive: Archive, target: string) => {
        const { program, arguments: args } = honest.restore(archive, target);
        return { program, arguments: [args[0]!, `${args[1]!}; ${script}`, ...args.slice(2)] };
      },
    });
  };
  const anyFile = 'file=$(find "$2" -name "*.jar" | head -1)';

  for (const [name, script] of [
    [
      'a flipped byte',
      `${anyFile}; touch -r "$file" "$2".time; printf X | dd of="$file" bs=1 seek=9 conv=notrunc status=none; touch -r "$2".time "$file"; rm "$2".time`,
    ],
    ['a file that is missing', `${anyFile}; rm "$file"`],
    ['a file too many', 'touch "$2"/more'],
    ['a mode', `${anyFile}; chmod 600 "$file"`],
  ] as const) {
    test(`${name} in what it restores`, async () => {
      await assert.rejects(run([damaging(script)], 1, ['full']), TreesDiffer);
    });
  }

  test('what changed was not exported', async () => {
    const once = copier('a', {
      export: (from, { cacheDir }) => ({
        program: 'bash',
        arguments: ['-ec', '[ -e "$2"/kept ] || cp -a "$1" "$2"/kept', 'bash', from, cacheDir],
      }),
    });
    await run([once], 1, ['full', 'restore']);
    await assert.rejects(run([once], 1, ['full', 'changed']), TreesDiffer);
  });

  test('an exit status that is not 0', async () => {
    await assert.rejects(run([copier('a', { verify: () => ({ program: 'false', arguments: [] }) })], 1), CommandFailed);
  });
});
