// Checks that need what the restored deployment.toml and keystores say, on real files: keystores of Java's keytool, values
// that Java encrypted (test/fixtures/keystores/README.md), user stores as the product writes them.
import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { Check, Surroundings } from '../../../lambda/check/check';
import { declaredDatabases } from '../../../lambda/check/checks/declared-databases';
import { encryptedValues } from '../../../lambda/check/checks/encrypted-values';
import { keystoresOpen } from '../../../lambda/check/checks/keystores-open';
import { userStores } from '../../../lambda/check/checks/user-stores';
import type { CheckEvent } from '../../../lambda/check/contract';
import type { Column } from '../../../lambda/check/databases/database';
import { RestoredKeys } from '../../../lambda/check/encryption/restored-keys';
import { RestoredTree } from '../../../lambda/check/restored-tree';
import { runChecks } from '../../../lambda/check/run-checks';

const FIXTURES = join(__dirname, '../../fixtures/keystores');
const MADE_BY_JAVA = JSON.parse(readFileSync(join(FIXTURES, 'ciphertexts.json'), 'utf8')) as Record<string, string>;
const GCM = MADE_BY_JAVA['gcm']!;
const RSA = MADE_BY_JAVA['rsa wso2carbon.p12 RSA/ECB/OAEPwithSHA1andMGF1Padding']!;
const RSA_JKS = MADE_BY_JAVA['rsa wso2carbon.jks RSA/ECB/OAEPwithSHA1andMGF1Padding']!;
const KEY = '0123456789abcdef0123456789ABCDEF';

const DATASOURCES = [
  { datasource: 'identity_db', type: 'postgre', databaseName: 'identity' },
  { datasource: 'shared_db', type: 'postgre', databaseName: 'shared' },
];
const EVENT: CheckEvent = {
  drillId: 'drill-1',
  deployment: 'prod',
  databases: [{ name: 'is-db', host: '127.0.0.1', port: 1, secretArn: 'arn', datasources: DATASOURCES }],
  volumes: [{ name: 'repository', mountedAt: 'repository', archivePrefix: 'a/', manifestKey: 'm' }],
  plannedDatasources: DATASOURCES,
  restoreDependencies: {
    deploymentTomlPath: 'repository/conf/deployment.toml',
    keystores: [],
    encryptionKey: 'literal',
  },
};

const DATABASES = `
[database.identity_db]
type = "postgre"
hostname = "$env{DB_HOST}"
name = "identity"
[database.shared_db]
type = "postgre"
hostname = "$env{DB_HOST}"
name = "shared"
`;
const KEYSTORE = (settings: string, truststore = 'password = "store-pass"') => `
[keystore.primary]
file_name = "wso2carbon.p12"
${settings}
[truststore]
file_name = "client-truststore.p12"
${truststore}
[encryption]
key = "${KEY}"
`;

let root: string;
let tables: string[];
let columns: Record<string, string[]>;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'wso2is-keys-'));
  tables = [];
  columns = {};
  await cp(FIXTURES, join(root, 'repository/resources/security'), { recursive: true });
  await toml(KEYSTORE('password = "store-pass"'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function put(path: string, content: string): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), content);
}
const toml = (text: string) => put('repository/conf/deployment.toml', `${DATABASES}${text}`);

async function run(check: Check, event = EVENT) {
  const tree = new RestoredTree(root, event.volumes);
  const surroundings: Surroundings = {
    event,
    tree,
    keys: new RestoredKeys(tree, event.restoreDependencies),
    readCounts: () => Promise.resolve({ near: [], any: false }),
    counted: new Map(),
    readManifest: () => Promise.reject(new Error('not asked')),
    withConnection: (_database, _datasource, use) =>
      use({
        server: { version: 'PostgreSQL 18.0', encrypted: true },
        tables: () => Promise.resolve(tables),
        countRows: () => Promise.resolve(7),
        texts: ({ table, column }: Column) => Promise.resolve(columns[`${table}.${column}`] ?? []),
        tenants: () => Promise.resolve([]),
        close: () => Promise.resolve(),
      }),
  };
  const { checks } = await runChecks(surroundings, () => 0, [check]);
  // Whatever a check finds, no password, key or clear text comes out of it.
  assert.doesNotMatch(JSON.stringify(checks), /store-pass|key-pass|0123456789abcdef|grüße|rsa of wso2carbon/);
  return checks;
}
const only = async (check: Check, event = EVENT) => {
  const [outcome, ...others] = await run(check, event);
  assert.deepEqual(others, []);
  return outcome!;
};

