import type { TomlDocument } from './document';
import type { Path } from './positions';

/**
 * Names under which the product knows the datasource of a section (its `master-datasources.xml`), beside the section's own.
 * A `[[datasource]]` is known by its `id`.
 */
const PRODUCT_NAMES: Readonly<Record<string, readonly string[]>> = {
  identity_db: ['WSO2_IDENTITY_DB', 'WSO2IdentityDB'],
  shared_db: ['WSO2_SHARED_DB', 'SHARED_DB'],
  user: ['WSO2USER_DB'],
  config: ['WSO2CONFIG_DB'],
  registry_db: ['WSO2_CARBON_DB', 'WSO2CarbonDB'],
  bps_database: ['BPS_DS', 'bpsds'],
};

/** Datasources that the product has where the file declares none. */
const BUILT_IN = ['identity_db', 'shared_db', 'registry_db', 'bps_database'];

/** JNDI names have `jdbc/` before them. */
export const bareName = (name: string) => name.trim().replace(/^jdbc\//, '');

/** All names of a datasource, `jdbc/` taken off: its own first. */
export const namesOf = (datasource: string): readonly string[] => [
  datasource,
  ...(Object.hasOwn(PRODUCT_NAMES, datasource) ? PRODUCT_NAMES[datasource] : []),
];

/** Whether a name that a file or a user gives means the datasource: `shared_db`, `WSO2_SHARED_DB`, `jdbc/SHARED_DB`. */
export const isNameOf = (datasource: string, name: string) => namesOf(datasource).includes(bareName(name));

export const isBuiltIn = (name: string) => BUILT_IN.some((datasource) => isNameOf(datasource, name));

/** `data_source = "jdbc/X"`, whoever writes it: the session and consent stores, the user realm, an accelerator. */
const USES = /(?:^|_)data_?source(?:_name)?$/i;

/** Keys that name a datasource, and what they name. */
export function datasourceUses(document: TomlDocument): { key: string; path: Path; name: string }[] {
  return document.leaves
    .filter(({ path }) => path.length > 1 && USES.test((path.at(-1) === 'name' ? path.at(-2) : path.at(-1)) ?? ''))
    .map(({ path }) => ({ key: path.join('.'), path, name: document.text(path) ?? '' }));
}

/** By the bare name of a datasource, the keys that name it. */
export function usesByName(document: TomlDocument): Map<string, string[]> {
  const uses = new Map<string, string[]>();
  for (const { key, name } of datasourceUses(document)) {
    const known = uses.get(bareName(name));
    if (known) known.push(key);
    else uses.set(bareName(name), [key]);
  }
  return uses;
}
