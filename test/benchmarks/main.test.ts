// `npm run bench` as it is called, without a server.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Results } from '../../benchmarks/report/results';

const root = join(__dirname, '..', '..');
const out = mkdtempSync(join(tmpdir(), 'bench-out-'));
after(() => rmSync(out, { recursive: true, force: true }));

const bench = (...args: string[]) =>
  spawnSync(process.execPath, ['--import', 'tsx', 'benchmarks/main.ts', ...args], { cwd: root, encoding: 'utf8' });

test('what it ran is on standard output as JSON, and in a file, and it exits with 0', () => {
  const { status, stdout, stderr } = bench(
    '--quick',
    '--json',
    '--only',
    'functions,command',
    '--with',
    '',
    '--out',
    out,
  );
  assert.equal(status, 0, stderr);
  const results = JSON.parse(stdout) as Results;
  assert.equal(results.formatVersion, 1);
  assert.deepEqual(JSON.parse(readFileSync(join(out, 'results.json'), 'utf8')), results);
  assert.equal(results.tree.name, 'S');
  const bundle = results.rows.find(({ part }) => part === 'bundle, export');
  assert.deepEqual(bundle?.values, [readFileSync(join(root, 'dist/lambda/export/index.js')).length]);
  const value = (part: string) => results.rows.find((row) => row.part === part)!.value;
  assert.equal(results.rows.find(({ part }) => part === '--help')!.values.length, 2);
  assert.ok(value('--help').min > 0 && value('--help').max >= value('--help').min);
  // It loads a bundle more than nothing, or it was not loaded.
  assert.ok(value('cold start, export').median > value('cold start, nothing').median);
});

for (const [args, message] of [
  [['--only', 'speed'], /It must be of full, unchanged, changed,.* got speed/],
  [['--pairs', '0'], /It must be a whole number of at least 1/],
  [['--tree', 'XL'], /Allowed choices are S, M, L/],
  [['--seed', '../1'], /It must be 1 to 20 letters and digits/],
  [['--with', 'cp'], /`--with` must be of tar, rclone, got cp/],
] as const) {
  test(`bad input exits with 2 and says what is allowed: ${args.join(' ')}`, () => {
    const { status, stderr } = bench(...args);
    assert.equal(status, 2);
    assert.match(stderr, message);
  });
}