describe('keystores-open', () => {
  it('passes with the passwords of deployment.toml, and says what it found', async () => {
    const outcome = await only(keystoresOpen);
    assert.equal(outcome.status, 'PASSED', outcome.reason);
    assert.equal(outcome.component, 'repository');
    assert.deepEqual(outcome.compared, {
      'primary: repository/resources/security/wso2carbon.p12': 'PKCS#12, 2 entries, alias wso2carbon',
      'truststore: repository/resources/security/client-truststore.p12': 'PKCS#12, 1 entries',
    });
  });

  const jks = (rest: string) => `
[keystore.primary]
file_name = "wso2carbon.jks"
type = "JKS"
${rest}
[truststore]
file_name = "client-truststore.jks"
password = "store-pass"
`;
  const rows: readonly [string, string, 'PASSED' | 'WARNING' | 'FAILED', RegExp][] = [
    [
      'another password',
      KEYSTORE('password = "other"'),
      'FAILED',
      /wso2carbon\.p12 \(primary\) does not open with its password/,
    ],
    ['no password: the default of the product', KEYSTORE(''), 'FAILED', /\(primary\) does not open/],
    [
      'another password of the truststore',
      KEYSTORE('password = "store-pass"', 'password = "x"'),
      'FAILED',
      /^1 of 2 .*\(truststore\) does not open/,
    ],
    [
      'an alias that is not there',
      KEYSTORE('password = "store-pass"\nalias = "gone"'),
      'FAILED',
      /holds no alias gone \(it holds (ec, wso2carbon|wso2carbon, ec)\)/,
    ],
    ['an alias in other letters', KEYSTORE('password = "store-pass"\nalias = "WSO2Carbon"'), 'PASSED', /all 2/],
    ['an EC key', KEYSTORE('password = "store-pass"\nalias = "ec"'), 'PASSED', /all 2/],
    [
      'a truststore as keystore',
      KEYSTORE('password = "store-pass"\nalias = "trusted"').replace('wso2carbon.p12', 'client-truststore.p12'),
      'FAILED',
      /holds no private key under trusted/,
    ],
    [
      'a JKS with the password of its key',
      jks('password = "store-pass"\nkey_password = "key-pass"'),
      'PASSED',
      /all 2/,
    ],
    [
      'a JKS without',
      jks('password = "store-pass"'),
      'FAILED',
      /holds the key wso2carbon, which its `key_password` does not open/,
    ],
    [
      'a JCEKS',
      KEYSTORE('password = "store-pass"').replace('wso2carbon.p12', 'wso2carbon.jceks'),
      'WARNING',
      /JCEKS keystore, which this release cannot open/,
    ],
    [
      'a password in clear behind $secret',
      `${KEYSTORE('password = "$secret{ks}"')}\n[secrets]\nks = "[store-pass]"`,
      'PASSED',
      /all 2/,
    ],
    [
      'a password of an external vault',
      KEYSTORE('password = "$secret{ks}"'),
      'WARNING',
      /has a password that is \$secret\{ks\}, which \[secrets\] does not hold/,
    ],
    [
      'a password of the environment',
      KEYSTORE('password = "$env{KS}"'),
      'WARNING',
      /\$env\{KS\}, which only the server's host knows/,
    ],
    [
      'the tls keystore like the primary',
      `${KEYSTORE('password = "store-pass"')}\n[keystore.tls]\nfile_name = "wso2carbon.p12"`,
      'PASSED',
      /all 3/,
    ],
    [
      'a keystore that is not there',
      `${KEYSTORE('password = "store-pass"')}\n[keystore.saml]\nfile_name = "gone.jks"`,
      'WARNING',
      /gone\.jks \(saml\) is not there/,
    ],
  ];
  for (const [what, text, status, reason] of rows) {
    it(`${what}: ${status}`, async () => {
      await toml(text);
      const outcome = await only(keystoresOpen);
      assert.match(outcome.reason, reason);
      assert.equal(outcome.status, status);
    });
  }

  it('opens what the cipher tool encrypted for the primary keystore', async () => {
    // The ciphertext stands for `rsa of wso2carbon.p12`: no password of the truststore, which shows that it was decrypted.
    await toml(
      `${KEYSTORE('password = "store-pass"', 'password = "$secret{trust}"')}\n[secrets]\ntrust = "${MADE_BY_JAVA['bare wso2carbon.p12']}"`,
    );
    assert.match(
      (await only(keystoresOpen)).reason,
      /^1 of 2 .*client-truststore\.p12 \(truststore\) does not open with its password/,
    );
  });

  it('fails without the file, is skipped where it is on no volume', async () => {
    const away = { ...EVENT, volumes: [{ ...EVENT.volumes[0]!, mountedAt: 'repository/tenants' }] };
    assert.equal((await only(keystoresOpen, away)).status, 'SKIPPED');
    await rm(join(root, 'repository/conf/deployment.toml'));
    assert.equal((await only(keystoresOpen)).status, 'FAILED');
  });
});

