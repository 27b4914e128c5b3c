/**
 * A sample `<IS_HOME>/repository`: configuration, keystores, user stores, web applications, registry resources and some
 * hundred tenants, laid out as the product lays them out. Content depends on the seed and the path alone, so the same
 * seed writes the same tree; only key material is new each time.
 */
import { createHash, type X509Certificate } from 'node:crypto';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import pLimit from 'p-limit';
import { type Encrypt, withKeystore, withSymmetricKey } from './encryption';
import { keystore, truststore } from './keystores';

export interface SampleOptions {
  /** Content of `conf/deployment.toml`, written as it is. */
  readonly deploymentToml: string;
  /** Keystores that `deploymentToml` names, relative to `<IS_HOME>`. Default: the product's `wso2carbon.p12`. */
  readonly keystorePaths?: readonly string[];
  /**
   * `[encryption] key` of `deploymentToml`, to encrypt with it; and with the first keystore.
   * Default: nothing is encrypted.
   */
  readonly encryptionKey?: string;
  /** Default: 300. */
  readonly tenants?: number;
  /** Default: `wso2is`. */
  readonly seed?: string;
}

/** A row of UM_TENANT, and the directory `repository/tenants/<id>`. */
export interface Tenant {
  readonly id: number;
  readonly domain: string;
  readonly active: boolean;
}

export interface SampleHome {
  readonly tenants: readonly Tenant[];
  /** Paths, relative to `repository`, that no export may carry to another node. */
  readonly nodeLocal: readonly string[];
  readonly files: number;
  /** About half by the symmetric key, the others by the keystore, as a server does that changed from one to the other. */
  readonly encrypt?: Encrypt;
}

/** What the keystores of the sample open with. */
export const KEYSTORE_PASSWORD = 'only-a-sample-Ks5v';
const TRUSTSTORE_PASSWORD = 'only-a-sample-Ts2q';

/** Every eleventh tenant is deactivated: its directory stays, as in the product. */
export const sampleTenants = (count: number): Tenant[] =>
  Array.from({ length: count }, (_, index) => index + 1).map((id) => ({
    id,
    domain: `tenant-${String(id).padStart(4, '0')}.example.com`,
    active: id % 11 !== 0,
  }));

