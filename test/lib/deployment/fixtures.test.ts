// Files of the shapes in WSO2's public repositories, by repository and version, each with what it declares written by hand
// beside it: NAME.expected. One line a database:
//   SECTION DATASOURCE TYPE HOST[,HOST] PORT NAME LINE no|embedded [KEY THAT USES IT,...]
// then the restore dependencies and warnings; or `error LINE:COLUMN: ...`. `-` is nothing. Warnings and errors are given by
// their beginnings.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { DeploymentToml } from '../../../lib/deployment/deployment-toml';

const FOLDER = join(__dirname, '../../fixtures/deployment');
const names = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.toml'))
  .map((file) => file.replace(/\.toml$/, ''));

describe('what is declared by', () => {
  for (const name of names) {
    test(name, () => {
      const expected = readFileSync(join(FOLDER, `${name}.expected`), 'utf8')
        .trimEnd()
        .split('\n');
      const found = described(readFileSync(join(FOLDER, `${name}.toml`), 'utf8'));
      // What is given by its beginning is compared as far as that.
      const compared = found.map((line, index) =>
        /^(?:warning|error) /.test(line) ? line.slice(0, expected[index]?.length) : line,
      );
      assert.deepEqual(compared, expected);
    });
  }
});

test('the fixtures are what they are said to be', () => {
  const good = names.filter((name) => !readFileSync(join(FOLDER, `${name}.expected`), 'utf8').startsWith('error'));
  assert.ok(good.length >= 40, `${good.length} files that declare databases`);
});

function described(text: string): string[] {
  let deployment: DeploymentToml;
  try {
    deployment = DeploymentToml.fromString(text, { fileName: 'F' });
  } catch (error) {
    return [(error as Error).message.split('\n')[0].replace(/^F:/, 'error ')];
  }
  const { databases, keystores, secrets, userStore, clustering, smtp, warnings } = deployment;
  const marks = (alias: string) => [
    ...(secrets?.elsewhere.includes(alias) ? ['elsewhere'] : []),
    ...(secrets?.clearText.includes(alias) ? ['clear-text'] : []),
  ];
  return [
    ...databases.map((database) =>
      [
        database.section,
        database.datasource,
        database.type,
        (database.hosts ?? [database.host ?? '-']).join(','),
        database.port ?? '-',
        database.databaseName ?? '-',
        database.line ?? '-',
        database.embedded ? 'embedded' : 'no',
        ...(database.usedBy ? [database.usedBy.join(',')] : []),
      ].join(' '),
    ),
    ...keystores.map(({ role, path, orPath }) => `keystore ${role} ${path}${orPath ? ` or ${orPath}` : ''}`),
    `encryption ${deployment.encryptionKey}${deployment.encryptsWithKeystore ? ' keystore' : ''}`,
    ...(secrets?.aliases ?? []).map((alias) => ['secret', alias, ...marks(alias)].join(' ')),
    ...(userStore ? [['user_store', userStore.type, userStore.connectionUrl ?? []].flat().join(' ')] : []),
    ...(clustering
      ? [
          [
            'clustering',
            clustering.membershipScheme,
            ...(clustering.domain ? [`domain=${clustering.domain}`] : []),
            ...(clustering.members ? [`members=${clustering.members.join(',')}`] : []),
          ].join(' '),
        ]
      : []),
    ...(smtp ? [`smtp ${smtp.host} ${smtp.port ?? '-'}`] : []),
    ...warnings.map((warning) => warning.replace(/^F:(\d+:\d+): /, 'warning $1 ')),
  ];
}