describe('encrypted-values', () => {
  const identity = async () => (await run(encryptedValues))[0]!;

  it('passes where both ways decrypt, and tells how many by which', async () => {
    tables = ['IDN_SECRET', 'IDN_OAUTH_CONSUMER_APPS'];
    columns = {
      'IDN_SECRET.SECRET_VALUE': [GCM, RSA],
      'IDN_OAUTH_CONSUMER_APPS.CONSUMER_SECRET': ['clear text', 'c2VjcmV0', GCM],
    };
    const outcome = await identity();
    assert.equal(outcome.status, 'PASSED', outcome.reason);
    assert.equal(outcome.component, 'is-db + repository');
    assert.deepEqual(outcome.compared, {
      what: 'database identity (identity_db)',
      values: 3,
      'by the symmetric key': 2,
      'by a keystore': 1,
      'not decrypted': 0,
      'not tried': 0,
    });
  });

  const rows: readonly [string, string, readonly string[], 'WARNING' | 'FAILED', RegExp][] = [
    [
      'another symmetric key',
      KEYSTORE('password = "store-pass"').replace(KEY, 'f'.repeat(32)),
      [GCM, RSA],
      'FAILED',
      /1 of 2 encrypted values do not decrypt .*IDN_SECRET\.SECRET_VALUE\. Restore/,
    ],
    [
      'no symmetric key: the public default',
      KEYSTORE('password = "store-pass"').replace(`key = "${KEY}"`, ''),
      [GCM],
      'FAILED',
      /1 of 1/,
    ],
    ['another keystore', KEYSTORE('password = "store-pass"'), [RSA_JKS], 'FAILED', /1 of 1/],
    ['a value that is cut', KEYSTORE('password = "store-pass"'), [GCM.slice(0, 400)], 'FAILED', /1 of 1/],
    ['a value that is no base64', KEYSTORE('password = "store-pass"'), ['not encrypted!'], 'FAILED', /1 of 1/],
    [
      'a symmetric key that only the host knows',
      KEYSTORE('password = "store-pass"').replace(KEY, '$env{KEY}'),
      [GCM, RSA],
      'WARNING',
      /1 of 2 .* \[encryption\] key is \$env\{KEY\}/,
    ],
    [
      'a symmetric key of a wrong length',
      KEYSTORE('password = "store-pass"').replace(KEY, 'short'),
      [GCM],
      'WARNING',
      /has a length that AES does not know/,
    ],
    [
      'a keystore that did not open',
      KEYSTORE('password = "other"'),
      [RSA],
      'WARNING',
      /could not be tried: .*wso2carbon\.p12 \(primary\) does not open/,
    ],
  ];
  for (const [what, text, values, status, reason] of rows) {
    it(`${what}: ${status}`, async () => {
      await toml(text);
      tables = ['IDN_SECRET'];
      columns = { 'IDN_SECRET.SECRET_VALUE': [...values] };
      const outcome = await identity();
      assert.match(outcome.reason, reason);
      assert.equal(outcome.status, status);
    });
  }

  it('decrypts the passwords in the files of user stores', async () => {
    const store = (value: string) =>
      `<UserStoreManager class="org.wso2.carbon.user.core.ldap.X"><Property name="DomainName">A</Property>` +
      `<Property encrypted="true" name="password">${value}</Property></UserStoreManager>`;
    await put('repository/deployment/server/userstores/A.xml', store(GCM));
    await put('repository/tenants/1/userstores/A.xml', store(RSA));
    const [, , files] = await run(encryptedValues);
    assert.equal(files?.status, 'PASSED', files?.reason);
    assert.equal(files?.compared['values'], 2);
    await put('repository/tenants/2/userstores/A.xml', store(RSA_JKS));
    const [, , broken] = await run(encryptedValues);
    assert.equal(broken?.status, 'FAILED');
    assert.match(broken?.reason ?? '', /1 of 3 .*repository\/tenants\/2\/userstores\/A\.xml password/);
  });

  it('is skipped, and says that nothing is proven, where nothing is encrypted', async () => {
    for (const { status, reason } of await run(encryptedValues)) {
      assert.equal(status, 'SKIPPED');
      assert.match(reason, /nothing proves that the keys fit/);
    }
    const nothing = await only(encryptedValues, { ...EVENT, databases: [], volumes: [] });
    assert.equal(nothing.status, 'SKIPPED');
  });
});

