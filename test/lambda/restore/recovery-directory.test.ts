// What AWS Backup restores of a file system is found at its root, and moved to where drills have it.
import assert from 'node:assert/strict';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { newRecoveryDirectory } from '../../../lambda/restore/recovery-directory';
import { restoreArtifacts } from '../../../lambda/restore/restore-artifacts';

const NEW = 'aws-backup-restore_2026-11-24T04-25-00-123Z';
const OLD = 'aws-backup-restore_2026-11-20T00-00-00-000Z';
const FAILED = 'aws-backup-failed-restore_2026-11-24T04-25-00-123Z';
const ID = 'drill-20261124t042500-1a2b3c4d';

describe('the new recovery directory', () => {
  it('is the one that was not there before', () => {
    assert.equal(newRecoveryDirectory([], [NEW]), NEW);
    assert.equal(newRecoveryDirectory([OLD], [OLD, NEW]), NEW);
    assert.equal(newRecoveryDirectory([], [FAILED, NEW]), NEW);
  });

  for (const [what, before, now, words] of [
    ['there is none', [], [], /left no new directory aws-backup-restore_\.\.\. at the root of the restore volume$/],
    ['it is an old one', [OLD], [OLD], /left no new directory .* \(there are aws-backup-restore_2026-11-20.*\)$/],
    ['it failed', [], [FAILED], /left no new directory .* \(there are aws-backup-failed-restore_.*\)$/],
    ['there are two', [], [NEW, OLD], /has 2 new directories of AWS Backup, .*: something else was restored to it/],
  ] as const) {
    it(`is not guessed where ${what}`, () => assert.throws(() => newRecoveryDirectory(before, now), words));
  }
});

describe('the adopt function', () => {
  let mountPath: string;
  beforeEach(() => {
    mountPath = mkdtempSync(join(tmpdir(), 'restore-root-'));
    mkdirSync(join(mountPath, 'drills'));
  });
  afterEach(() => rmSync(mountPath, { recursive: true, force: true }));

  const call = (event: unknown) =>
    restoreArtifacts(event, {
      mountPath,
      storeOf: () => assert.fail('no archive is read'),
      log: { info: () => undefined, warn: () => undefined, error: () => undefined },
      now: () => 0,
    });
  const owner = { uid: process.getuid!(), gid: process.getgid!() };
  const adopt = (more: object = {}) =>
    call({ action: 'adopt', before: [], path: '/is/repository', target: `drills/${ID}/repository`, ...owner, ...more });

  /** As AWS Backup restores `/is/repository`: with the hierarchy above it. */
  function restored(directory = NEW) {
    const root = join(mountPath, directory, 'is/repository');
    mkdirSync(join(root, 'conf'), { recursive: true });
    writeFileSync(join(root, 'conf/deployment.toml'), '[server]\n');
    mkdirSync(join(root, 'tenants'));
    writeFileSync(join(root, 'locked'), 'x');
    symlinkSync('conf', join(root, 'link'));
    chmodSync(join(root, 'locked'), 0o000);
    return root;
  }

  it('says which directories are there', async () => {
    for (const name of [NEW, FAILED, 'drills/x', 'aws-backup']) mkdirSync(join(mountPath, name));
    assert.deepEqual(await call({ action: 'recovery-directories' }), { names: [FAILED, NEW] });
  });

  it('moves what the access point leads to up, readable for the functions, and removes the rest', async () => {
    restored();
    writeFileSync(join(mountPath, NEW, 'is/other'), 'not of the volume');
    assert.deepEqual(await adopt(), { files: 2, directories: 2, symlinks: 1, bytes: 10, durationMs: 0 });
    assert.deepEqual(readdirSync(mountPath), ['drills']);
    const repository = join(mountPath, 'drills', ID, 'repository');
    assert.deepEqual(readdirSync(repository).sort(), ['conf', 'link', 'locked', 'tenants']);
    assert.equal(readFileSync(join(repository, 'conf/deployment.toml'), 'utf8'), '[server]\n');
    assert.equal(lstatSync(join(repository, 'locked')).mode & 0o777, 0o400);
    assert.equal(lstatSync(join(mountPath, 'drills', ID)).mode & 0o777, 0o750);
    assert.equal(lstatSync(join(repository, 'link')).uid, owner.uid);
  });

  it(
    'gives it to the user as whom they read',
    { skip: owner.uid !== 0 && 'only root may give files away' },
    async () => {
      restored();
      await adopt({ uid: 1000, gid: 1001 });
      for (const path of [
        '',
        '/repository',
        '/repository/conf/deployment.toml',
        '/repository/link',
        '/repository/tenants',
      ]) {
        const { uid, gid } = lstatSync(join(mountPath, 'drills', ID) + path);
        assert.deepEqual([path, uid, gid], [path, 1000, 1001]);
      }
    },
  );

  it('moves the whole where the access point leads to the root, and into an empty directory of another volume', async () => {
    mkdirSync(join(mountPath, 'drills', ID, 'repository/tenants'), { recursive: true });
    mkdirSync(join(mountPath, NEW, '1'), { recursive: true });
    await adopt({ path: '/', target: `drills/${ID}/repository/tenants` });
    assert.deepEqual(readdirSync(join(mountPath, 'drills', ID, 'repository/tenants')), ['1']);
    assert.deepEqual(readdirSync(mountPath), ['drills']);
  });

  it('refuses what would lead elsewhere or overwrite, and moves nothing', async () => {
    const root = restored();
    mkdirSync(join(mountPath, 'drills', ID, 'repository/conf'), { recursive: true });
    await assert.rejects(adopt(), /drills\/drill-.*\/repository is there already: ENOTEMPTY$/);
    await assert.rejects(adopt({ path: '/is/other' }), /has no directory \/is\/other, to which the access point/);
    await assert.rejects(adopt({ path: '/is/repository/conf/deployment.toml' }), /has no directory/);
    await assert.rejects(adopt({ path: '/is/repository/link' }), /must not lead through a symbolic link/);
    await assert.rejects(adopt({ path: '/../drills' }), /without \. and \.\./);
    await assert.rejects(adopt({ target: '../drills' }), /`target` must be a relative path/);
    await assert.rejects(adopt({ before: 'all' }), /`before` must be a list of names/);
    await assert.rejects(adopt({ uid: -1 }), /`uid` must be a number of a POSIX user or group, got -1/);
    assert.ok(lstatSync(join(root, 'locked')).isFile());
  });

  it('sweeps what is older than the moment, finished or not, and nothing else', async () => {
    for (const name of [OLD, FAILED, 'drills/kept', 'aws-backup-notes']) {
      mkdirSync(join(mountPath, name, 'inside'), { recursive: true });
    }
    const [past, future] = [Date.now() - 60_000, Date.now() + 60_000].map((time) => new Date(time).toISOString());
    assert.deepEqual(await call({ action: 'sweep-recovery-directories', before: past }), { folders: [], failed: [] });
    assert.deepEqual(await call({ action: 'sweep-recovery-directories', before: future }), {
      folders: [FAILED, OLD],
      failed: [],
    });
    assert.deepEqual(readdirSync(mountPath).sort(), ['aws-backup-notes', 'drills']);
    await assert.rejects(call({ action: 'sweep-recovery-directories', before: 'now' }), /`before` must be a time/);
  });
});
