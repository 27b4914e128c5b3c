import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { globSync, mkdirSync, statSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Connect } from '../../lambda/check/databases/database';

const root = join(__dirname, '../..');

function buildFunctions(): void {
  const { status, stderr } = spawnSync(process.execPath, ['--import', 'tsx', 'build/functions.ts'], {
    cwd: root,
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
}

test('a build beside a running demo touches no bundle that did not change, and removes what is no function', () => {
  buildFunctions();
  const bundles = globSync('dist/{lambda,bin}/**/*.js', { cwd: root });
  for (const name of ['drill', 'check', 'export', 'export-turn', 'restore'])
    assert.ok(bundles.includes(join('dist/lambda', name, 'index.js')), bundles.join(', '));
  assert.equal(statSync(join(root, 'dist/bin/wso2is-recovery.js')).mode & 0o111, 0o111);
  const inodes = () => bundles.map((file) => statSync(join(root, file)).ino);
  const before = inodes();
  const stale = join(root, 'dist/lambda/stale-function-of-a-test');
  mkdirSync(stale, { recursive: true });
  buildFunctions();
  assert.deepEqual(inodes(), before);
  assert.equal(existsSync(stale), false);
});

test('each driver loads from its bundle, and says that the server is not there', async () => {
  for (const engine of ['mysql', 'oracle', 'postgres', 'sql-server']) {
    const { connect } = (await import(join(root, `dist/lambda/check/engines/${engine}.js`))) as {
      readonly connect: Connect;
    };
    await assert.rejects(
      connect({
        host: '127.0.0.1',
        port: 1,
        databaseName: 'identity',
        credentials: { username: 'wso2is', password: 'of a test' },
      }),
      /ECONNREFUSED|Failed to connect to 127\.0\.0\.1:1/,
      engine,
    );
  }
});
