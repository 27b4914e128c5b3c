import { strict as assert } from 'node:assert';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { Check, ExpectedEntry, Surroundings } from '../../../lambda/check/check';
import { artifactHashes } from '../../../lambda/check/checks/artifact-hashes';
import { datasourceConnects } from '../../../lambda/check/checks/datasource-connects';
import { encryptionKey } from '../../../lambda/check/checks/encryption-key';
import { keystoresPresent } from '../../../lambda/check/checks/keystores-present';
import { tablesPresent } from '../../../lambda/check/checks/tables-present';
import { tenantsAgree } from '../../../lambda/check/checks/tenants-agree';
import type { CheckEvent, RestoredVolume } from '../../../lambda/check/contract';
import type { RestoredConnection } from '../../../lambda/check/databases/database';
import { RestoredKeys } from '../../../lambda/check/encryption/restored-keys';
import { RestoredTree } from '../../../lambda/check/restored-tree';
import { runChecks } from '../../../lambda/check/run-checks';

const volume = (name: string, mountedAt: string): RestoredVolume => ({
  name,
  mountedAt,
  archivePrefix: `archives/prod/${name}/`,
  manifestKey: `archives/prod/${name}/manifests/1`,
});

const DATASOURCES = [
  { datasource: 'identity_db', type: 'postgre', databaseName: 'identity' },
  { datasource: 'shared_db', type: 'postgre', databaseName: 'shared' },
];

const EVENT: CheckEvent = {
  drillId: 'drill-1',
  deployment: 'prod',
  databases: [{ name: 'is-db', host: '127.0.0.1', port: 5432, secretArn: 'arn', datasources: DATASOURCES }],
  volumes: [volume('repository', 'repository')],
  plannedDatasources: DATASOURCES,
  restoreDependencies: {
    deploymentTomlPath: 'repository/conf/deployment.toml',
    keystores: [
      { role: 'primary', path: 'repository/resources/security/wso2carbon.p12' },
      { role: 'tls', path: 'repository/resources/security/tls.jks' },
    ],
    encryptionKey: 'literal',
  },
};

const TABLES: Readonly<Record<string, readonly string[]>> = {
  identity_db: [
    'IDN_BASE_TABLE',
    'IDN_OAUTH_CONSUMER_APPS',
    'IDN_OAUTH2_ACCESS_TOKEN',
    'IDN_OAUTH2_ACCESS_TOKEN_SCOPE',
    'IDN_AUTH_SESSION_STORE',
    'IDN_CLAIM',
    'SP_APP',
    'SP_INBOUND_AUTH',
    'IDP',
    'IDP_AUTHENTICATOR',
    'IDN_OTHER',
  ],
  shared_db: [
    'UM_TENANT',
    'UM_DOMAIN',
    'UM_USER',
    'UM_USER_ATTRIBUTE',
    'UM_ROLE',
    'UM_USER_ROLE',
    'UM_HYBRID_ROLE',
    'REG_RESOURCE',
    'REG_PATH',
    'REG_CONTENT',
    'REG_PROPERTY',
  ],
};

let root: string;
let connection: Partial<RestoredConnection>;
let manifests: Record<string, ExpectedEntry[]>;
let notExported: string[];

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'wso2is-checks-'));
  connection = {};
  manifests = {};
  notExported = [];
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function put(path: string, content: string | Buffer = ''): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), content);
}

function surroundings(event: CheckEvent): Surroundings {
  const tree = new RestoredTree(root, event.volumes);
  return {
    event,
    tree,
    keys: new RestoredKeys(tree, event.restoreDependencies),
    readCounts: () => Promise.resolve({ near: [], any: false }),
    counted: new Map(),
    readManifest: ({ name }) => Promise.resolve({ entries: manifests[name] ?? [], problems: notExported }),
    withConnection: (_database, datasource, use) =>
      use({
        server: { version: 'PostgreSQL 18.0', encrypted: true },
        tables: () => Promise.resolve(TABLES[datasource.datasource] ?? ['OWN']),
        countRows: () => Promise.resolve(7),
        texts: () => Promise.resolve([]),
        tenants: () =>
          Promise.resolve([
            { id: 1, domain: 'acme.example', active: true },
            { id: 2, domain: 'globex.example', active: true },
          ]),
        close: () => Promise.resolve(),
        ...connection,
      }),
  };
}

