import { type Check, passed } from '../check';

/** Each datasource of `deployment.toml` connects on the restored server with its own credentials. */
export const datasourceConnects: Check = {
  name: 'datasource-connects',
  targets: (surroundings) =>
    surroundings.event.databases.flatMap((database) =>
      database.datasources.map((datasource) => ({
        component: database.name,
        run: () =>
          surroundings.withConnection(database, datasource, async ({ server }) =>
            passed(
              `${datasource.datasource} connects to database ${datasource.databaseName} (${server.version}, ` +
                `${server.encrypted ? 'encrypted' : 'not encrypted: the server offers no TLS'})`,
              {
                datasource: datasource.datasource,
                databaseName: datasource.databaseName,
                server: server.version,
                encrypted: server.encrypted ? 'yes' : 'no',
              },
            ),
          ),
      })),
    ),
};
