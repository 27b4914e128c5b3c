/** What is not wrong, and still worth a look. */
import type { ParsedDatabase } from './databases';
import { bareName, datasourceUses, isBuiltIn, namesOf } from './datasource-names';
import type { TomlDocument } from './document';
import type { RestoreDependencies } from '../planning/plan-document';

export function warningsOf(
  document: TomlDocument,
  databases: readonly ParsedDatabase[],
  { secrets, userStore }: RestoreDependencies,
): string[] {
  return [
    ...undeclaredDatasources(document, databases),
    ...unreadKeystoreNames(document),
    ...embeddedLdap(document, userStore?.connectionUrl),
    ...clearTextSecrets(document, secrets?.clearText ?? []),
  ];
}

function undeclaredDatasources(document: TomlDocument, databases: readonly ParsedDatabase[]): string[] {
  const declared = new Set(databases.flatMap(({ datasource }) => namesOf(datasource)));
  return datasourceUses(document)
    .filter(({ name }) => name !== '' && !isBuiltIn(name) && !declared.has(bareName(name)))
    .map(
      ({ key, path, name }) =>
        `${document.whereIsValue(path)}: \`${key}\` names the datasource '${name}', which the file does not declare: nothing ` +
        'here protects its database; declare it as [[datasource]], or correct the name',
    );
}

/** Samples of IS 5.9 to 7.0 write `name`; the product reads `file_name` alone, and takes its default without it. */
function unreadKeystoreNames(document: TomlDocument): string[] {
  return ['primary', 'internal', 'tls']
    .map((role) => ['keystore', role, 'name'])
    .filter(
      (path) => document.text(path) !== undefined && document.text([...path.slice(0, -1), 'file_name']) === undefined,
    )
    .map(
      (path) =>
        `${document.whereIsValue(path)}: \`${path.join('.')}\` is not read by the product, which takes its default file: ` +
        'write `file_name`',
    );
}

function embeddedLdap(document: TomlDocument, connectionUrl: string | undefined): string[] {
  return connectionUrl?.includes('EmbeddedLDAP')
    ? [
        `${document.whereIs(['user_store'])}: users are in the LDAP server that the product embeds, under repository/data, ` +
          'which no database holds: put that path on a volume, or move the users into a database',
      ]
    : [];
}

const clearTextSecrets = (document: TomlDocument, aliases: readonly string[]): string[] =>
  aliases.map(
    (alias) =>
      `${document.whereIsValue(['secrets', alias])}: \`secrets.${alias}\` is not encrypted yet: run the cipher tool, since ` +
      'what is backed up is the file as it is',
  );