async function run(check: Check, event = EVENT) {
  let ms = 0;
  const { checks } = await runChecks(surroundings(event), () => (ms += 5), [check]);
  return checks;
}

describe('datasource-connects', () => {
  it('names each datasource, its database and the server', async () => {
    const outcomes = await run(datasourceConnects);
    assert.deepEqual(outcomes[0], {
      check: 'datasource-connects',
      component: 'is-db',
      status: 'PASSED',
      reason: 'identity_db connects to database identity (PostgreSQL 18.0, encrypted)',
      compared: {
        datasource: 'identity_db',
        databaseName: 'identity',
        server: 'PostgreSQL 18.0',
        encrypted: 'yes',
      },
      durationMs: 5,
    });
    assert.equal(outcomes.length, 2);
  });
});

describe('tables-present', () => {
  it('passes with the row counts of the tables of its kind', async () => {
    const [identity] = await run(tablesPresent);
    assert.equal(identity?.status, 'PASSED');
    assert.equal(identity?.compared['tables'], 11);
    assert.equal(identity?.compared['rows IDN_OAUTH2_ACCESS_TOKEN'], 7);
  });

  it('fails and names the table that is missing', async () => {
    connection = { tables: () => Promise.resolve((TABLES['shared_db'] ?? []).filter((name) => name !== 'UM_USER')) };
    const shared = (await run(tablesPresent))[1];
    assert.equal(shared?.status, 'FAILED');
    assert.match(shared?.reason ?? '', /^shared_db: database shared lacks 1 of the 11 tables it must hold: UM_USER\./);
  });

  it('of a datasource of the user only some table is expected', async () => {
    const own = {
      ...EVENT,
      databases: [
        {
          name: 'is-db',
          host: 'h',
          port: 1,
          secretArn: 's',
          datasources: [{ datasource: 'hr', type: 'postgre', databaseName: 'hr' }],
        },
      ],
    };
    assert.equal((await run(tablesPresent, own))[0]?.status, 'PASSED');
    connection = { tables: () => Promise.resolve([]) };
    assert.equal((await run(tablesPresent, own))[0]?.status, 'FAILED');
  });
});

describe('tenants-agree', () => {
  const only = async () => {
    const [outcome, ...others] = await run(tenantsAgree);
    assert.deepEqual(others, []);
    assert.ok(outcome);
    return outcome;
  };

  it('passes where each tenant has its directory', async () => {
    await put('repository/tenants/1/x');
    await put('repository/tenants/2/x');
    await put('repository/tenants/README');
    const outcome = await only();
    assert.equal(outcome.status, 'PASSED');
    assert.equal(outcome.component, 'is-db + repository');
    assert.equal(outcome.compared['tenantDirectories'], 2);
  });

  it('fails and names the tenant without a directory', async () => {
    await put('repository/tenants/1/x');
    const outcome = await only();
    assert.equal(outcome.status, 'FAILED');
    assert.match(outcome.reason, /^1 of 2 tenants in UM_TENANT have no directory .*: 2 \(globex\.example\)\./);
  });

  it('fails without any directory; names ten, counts the rest', async () => {
    connection = {
      tenants: () =>
        Promise.resolve(Array.from({ length: 12 }, (_, index) => ({ id: index + 1, domain: 'd', active: true }))),
    };
    const outcome = await only();
    assert.equal(outcome.status, 'FAILED');
    assert.match(outcome.reason, /^12 of 12 .* 10 \(d\) and 2 more\./);
    assert.doesNotMatch(outcome.reason, /11 \(d\)/);
  });

  it('warns of a directory without a tenant, and of an inactive tenant without a directory', async () => {
    for (const id of [1, 2, 9]) await put(`repository/tenants/${id}/x`);
    const orphan = await only();
    assert.equal(orphan.status, 'WARNING');
    assert.match(orphan.reason, /^directories without a row in UM_TENANT: 9\./);

    connection = { tenants: () => Promise.resolve([1, 2, 9, 3].map((id) => ({ id, domain: 'd', active: id !== 3 }))) };
    const inactive = await only();
    assert.equal(inactive.status, 'WARNING');
    assert.match(inactive.reason, /^inactive tenants without a directory: 3 \(d\)\./);
  });

  it('is skipped, with the reason, where no volume holds tenants or a link leads away', async () => {
    const [elsewhere] = await run(tenantsAgree, { ...EVENT, volumes: [volume('conf', 'repository/conf')] });
    assert.equal(elsewhere?.status, 'SKIPPED');
    assert.match(elsewhere?.reason ?? '', /no volume of this deployment holds repository\/tenants/);

    await mkdir(join(root, 'repository'), { recursive: true });
    await symlink('/mnt/share/tenants', join(root, 'repository/tenants'));
    const linked = await only();
    assert.equal(linked.status, 'SKIPPED');
    assert.match(linked.reason, /symbolic link to \/mnt\/share\/tenants/);
  });

  it('compares a volume that is mounted at repository/tenants, and follows links within the restored files', async () => {
    await put('repository/tenants/1/x');
    await put('repository/tenants/2/x');
    const [own] = await run(tenantsAgree, { ...EVENT, volumes: [volume('tenants', 'repository/tenants')] });
    assert.equal(own?.component, 'is-db + tenants');
    assert.equal(own?.status, 'PASSED');

    await rm(join(root, 'repository'), { recursive: true });
    await put('repository/shared/1/x');
    await put('repository/shared/2/x');
    await symlink('shared', join(root, 'repository/tenants'));
    assert.equal((await only()).status, 'PASSED');
  });
});