/** Writes the tree into `repository`, an existing folder or one to be made. */
export async function writeSampleHome(repository: string, options: SampleOptions): Promise<SampleHome> {
  const {
    deploymentToml,
    keystorePaths = ['repository/resources/security/wso2carbon.p12'],
    tenants: count = 300,
  } = options;
  const seed = options.seed ?? 'wso2is';
  const tenants = sampleTenants(count);
  const nodeLocal = new Map<string, string | Buffer>([
    [
      'logs/wso2carbon.log',
      'TID: [-1234] INFO {org.wso2.carbon.core.init.CarbonServerManager} - started\n'.repeat(400),
    ],
    ['logs/audit.log', 'Initiator=admin Action=Login Outcome=Success\n'.repeat(100)],
    ['tmp/work/upload.part', blob(seed, 'tmp/work/upload.part', 8192)],
    ['wso2carbon.pid', '4711\n'],
    ['database/WSO2CARBON_DB.mv.db', blob(seed, 'database/WSO2CARBON_DB.mv.db', 65536)],
  ]);
  const keystores = keystorePaths.map((path) => ({
    path: path.replace(/^repository\//, ''),
    ...keystore({ alias: 'wso2carbon', password: KEYSTORE_PASSWORD }),
  }));
  const encrypt = options.encryptionKey && inEitherWay(options.encryptionKey, keystores[0]?.certificate);
  const password = (clear: string) => (encrypt ? { encrypted: encrypt(clear) } : {});
  const files = new Map<string, string | Buffer>([
    ['conf/deployment.toml', deploymentToml],
    ...serverFiles(seed, password),
    ...tenants.flatMap((tenant) => tenantFiles(seed, tenant, password)),
    ...nodeLocal,
  ]);
  for (const { path, file } of keystores) files.set(path, file);
  files.set('resources/security/client-truststore.p12', truststore({ password: TRUSTSTORE_PASSWORD }));

  const limit = pLimit(32);
  const folders = new Set([...files.keys()].map((path) => dirname(path)));
  for (const folder of [...folders, ...emptyFolders(tenants)])
    await mkdir(join(repository, folder), { recursive: true });
  await Promise.all([...files].map(([path, content]) => limit(() => writeFile(join(repository, path), content))));
  await Promise.all(links.map(([path, target]) => symlink(target, join(repository, path))));
  return { tenants, nodeLocal: [...nodeLocal.keys()], files: files.size, ...(encrypt ? { encrypt } : {}) };
}

function inEitherWay(encryptionKey: string, certificate: X509Certificate | undefined): Encrypt {
  const ways = [withSymmetricKey(encryptionKey), ...(certificate ? [withKeystore(certificate)] : [])];
  // By the text, not by a count: databases are filled at once, and each must get both.
  return (clear) => ways[createHash('sha256').update(clear).digest()[0]! % ways.length]!(clear);
}

/** A password of a user store, encrypted where the sample can. */
type Password = (clear: string) => { readonly encrypted?: string };

// WSO2's clustering guide keeps what all nodes share apart and links it into place; relative, so that it survives a move.
const links: readonly (readonly [string, string])[] = [
  ['tenants', 'shared/tenants'],
  ['deployment/server/userstores', '../../shared/userstores'],
];

const emptyFolders = (tenants: readonly Tenant[]): string[] => [
  'components/plugins',
  'deployment/server/executionplans',
  'resources/conf',
  ...tenants.map(({ id }) => `shared/tenants/${id}/executionplans`),
];

function serverFiles(seed: string, password: Password): [string, string | Buffer][] {
  const binary = (path: string, bytes: number): [string, Buffer] => [path, blob(seed, path, bytes)];
  return [
    ['conf/log4j2.properties', 'rootLogger.level = INFO\nrootLogger.appenderRef.CARBON_LOGFILE.ref = CARBON_LOGFILE\n'],
    ['conf/user-mgt.xml', '<UserManager><Realm><Configuration/></Realm></UserManager>\n'],
    ['conf/identity/identity.xml', '<Server xmlns="http://wso2.org/projects/carbon/carbon.xml"/>\n'],
    ['shared/userstores/EMPLOYEES.xml', userStore('EMPLOYEES', 'ldaps://ldap.example.com:636', password('employees'))],
    ['shared/userstores/PARTNERS.xml', userStore('PARTNERS', 'ldaps://partners.example.com:636', password('partners'))],
    ['deployment/server/eventpublishers/AuditEvents.xml', eventPublisher('AuditEvents')],
    ['deployment/server/eventstreams/id_gov_notify_stream_1.0.0.json', eventStream('id_gov_notify_stream')],
    ['deployment/server/synapse-configs/default/synapse.xml', synapse('main')],
    ['deployment/server/webapps/authenticationendpoint/login.jsp', page('Sign in')],
    [
      'deployment/server/webapps/authenticationendpoint/images/logo with space.svg',
      '<svg xmlns="http://www.w3.org/2000/svg"/>\n',
    ],
    ['deployment/server/webapps/accountrecoveryendpoint/password-recovery.jsp', page('Passwort zurücksetzen')],
    ['deployment/server/webapps/accountrecoveryendpoint/WEB-INF/empty.properties', ''],
    binary('deployment/server/webapps/oauth2.war', 1_500_000),
    binary('deployment/server/webapps/api.war', 3_000_000),
    binary('components/dropins/org.example.identity.event.handler-1.4.0.jar', 180_000),
    binary('components/dropins/org.example.identity.authenticator-2.0.1.jar', 240_000),
    binary('components/lib/postgresql-42.7.7.jar', 1_100_000),
    ['resources/identity/claim-config.xml', '<ClaimConfig><Dialects/></ClaimConfig>\n'],
    ['resources/identity/authntemplates/sign-on.json', '{"name":"Sign on"}\n'],
    ...['en_US', 'de_DE', 'si_LK'].map((locale): [string, string] => [
      `resources/identity/email/passwordreset.${locale}.json`,
      `{"locale":"${locale}","subject":"Password reset"}\n`,
    ]),
  ];
}

function tenantFiles(seed: string, { id, domain }: Tenant, password: Password): [string, string | Buffer][] {
  const root = `shared/tenants/${id}`;
  return [
    [`${root}/userstores/CUSTOMERS.xml`, userStore('CUSTOMERS', `ldaps://ldap.${domain}:636`, password(domain))],
    [`${root}/synapse-configs/default/synapse.xml`, synapse(domain)],
    // The same in every tenant: content that an archive stores once.
    [
      `${root}/synapse-configs/default/registry.xml`,
      '<registry provider="org.wso2.carbon.mediation.registry.WSO2Registry"/>\n',
    ],
    [`${root}/eventpublishers/Notifications.xml`, eventPublisher(`Notifications of ${domain}`)],
    [`${root}/eventstreams/notify_1.0.0.json`, eventStream(`notify.${id}`)],
    [`${root}/webapps/branding/logo.png`, blob(seed, `${root}/logo.png`, 500 + ((id * 37) % 4000))],
  ];
}

/** Bytes that do not compress, the same for the same seed and path. */
const blob = (seed: string, path: string, bytes: number): Buffer =>
  createHash('shake256', { outputLength: bytes }).update(`${seed}\n${path}`).digest();

const userStore = (
  domain: string,
  url: string,
  { encrypted }: ReturnType<Password>,
) => `<?xml version="1.0" encoding="UTF-8"?>
<UserStoreManager class="org.wso2.carbon.user.core.ldap.UniqueIDReadWriteLDAPUserStoreManager">
    <Property name="DomainName">${domain}</Property>
    <Property name="ConnectionURL">${url}</Property>${
      encrypted === undefined
        ? ''
        : `\n    <Property encrypted="true" name="ConnectionPassword">${encrypted}</Property>`
    }
    <Property name="Disabled">false</Property>
</UserStoreManager>
`;

const eventPublisher = (name: string) => `<?xml version="1.0" encoding="UTF-8"?>
<eventPublisher name="${name}" statistics="disable" trace="disable" xmlns="http://wso2.org/carbon/eventpublisher">
    <from streamName="id_gov_notify_stream" version="1.0.0"/>
    <to eventAdapterType="email"/>
</eventPublisher>
`;

const eventStream = (name: string) => `${JSON.stringify({ name, version: '1.0.0', payloadData: [] }, null, 2)}\n`;

const synapse = (name: string) =>
  `<definitions xmlns="http://ws.apache.org/ns/synapse"><sequence name="${name}"/></definitions>\n`;

const page = (title: string) => `<%@ page contentType="text/html;charset=UTF-8" %>\n<title>${title}</title>\n`;