describe('user-stores', () => {
  const FILE = 'repository/deployment/server/userstores/EMPLOYEES.xml';
  const xml = (properties: string, className = 'org.wso2.carbon.user.core.ldap.ReadWriteLDAPUserStoreManager') =>
    `<?xml version="1.0" encoding="UTF-8"?>\n<UserStoreManager class="${className}">${properties}</UserStoreManager>\n`;
  const DOMAIN = '<Property name="DomainName">EMPLOYEES</Property>';

  it('passes with those of the super tenant and of tenants, through the links of the clustering guide', async () => {
    await put('repository/shared/userstores/EMPLOYEES.xml', xml(DOMAIN));
    await put('repository/shared/tenants/7/userstores/CUSTOMERS.xml', xml(DOMAIN));
    await mkdir(join(root, 'repository/deployment/server'), { recursive: true });
    await symlink('../../shared/userstores', join(root, 'repository/deployment/server/userstores'));
    await symlink('shared/tenants', join(root, 'repository/tenants'));
    const outcome = await only(userStores);
    assert.equal(outcome.status, 'PASSED', outcome.reason);
    assert.deepEqual(outcome.compared, { userStores: 2, wrong: 0, doubtful: 0 });
  });

  it('fails where one is cut short, wherever it is cut', async () => {
    const whole = xml(`${DOMAIN}<Property name="ConnectionPassword">s3cret</Property>`);
    for (let length = 0; length < whole.trimEnd().length; length += 7) {
      await put(FILE, whole.slice(0, length));
      const outcome = await only(userStores);
      assert.equal(outcome.status, 'FAILED', `cut at ${length}: ${outcome.reason}`);
      assert.match(outcome.reason, /^1 of 1 user stores cannot be deployed: .*EMPLOYEES\.xml /);
      assert.doesNotMatch(outcome.reason, /s3cret/);
    }
  });

  const rows: readonly [string, string, 'PASSED' | 'WARNING' | 'FAILED', RegExp][] = [
    ['no user store', '<other/>', 'FAILED', /has no <UserStoreManager>/],
    ['no class', `<UserStoreManager>${DOMAIN}</UserStoreManager>`, 'FAILED', /names no class/],
    ['no domain', xml('<Property name="x">y</Property>'), 'FAILED', /has no DomainName/],
    [
      'a datasource of the file',
      xml(`${DOMAIN}<Property name="dataSource">jdbc/SHARED_DB</Property>`),
      'PASSED',
      /all 1/,
    ],
    [
      'one that is not declared',
      xml(`${DOMAIN}<Property name="dataSource">jdbc/HR</Property>`),
      'FAILED',
      /names datasource jdbc\/HR, which deployment\.toml does not declare/,
    ],
    [
      'a database of its own',
      xml(`${DOMAIN}<Property name="url">jdbc:mysql://hr/users</Property>`),
      'WARNING',
      /which no plan protects/,
    ],
    [
      'a class of the user without its jar',
      xml(DOMAIN, 'com.example.Store'),
      'WARNING',
      /names class com\.example\.Store, which no restored jar holds/,
    ],
  ];
  for (const [what, text, status, reason] of rows) {
    it(`${what}: ${status}`, async () => {
      await put(FILE, text);
      const outcome = await only(userStores);
      assert.match(outcome.reason, reason);
      assert.equal(outcome.status, status);
    });
  }

  it('finds a class of the user in a restored jar, and a datasource with an id', async () => {
    await put('repository/components/dropins/store.jar', 'PK\u0003\u0004...com/example/Store.class...');
    await put(FILE, xml(`${DOMAIN}<Property name="dataSource">jdbc/HR</Property>`, 'com.example.Store'));
    await toml('[[datasource]]\nid = "HR"\nurl = "jdbc:postgresql://db/hr"\n');
    const outcome = await only(userStores);
    assert.equal(outcome.status, 'PASSED', outcome.reason);
  });

  it('warns of those that are on no volume, and reads none of them', async () => {
    await symlink('/etc', join(root, 'repository/tenants'));
    const outcome = await only(userStores);
    assert.equal(outcome.status, 'WARNING');
    assert.match(outcome.reason, /repository\/tenants leads to \/etc, which is on no volume/);
  });
});