describe('keystores-present', () => {
  const P12 = 'repository/resources/security/wso2carbon.p12';
  const JKS = 'repository/resources/security/tls.jks';

  it('passes with a PKCS#12 and a JKS', async () => {
    await put(P12, Buffer.from('3082010a', 'hex'));
    await put(JKS, Buffer.from('feedfeed00000002', 'hex'));
    const [outcome] = await run(keystoresPresent);
    assert.equal(outcome?.status, 'PASSED');
    assert.deepEqual(outcome?.compared, { [`primary: ${P12}`]: 'PKCS#12', [`tls: ${JKS}`]: 'JKS' });
  });

  const rows: readonly [string, string | undefined, RegExp][] = [
    ['is missing', undefined, /wso2carbon\.p12 \(primary\) is missing/],
    ['is empty', '', /is empty/],
    ['is text', '0123', /is no keystore/],
    ['is too short', '0', /is no keystore/],
  ];
  for (const [what, content, reason] of rows) {
    it(`fails where one ${what}`, async () => {
      await put(JKS, Buffer.from('feedfeed', 'hex'));
      if (content !== undefined) await put(P12, content);
      const [outcome] = await run(keystoresPresent);
      assert.equal(outcome?.status, 'FAILED');
      assert.match(outcome?.reason ?? '', /^1 of 2 keystores cannot be used: /);
      assert.match(outcome?.reason ?? '', reason);
    });
  }

  it('fails where one is a link out of the restored files, though there is such a file on this machine', async () => {
    await put(JKS, Buffer.from('feedfeed', 'hex'));
    await symlink('/etc/hostname', join(root, P12));
    const [outcome] = await run(keystoresPresent);
    assert.equal(outcome?.status, 'FAILED');
    assert.match(outcome?.reason ?? '', /is a link to \/etc\/hostname, which is on no volume/);
  });

  describe('where deployment.toml names no file', () => {
    const either = (): CheckEvent => ({
      ...EVENT,
      restoreDependencies: { ...EVENT.restoreDependencies, keystores: [{ role: 'primary', path: P12, orPath: JKS }] },
    });

    it('takes the other default', async () => {
      await put(JKS, Buffer.from('feedfeed', 'hex'));
      const [outcome] = await run(keystoresPresent, either());
      assert.equal(outcome?.status, 'PASSED');
      assert.deepEqual(outcome?.compared, { [`primary: ${JKS}`]: 'JKS' });
    });

    it('fails where neither is there', async () => {
      await put('repository/resources/security/other', 'x');
      const [outcome] = await run(keystoresPresent, either());
      assert.equal(outcome?.status, 'FAILED');
      assert.match(
        outcome?.reason ?? '',
        /wso2carbon\.p12 or repository\/resources\/security\/tls\.jks \(primary\) is missing/,
      );
    });
  });

  it('warns where no volume holds them', async () => {
    const [outcome] = await run(keystoresPresent, { ...EVENT, volumes: [volume('tenants', 'repository/tenants')] });
    assert.equal(outcome?.status, 'WARNING');
    assert.equal(outcome?.component, 'deployment');
    assert.match(outcome?.reason ?? '', /no volume of this deployment holds/);
  });
});

