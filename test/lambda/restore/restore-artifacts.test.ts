import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { restoreArtifacts } from '../../../lambda/restore/restore-artifacts';

const DRILL = 'drill-20261124t042500-1a2b3c4d';
const RECOVERY = 'recovery-20261124t042500-1a2b3c4d';

describe('the restore function', () => {
  let mountPath: string;
  before(() => {
    mountPath = mkdtempSync(join(tmpdir(), 'restore-volume-'));
  });
  after(() => rmSync(mountPath, { recursive: true }));

  const call = (event: unknown) =>
    restoreArtifacts(event, {
      mountPath,
      storeOf: () => assert.fail('no archive is read'),
      log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    });

  it('sweeps the folders of drills that began before the moment, and no other', async () => {
    const folders = [DRILL, 'drill-20261124t042501-1a2b3c4d', RECOVERY, 'drill-notes'];
    for (const folder of folders) mkdirSync(join(mountPath, folder, 'repository'), { recursive: true });
    assert.deepEqual(await call({ action: 'sweep', startedBefore: '2026-11-24T04:25:00.000Z' }), {
      folders: [DRILL],
      failed: [],
    });
    assert.deepEqual(readdirSync(mountPath).sort(), ['drill-20261124t042501-1a2b3c4d', 'drill-notes', RECOVERY].sort());
    await assert.rejects(call({ action: 'sweep', startedBefore: 'yesterday' }), /`startedBefore` must be a time/);
  });

  it('says what the restored deployment.toml must say, and leaves the file as it is', async () => {
    const conf = join(mountPath, RECOVERY, 'repository/conf');
    mkdirSync(conf, { recursive: true });
    const text =
      '[server]\nhostname = "is"\n\n[database.identity_db]\ntype = "postgre"\nhostname = "old"\nname = "identity"\npassword = "s3cret"\n';
    writeFileSync(join(conf, 'deployment.toml'), text);
    const target = `${RECOVERY}/repository/conf/deployment.toml`;
    const endpoints = [
      {
        host: 'new',
        port: 5432,
        datasources: [{ datasource: 'identity_db', type: 'postgre', databaseName: 'identity' }],
      },
    ];
    const section = 'database.identity_db';
    assert.deepEqual(await call({ action: 'configure', target, endpoints }), {
      found: true,
      changes: [{ datasource: 'identity_db', section, key: 'hostname', line: 4, from: 'old', to: 'new' }],
    });
    assert.deepEqual(await call({ action: 'configure', target: `${RECOVERY}/deployment.toml`, endpoints }), {
      found: false,
      changes: [],
    });
    writeFileSync(join(conf, 'deployment.toml'), `${text}password = s3cret`);
    await assert.rejects(call({ action: 'configure', target, endpoints }), (error: Error) => {
      assert.match(error.message, /cannot be read as deployment.toml/);
      return !error.message.includes('s3cret') && error.cause === undefined;
    });
  });

  for (const [event, message] of [
    [{ action: 'configure', target: '../x', endpoints: [] }, /`target` must be a relative path/],
    [{ action: 'configure', target: 'x', endpoints: [{ host: 'h' }] }, /`endpoints` must be a list/],
    [{ action: 'purge' }, /`action` must be restore, .* or sweep-recovery-directories, got "purge"/],
  ] as const) {
    it(`refuses ${JSON.stringify(event)}`, () => assert.rejects(call(event), message));
  }
});