describe('declared-databases', () => {
  it('passes with the databases of the plan', async () => {
    const outcome = await only(declaredDatabases);
    assert.equal(outcome.status, 'PASSED', outcome.reason);
    assert.deepEqual(outcome.compared, { inFile: 2, inPlan: 2, different: 0 });
  });

  const rows: readonly [string, (text: string) => string, RegExp][] = [
    [
      'another name',
      (text) => text.replace('name = "shared"', 'name = "shared2"'),
      /name of shared_db is shared2 in the file, shared in the plan/,
    ],
    [
      'another engine',
      (text) => text.replace('type = "postgre"', 'type = "mysql"'),
      /type of identity_db is mysql in the file, postgre in the plan/,
    ],
    [
      'one more',
      (text) => `${text}\n[[datasource]]\nid = "HR"\nurl = "jdbc:postgresql://db/hr"\n`,
      /HR of the file is not in the plan, so nothing protects it/,
    ],
  ];
  for (const [what, change, reason] of rows) {
    it(`fails with ${what}`, async () => {
      const path = 'repository/conf/deployment.toml';
      await put(path, change(await readFile(join(root, path), 'utf8')));
      const outcome = await only(declaredDatabases);
      assert.equal(outcome.status, 'FAILED');
      assert.match(outcome.reason, reason);
    });
  }

  it('fails where the plan has one more; takes a reference for what the plan resolved', async () => {
    const planned = [...DATASOURCES, { datasource: 'HR', type: 'mysql', databaseName: 'hr' }];
    const outcome = await only(declaredDatabases, { ...EVENT, plannedDatasources: planned });
    assert.match(outcome.reason, /HR of the plan is not in the file/);
    const path = 'repository/conf/deployment.toml';
    const text = await readFile(join(root, path), 'utf8');
    await put(path, text.replace('name = "shared"', 'name = "$env{SHARED}"'));
    assert.equal((await only(declaredDatabases)).status, 'PASSED');
  });
});
