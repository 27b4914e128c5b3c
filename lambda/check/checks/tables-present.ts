import { type Check, failed, passed, someOf, type Surroundings } from '../check';
import { requiredTables, SCHEMA_NOTES } from '../tables';

/** Each datasource holds the tables of its kind; the row counts are reported so that a person sees an empty restore. */
export const tablesPresent: Check = {
  name: 'tables-present',
  targets: (surroundings) =>
    surroundings.event.databases.flatMap((database) =>
      database.datasources.map((datasource) => ({
        component: database.name,
        run: () =>
          surroundings.withConnection(database, datasource, async (connection) => {
            const { datasource: name, databaseName } = datasource;
            const present = await connection.tables();
            const required = requiredTables(name, await usesOf(name, surroundings));
            const missing = required.filter((table) => !present.includes(table));
            const compared = {
              datasource: name,
              databaseName,
              tables: present.length,
              tablesRequired: required.length,
              tablesMissing: missing.length,
            };
            if (missing.length > 0) {
              return failed(
                `${name}: database ${databaseName} lacks ${missing.length} of the ${required.length} tables it must ` +
                  `hold: ${someOf(missing)}. Find out whether they were dropped before the backup, and restore an older ` +
                  'recovery point',
                compared,
              );
            }
            if (present.length === 0) {
              return failed(
                `${name}: database ${databaseName} holds no table at all. Compare its name with deployment.toml`,
                compared,
              );
            }
            const counts: Record<string, number> = {};
            const notes: Record<string, string> = {};
            for (const { table, column } of SCHEMA_NOTES) {
              if (!present.includes(table)) continue;
              notes[`${table}.${column}`] = (await connection.texts({ table, column }, 10)).join(', ') || 'empty';
            }
            for (const table of required) counts[table] = await connection.countRows(table);
            surroundings.counted.set(`${database.name}, ${name}`, counts);
            const rows = Object.entries(counts).map(([table, count]) => [`rows ${table}`, count] as const);
            return passed(
              required.length > 0
                ? `${name}: database ${databaseName} holds all ${required.length} tables of its kind`
                : `${name}: database ${databaseName} holds ${present.length} tables`,
              { ...compared, ...notes, ...Object.fromEntries(rows) },
            );
          }),
      })),
    ),
};

/** What the restored `deployment.toml` uses a datasource for; where it cannot be read another check says so. */
async function usesOf(datasource: string, { keys }: Surroundings): Promise<readonly string[]> {
  const configuration = await keys.configuration().catch(() => undefined);
  if (configuration?.kind !== 'parsed') return [];
  return configuration.deployment.databases.find((database) => database.datasource === datasource)?.usedBy ?? [];
}
