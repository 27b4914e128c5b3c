import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { takeReportFolder } from '../../../local/demo/report-folder';

const root = mkdtempSync(join(tmpdir(), 'report-folder-'));
after(() => rmSync(root, { recursive: true, force: true }));

test('is one demo’s until it lets go', () => {
  const folder = join(root, 'new', 'folder');
  const first = takeReportFolder(folder);
  assert.throws(() => takeReportFolder(folder), {
    name: 'InputError',
    message: new RegExp(`in use by another demo \\(process ${process.pid}\\): .*--out`),
  });
  takeReportFolder(join(root, 'other')).release();
  first.release();
  takeReportFolder(folder).release();
  assert.ok(!existsSync(join(folder, 'demo.lock')));
});

test('is taken over from a demo that was killed', () => {
  const { pid } = spawnSync('true');
  writeFileSync(join(root, 'demo.lock'), String(pid));
  takeReportFolder(root).release();
  writeFileSync(join(root, 'demo.lock'), '');
  takeReportFolder(root).release();
});

test('must be a folder', () => {
  writeFileSync(join(root, 'file'), '');
  assert.throws(() => takeReportFolder(join(root, 'file')), {
    name: 'InputError',
    message: /^--out must be a directory/,
  });
});
