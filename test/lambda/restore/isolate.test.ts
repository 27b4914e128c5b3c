import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, it } from 'node:test';
import { restoreArtifacts } from '../../../lambda/restore/restore-artifacts';
import { parseDeployment } from '../../../lib/deployment/parse';

const mountPath = mkdtempSync(join(tmpdir(), 'isolate-'));
after(() => rmSync(mountPath, { recursive: true }));

const isolate = (text: string, more: object = {}) => {
  mkdirSync(join(mountPath, 'drill-1/repository/conf'), { recursive: true });
  writeFileSync(join(mountPath, 'drill-1/repository/conf/deployment.toml'), text);
  return restoreArtifacts(
    {
      action: 'isolate',
      target: 'drill-1/repository/conf/deployment.toml',
      destination: 'drill-1/wso2is-recovery-boot/deployment.toml',
      endpoints: [
        {
          host: 'restored.example.com',
          port: 5432,
          datasources: [{ datasource: 'identity_db', type: 'postgre', databaseName: 'i' }],
        },
      ],
      ...more,
    },
    { mountPath, storeOf: () => assert.fail('no archive is read'), log: { info: () => {}, warn: () => {} } as never },
  );
};

const TEXT =
  '[server]\noffset = 1\n[database.identity_db]\ntype = "postgre"\nhostname = "pg.example.com"\nname = "i"\npassword = "$env{PW}"\n';

it('writes the isolated file, leaves the restored one, and answers without values', async () => {
  assert.deepEqual(await isolate(TEXT), {
    port: 9444,
    changed: [
      'database.identity_db.hostname',
      'database.identity_db.port',
      'output_adapter.email.hostname',
      'server.hostname',
      'server.internal_hostname',
    ],
    left: [],
    references: ['env:PW'],
  });
  assert.equal(readFileSync(join(mountPath, 'drill-1/repository/conf/deployment.toml'), 'utf8'), TEXT);
  const isolated = readFileSync(join(mountPath, 'drill-1/wso2is-recovery-boot/deployment.toml'), 'utf8');
  assert.equal(parseDeployment(isolated, 'x').databases[0]?.host, 'restored.example.com');
});

it('refuses what cannot be isolated, with the reason', async () => {
  await assert.rejects(isolate(`${TEXT}[user_store]\nconnection_url = "ldap://ad.example.com"`), {
    message: /cannot be isolated from production: user_store\.connection_url: users are in a directory/,
  });
});

it('quotes nothing of a file that is no TOML', async () => {
  await assert.rejects(isolate('[database.identity_db]\npassword = "s3cret'), {
    message: 'drill-1/repository/conf/deployment.toml cannot be read as deployment.toml',
  });
});

it('writes nowhere but on the volume', async () => {
  await assert.rejects(isolate(TEXT, { destination: '../outside.toml' }), {
    message: /relative path without \. and \.\./,
  });
});
