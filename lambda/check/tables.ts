/**
 * Tables that a database of WSO2 Identity Server must hold, by datasource. Names as in the product's own `dbscripts`
 * (carbon-identity-framework for the identity database, carbon-kernel for the shared one), present in every 5.x to 7.x
 * release; a part of the whole, chosen so that each stands for something that a user would miss at once.
 */

/** OAuth and OpenID Connect applications and their tokens, service providers, identity providers, sessions. */
export const IDENTITY_TABLES: readonly string[] = [
  'IDN_BASE_TABLE',
  'IDN_OAUTH_CONSUMER_APPS',
  'IDN_OAUTH2_ACCESS_TOKEN',
  'IDN_AUTH_SESSION_STORE',
  'SP_APP',
  'IDP',
];

/** Tenants, users, roles, and the registry. */
export const SHARED_TABLES: readonly string[] = [
  'UM_TENANT',
  'UM_DOMAIN',
  'UM_USER',
  'UM_ROLE',
  'REG_RESOURCE',
  'REG_PATH',
  'REG_CONTENT',
];

/** Table of the tenants, in the shared database. */
export const TENANT_TABLE = 'UM_TENANT';

/**
 * What the database of a datasource must hold; empty for a datasource of the user's own, of which only some table can be
 * expected.
 */
export function requiredTables(datasource: string): readonly string[] {
  switch (datasource) {
    case 'identity_db':
      return IDENTITY_TABLES;
    case 'shared_db':
      return SHARED_TABLES;
    default:
      return [];
  }
}