describe('encryption-key', () => {
  const rows: readonly [string, CheckEvent['restoreDependencies']['encryptionKey'], string, string][] = [
    ['[encryption]\nkey = "a1b2"', 'literal', 'PASSED', 'literal'],
    ['[encryption]\nkey = "$env{KEY}"', 'reference', 'PASSED', 'reference'],
    ['[encryption]\nkey = "$secret{key}"', 'reference', 'PASSED', 'reference'],
    ['[encryption]\nkey = "$env{KEY}"', 'literal', 'FAILED', 'reference'],
    ['[server]\nhostname = "x"', 'literal', 'FAILED', 'absent'],
    ['[server]\nhostname = "x"', 'absent', 'WARNING', 'absent'],
    ['[encryption]\nkey = "03bafeb2000000000000"', 'public-default', 'WARNING', 'public-default'],
  ];
  for (const [text, planned, status, restored] of rows) {
    it(`${JSON.stringify(text)}, planned ${planned}: ${status}`, async () => {
      await put('repository/conf/deployment.toml', text);
      const [outcome] = await run(encryptionKey, {
        ...EVENT,
        restoreDependencies: { ...EVENT.restoreDependencies, encryptionKey: planned },
      });
      assert.equal(outcome?.status, status);
      assert.deepEqual(outcome?.compared, { plan: planned, restored });
      assert.doesNotMatch(JSON.stringify(outcome), /a1b2|03bafeb2/);
    });
  }

  it('warns of the public default behind a reference, which only the restored file shows', async () => {
    const withKey = async (value: string) => {
      await put('repository/conf/deployment.toml', `[encryption]\nkey = "$secret{k}"\n[secrets]\nk = "[${value}]"\n`);
      const restoreDependencies = { ...EVENT.restoreDependencies, encryptionKey: 'reference' as const };
      return (await run(encryptionKey, { ...EVENT, restoreDependencies }))[0];
    };
    const published = await withKey('03BAFEB27A8E871CAD83C5CD4E771DAB');
    assert.equal(published?.status, 'WARNING');
    assert.doesNotMatch(JSON.stringify(published), /03BAFEB2/i);
    assert.equal((await withKey('13BAFEB27A8E871CAD83C5CD4E771DAB'))?.status, 'PASSED');
  });

  it('fails where the file is missing, or is no TOML, without quoting it', async () => {
    assert.equal((await run(encryptionKey))[0]?.status, 'FAILED');
    await put('repository/conf/deployment.toml', '[encryption]\nkey = "top-secret');
    const [outcome] = await run(encryptionKey);
    assert.equal(outcome?.status, 'FAILED');
    assert.doesNotMatch(outcome?.reason ?? '', /top-secret/);
  });
});

