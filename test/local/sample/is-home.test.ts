import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cpSync, lstatSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { after, before, test } from 'node:test';
import { pkcs12, asn1, pki } from 'node-forge';
import { writeSampleHome, type SampleHome } from '../../../local/sample/is-home';

const root = mkdtempSync(join(tmpdir(), 'is-home-'));
const repository = join(root, 'first/repository');
let home: SampleHome;

before(async () => {
  home = await writeSampleHome(repository, { deploymentToml: '[server]\nhostname = "is.example.com"\n' });
});
after(() => rmSync(root, { recursive: true, force: true }));

const filesUnder = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
const digest = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex');

test('300 tenants, each with its directory', () => {
  assert.equal(home.tenants.length, 300);
  assert.equal(readdirSync(join(repository, 'tenants')).length, 300);
  assert.deepEqual(home.tenants[0], { id: 1, domain: 'tenant-0001.example.com', active: true });
  assert.deepEqual(home.tenants[10], { id: 11, domain: 'tenant-0011.example.com', active: false });
  assert.match(readFileSync(join(repository, 'tenants/300/userstores/CUSTOMERS.xml'), 'utf8'), /tenant-0300/);
});

test('what a real server has: configuration, links of the clustering guide, drivers, empty folders', () => {
  assert.equal(
    readFileSync(join(repository, 'conf/deployment.toml'), 'utf8'),
    '[server]\nhostname = "is.example.com"\n',
  );
  assert.equal(readlinkSync(join(repository, 'tenants')), 'shared/tenants');
  assert.ok(lstatSync(join(repository, 'deployment/server/userstores')).isSymbolicLink());
  assert.deepEqual(readdirSync(join(repository, 'deployment/server/userstores')).sort(), [
    'EMPLOYEES.xml',
    'PARTNERS.xml',
  ]);
  assert.deepEqual(readdirSync(join(repository, 'components/lib')), ['postgresql-42.7.7.jar']);
  assert.deepEqual(readdirSync(join(repository, 'components/plugins')), []);
  assert.equal(
    lstatSync(join(repository, 'deployment/server/webapps/accountrecoveryendpoint/WEB-INF/empty.properties')).size,
    0,
  );
});

test('keystores open with their password and hold a key that fits the certificate', () => {
  const file = readFileSync(join(repository, 'resources/security/wso2carbon.p12'));
  const open = (password: string) => pkcs12.pkcs12FromAsn1(asn1.fromDer(file.toString('binary')), password);
  assert.throws(() => open('wrong'), /password/i);
  const opened = open('only-a-sample-Ks5v');
  const key = opened.getBags({ friendlyName: 'wso2carbon', bagType: pki.oids.pkcs8ShroudedKeyBag }).friendlyName?.[0]
    ?.key;
  const certificate = opened.getBags({ bagType: pki.oids.certBag })[pki.oids.certBag as string]?.[0]?.cert;
  assert.equal(
    (key as pki.rsa.PrivateKey).n.toString(16),
    (certificate?.publicKey as pki.rsa.PublicKey).n.toString(16),
  );
  assert.ok(lstatSync(join(repository, 'resources/security/client-truststore.p12')).size > 500);
});

test('the same seed writes the same files but for key material; another seed does not', async () => {
  const options = { deploymentToml: 'x = 1\n', tenants: 12 };
  await writeSampleHome(join(root, 'a'), options);
  await writeSampleHome(join(root, 'b'), options);
  await writeSampleHome(join(root, 'c'), { ...options, seed: 'other' });
  const differing = (one: string, other: string) =>
    filesUnder(join(root, one)).filter((path) => digest(join(root, one, path)) !== digest(join(root, other, path)));
  assert.deepEqual(filesUnder(join(root, 'a')), filesUnder(join(root, 'b')));
  assert.deepEqual(differing('a', 'b'), [
    'resources/security/client-truststore.p12',
    'resources/security/wso2carbon.p12',
  ]);
  assert.ok(differing('a', 'c').includes('components/lib/postgresql-42.7.7.jar'));
});

test('keystores are where the configuration says', async () => {
  const keystorePaths = ['repository/resources/security/primary.p12', 'repository/resources/security/tls.p12'];
  await writeSampleHome(join(root, 'named'), { deploymentToml: '', keystorePaths, tenants: 1 });
  assert.deepEqual(readdirSync(join(root, 'named/resources/security')).sort(), [
    'client-truststore.p12',
    'primary.p12',
    'tls.p12',
  ]);
});

test('what belongs to one node is there, and named', () => {
  assert.deepEqual(home.nodeLocal, [
    'logs/wso2carbon.log',
    'logs/audit.log',
    'tmp/work/upload.part',
    'wso2carbon.pid',
    'database/WSO2CARBON_DB.mv.db',
  ]);
  for (const path of home.nodeLocal) assert.ok(lstatSync(join(repository, path)).isFile());
});

test('the tree can be moved: its links do not leave it', () => {
  const moved = join(root, 'moved/repository');
  cpSync(repository, moved, { recursive: true, verbatimSymlinks: true });
  assert.equal(readdirSync(join(moved, 'tenants')).length, 300);
});
