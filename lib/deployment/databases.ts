/** The databases that `deployment.toml` declares. */
import { declaresConnection, type ParsedConnection, readConnection } from './connection';
import { namesOf, usesByName } from './datasource-names';
import { isTable, type TomlDocument } from './document';
import { DeploymentTomlError } from './errors';
import type { Path } from './positions';

export interface ParsedDatabase extends ParsedConnection {
  readonly section: string;
  readonly datasource: string;
  readonly line?: number;
  /** Keys that name this datasource: `session.data_source`. */
  readonly usedBy?: readonly string[];
}

/** Absent, the product runs them as embedded H2 under `repository/database`. */
const ALWAYS_THERE = ['identity_db', 'shared_db'];

/** Tables below a datasource that are none. */
const OPTION_TABLES = ['pool_options', 'db_props'];

/** A table that may declare a database. */
export interface Section {
  readonly path: Path;
  /** As in the file, without brackets: `database.identity_db`, `datasource`. */
  readonly name: string;
  readonly datasource: string;
  /** An `id` alone makes it a datasource. */
  readonly hasId: boolean;
}

/** In the order of the file; those that the product runs by default come last. */
export function readDatabases(document: TomlDocument): ParsedDatabase[] {
  const uses = usesByName(document);
  const found = new Map<string, ParsedDatabase>();
  for (const section of sectionsOf(document)) {
    const database = readSection(document, section, uses);
    if (database === undefined) continue;
    const earlier = found.get(database.datasource);
    if (earlier) throw nameTwice(document, section, earlier);
    found.set(database.datasource, database);
  }
  const inOrder = [...found.values()].sort((a, b) => (a.line ?? 0) - (b.line ?? 0));
  const missing = ALWAYS_THERE.filter((name) => !found.get(name)?.section.startsWith('database.'));
  return [
    ...inOrder,
    ...missing.map((name) => ({ section: `database.${name}`, datasource: name, type: 'h2' as const, embedded: true })),
  ];
}

/** Every table that may declare a database, by where it stands in the file. */
export const sectionsOf = (document: TomlDocument): Section[] => [
  ...databaseSections(document),
  ...datasourceSections(document),
];

const nameTwice = (document: TomlDocument, { path, name, datasource }: Section, earlier: ParsedDatabase) =>
  new DeploymentTomlError(
    `${document.whereIs(path)}: \`[${name}]\` must have a name of its own, got '${datasource}', which ` +
      `\`[${earlier.section}]\` in line ${earlier.line} has: give one of them another \`id\``,
  );

/** `[database.NAME]`, `[database.NAME.config]`, and `[bps_database.config]` of IS 5.9 to 5.11. */
function databaseSections(document: TomlDocument): Section[] {
  const named = Object.keys(document.table(['database']) ?? {}).map((name) => ({ path: ['database', name], name }));
  return [...named, { path: ['bps_database'], name: 'bps_database' }].map(({ path, name }) => {
    const config = [...path, 'config'];
    const isNested = document.table(config) !== undefined && !declaresConnection(document, path);
    const declaring = isNested ? config : path;
    return { path: declaring, name: declaring.join('.'), datasource: name, hasId: false };
  });
}

/** `[[datasource]]`, `[datasource.NAME]`, and the latter below the former, where TOML puts it into the last element. */
function datasourceSections(document: TomlDocument): Section[] {
  const root = ['datasource'];
  const elements = document.elements(root);
  const parents = elements.length > 0 ? elements : [root];
  return [
    ...elements.map((path) => datasourceSection(document, path, 'datasource', undefined)),
    ...parents.flatMap((parent) =>
      Object.entries(document.table(parent) ?? {})
        .filter(([name, value]) => isTable(value) && !OPTION_TABLES.includes(name))
        .map(([name]) => datasourceSection(document, [...parent, name], `datasource.${name}`, name)),
    ),
  ];
}

function datasourceSection(document: TomlDocument, path: Path, name: string, named: string | undefined): Section {
  const id = document.text([...path, 'id'])?.trim();
  const datasource = id || named;
  if (datasource !== undefined) return { path, name, datasource, hasId: Boolean(id) };
  throw new DeploymentTomlError(
    `${document.whereIs(path)}: \`[${name}]\` has no \`id\`: give the datasource a name, \`id = "..."\``,
  );
}

/** Undefined where the section declares no database. */
function readSection(
  document: TomlDocument,
  { path, name, datasource, hasId }: Section,
  uses: ReadonlyMap<string, readonly string[]>,
): ParsedDatabase | undefined {
  if (document.table(path) === undefined) return undefined;
  const line = document.line(path);
  const usedBy = namesOf(datasource).flatMap((known) => uses.get(known) ?? []);
  const common = {
    section: name,
    datasource,
    ...(line === undefined ? {} : { line }),
    ...(usedBy.length === 0 ? {} : { usedBy }),
  };
  if (hasId || declaresConnection(document, path)) return { ...common, ...readConnection(document, path, name) };
  // The product's default is all there is.
  const isDefault = name.startsWith('database.') && ALWAYS_THERE.includes(datasource);
  return isDefault ? { ...common, type: 'h2', embedded: true } : undefined;
}
