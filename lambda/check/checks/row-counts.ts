import { type Check, failed, type Finding, passed, skipped, someOf, warning } from '../check';
import type { DatasourceCounts } from '../../count/contract';
import type { RestoredDatabase } from '../contract';
import { isVolatile, rowBounds } from '../row-bounds';

/** The restored tables have about as many rows as production had at that moment, where that was noted (`rowCounts`). */
export const rowCounts: Check = {
  name: 'row-counts',
  targets: ({ event, counted, readCounts }) =>
    event.databases.flatMap((database) =>
      database.datasources.map(({ datasource }) => ({
        component: database.name,
        run: async () => {
          const found = counted.get(`${database.name}, ${datasource}`);
          if (found === undefined) return skipped(`${datasource}: its rows could not be counted`, { datasource });
          if (database.moment === undefined) return skipped(`${datasource}: its moment is not known`, { datasource });
          const { near, any } = await readCounts(database.moment);
          if (!any) {
            return skipped(
              `${datasource}: no rows are noted in production, so there is nothing to compare with (\`rowCounts\`)`,
              { datasource },
            );
          }
          const noted = near.filter((each) => each.component === database.name && each.datasource === datasource);
          return compare(database, datasource, found, noted);
        },
      })),
    ),
};

function compare(
  { moment = '' }: RestoredDatabase,
  datasource: string,
  found: Readonly<Record<string, number>>,
  noted: readonly DatasourceCounts[],
): Finding {
  const tables = Object.entries(found).flatMap(([table, rows]) => {
    const notes = noted.flatMap(({ startedAt, endedAt, rows: counts }) => {
      const count = counts[table];
      return count === undefined ? [] : [{ startedAt, endedAt, rows: count }];
    });
    const bounds = rowBounds(table, moment, notes);
    return bounds === undefined ? [] : [{ table, rows, ...bounds }];
  });
  const compared = {
    datasource,
    moment,
    notes: noted.length,
    tablesCompared: tables.length,
    ...Object.fromEntries(
      tables.map(({ table, rows, least, most }) => [table, `${rows}, expected ${least} to ${most}`]),
    ),
  };
  if (tables.length === 0) {
    return warning(
      `${datasource}: no rows were noted within a day of ${moment}, though they are at other times. Look for errors of the ` +
        'count function in the primary Region',
      compared,
    );
  }
  const outside = tables.filter(({ rows, least, most }) => rows < least || rows > most);
  // Sessions and tokens may all have been cleaned up at once.
  const empty = outside.filter(({ table, rows }) => rows === 0 && !isVolatile(table));
  const said = (list: typeof tables) =>
    someOf(list.map(({ table, rows, least, most }) => `${table} ${rows} (${least} to ${most})`));
  if (empty.length > 0) {
    return failed(
      `${datasource}: ${empty.length} of ${tables.length} tables hold no rows, and held some in production around ` +
        `${moment}: ${said(empty)}. Restore another recovery point, and find out why this one is not whole`,
      compared,
    );
  }
  if (outside.length > 0) {
    return warning(
      `${datasource}: ${outside.length} of ${tables.length} tables hold another number of rows than production did around ` +
        `${moment}: ${said(outside)}. Find out whether many were added or removed at that time`,
      compared,
    );
  }
  return passed(
    `${datasource}: all ${tables.length} tables hold as many rows as production did around ${moment}`,
    compared,
  );
}