describe('artifact-hashes', () => {
  const file = (path: string, content: string): ExpectedEntry => ({
    path,
    type: 'file',
    size: content.length,
    sha256: createHash('sha256').update(content).digest('hex'),
  });

  beforeEach(async () => {
    await put('repository/conf/a.toml', 'one');
    await put('repository/conf/b.toml', 'two');
    await symlink('conf/a.toml', join(root, 'repository/link'));
    manifests['repository'] = [
      { path: 'conf', type: 'directory', size: 0 },
      file('conf/a.toml', 'one'),
      file('conf/b.toml', 'two'),
      { path: 'link', type: 'symlink', size: 0, linkTarget: 'conf/a.toml' },
    ];
  });

  it('passes where the tree is the manifest', async () => {
    const [outcome] = await run(artifactHashes);
    assert.equal(outcome?.status, 'PASSED', outcome?.reason);
    assert.deepEqual(outcome?.compared, {
      filesInManifest: 2,
      directoriesInManifest: 1,
      linksInManifest: 1,
      bytesCompared: 6,
      different: 0,
      extra: 0,
      notExported: 0,
      manifest: 'archives/prod/repository/manifests/1',
    });
  });

  const rows: readonly [string, () => Promise<unknown>, RegExp][] = [
    ['a file with another content', () => put('repository/conf/a.toml', 'ONE'), /conf\/a\.toml has another SHA-256/],
    ['a file cut off', () => truncate(join(root, 'repository/conf/a.toml'), 2), /a\.toml has 2 bytes instead of 3/],
    ['a file missing', () => rm(join(root, 'repository/conf/b.toml')), /conf\/b\.toml is missing/],
    ['a file extra', () => put('repository/conf/c.toml'), /1 are in no manifest: conf\/c\.toml/],
    [
      'a link that leads elsewhere',
      async () => {
        await rm(join(root, 'repository/link'));
        await symlink('/etc/passwd', join(root, 'repository/link'));
      },
      /link leads to \/etc\/passwd instead of conf\/a\.toml/,
    ],
    [
      'a file instead of a link',
      async () => {
        await rm(join(root, 'repository/link'));
        await put('repository/link', 'one');
      },
      /link is no symbolic link/,
    ],
  ];
  for (const [what, breakIt, reason] of rows) {
    it(`fails with ${what}`, async () => {
      await breakIt();
      const [outcome] = await run(artifactHashes);
      assert.equal(outcome?.status, 'FAILED');
      assert.match(outcome?.reason ?? '', reason);
    });
  }

  it('warns of what the export could not read', async () => {
    notExported = ['conf/secret: permission denied'];
    const [outcome] = await run(artifactHashes);
    assert.equal(outcome?.status, 'WARNING');
    assert.match(outcome?.reason ?? '', /could not read 1 more: conf\/secret: permission denied/);
  });

  it('compares names that are no UTF-8', async () => {
    await writeFile(Buffer.concat([Buffer.from(`${root}/repository/`), Buffer.of(0x66, 0xff)]), 'raw');
    assert.equal((await run(artifactHashes))[0]?.status, 'FAILED');
    manifests['repository']?.push(file('f\udcff', 'raw'));
    assert.equal((await run(artifactHashes))[0]?.status, 'PASSED');
  });

  it('warns of files from a recovery point of AWS Backup, which has no hashes, and fails where there are none', async () => {
    const event = { ...EVENT, volumes: [{ name: 'repository', mountedAt: 'repository' }] };
    const [outcome] = await run(artifactHashes, event);
    assert.deepEqual([outcome?.status, outcome?.compared], ['WARNING', { files: 2, filesInManifest: 0 }]);
    assert.match(outcome?.reason ?? '', /^2 files were restored to repository from a recovery point of AWS Backup/);
    await rm(join(root, 'repository/conf'), { recursive: true });
    assert.equal((await run(artifactHashes, event))[0]?.status, 'FAILED');
  });

  it('does not take the files of a volume mounted within for its own', async () => {
    await put('repository/tenants/1/x', 'x');
    manifests['tenants'] = [{ path: '1', type: 'directory', size: 0 }, file('1/x', 'x')];
    const event = { ...EVENT, volumes: [...EVENT.volumes, volume('tenants', 'repository/tenants')] };
    assert.deepEqual(
      (await run(artifactHashes, event)).map(({ component, status }) => [component, status]),
      [
        ['repository', 'PASSED'],
        ['tenants', 'PASSED'],
      ],
    );
  });
});

describe('a check that throws', () => {
  it('is FAILED with the message, and hides no other', async () => {
    connection = { tables: () => Promise.reject(new Error('connection reset')) };
    const outcomes = await run(tablesPresent);
    assert.deepEqual(
      outcomes.map(({ status, reason }) => [status, reason]),
      [
        ['FAILED', 'the check could not be made: connection reset'],
        ['FAILED', 'the check could not be made: connection reset'],
      ],
    );
  });
});
