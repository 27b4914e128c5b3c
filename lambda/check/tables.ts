import { isNameOf } from '../../lib/deployment/datasource-names';

/**
 * Tables that a database of WSO2 Identity Server must hold, by what the product uses it for. Names as in the product's own
 * `dbscripts` (carbon-kernel 4.5 to 4.12, carbon-identity-framework, carbon-consent-management, Apache ODE), present in
 * every 5.9 to 7.x release; a part of the whole, chosen so that each stands for something that a user would miss at once.
 */

/** Applications, their tokens and sessions, service and identity providers, claims. */
export const IDENTITY_TABLES: readonly string[] = [
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
];

const USER_TABLES = ['UM_DOMAIN', 'UM_USER', 'UM_USER_ATTRIBUTE', 'UM_ROLE', 'UM_USER_ROLE', 'UM_HYBRID_ROLE'];
const REGISTRY_TABLES = ['REG_RESOURCE', 'REG_PATH', 'REG_CONTENT', 'REG_PROPERTY'];

/** Tenants, users, roles, and the registry. */
export const SHARED_TABLES: readonly string[] = ['UM_TENANT', ...USER_TABLES, ...REGISTRY_TABLES];

const CONSENT_TABLES = ['CM_PII_CATEGORY', 'CM_PURPOSE', 'CM_PURPOSE_CATEGORY', 'CM_RECEIPT', 'CM_RECEIPT_SP_ASSOC'];
const SESSION_TABLES = ['IDN_AUTH_SESSION_STORE'];
/** The engine of workflows, which versions before 6.0 have. */
const WORKFLOW_TABLES = ['ODE_SCHEMA_VERSION', 'ODE_JOB'];

/** By the name of a datasource. */
const BY_NAME: Readonly<Record<string, readonly string[]>> = {
  identity_db: IDENTITY_TABLES,
  shared_db: SHARED_TABLES,
  user: USER_TABLES,
  config: REGISTRY_TABLES,
  registry_db: REGISTRY_TABLES,
  bps_database: WORKFLOW_TABLES,
};

/** By the key of `deployment.toml` that names a datasource: `[session] data_source`, `[authentication.consent] data_source`. */
const BY_USE: readonly (readonly [RegExp, readonly string[]])[] = [
  [/(?:^|\.)session\./, SESSION_TABLES],
  [/(?:^|[._])consent/, CONSENT_TABLES],
  [/^realm_manager\./, USER_TABLES],
];

/**
 * What the database of a datasource must hold; empty for one of the user's own, of which only some table can be expected.
 *
 * @param usedBy keys of `deployment.toml` that name the datasource
 */
export function requiredTables(datasource: string, usedBy: readonly string[] = []): readonly string[] {
  const byName = Object.entries(BY_NAME).find(([name]) => isNameOf(name, datasource))?.[1] ?? [];
  const byUse = usedBy.flatMap((key) =>
    BY_USE.filter(([pattern]) => pattern.test(key)).flatMap(([, tables]) => tables),
  );
  return [...new Set([...byName, ...byUse])];
}

/** Where IS writes down what a schema is: reported, so that a person sees whether it fits the binaries. */
export const SCHEMA_NOTES = [
  { table: 'IDN_BASE_TABLE', column: 'PRODUCT_NAME' },
  { table: 'ODE_SCHEMA_VERSION', column: 'VERSION' },
] as const;
