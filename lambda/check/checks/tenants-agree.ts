import { readdir } from 'node:fs/promises';
import type { RestoredDatabase } from '../contract';
import type { DatasourceEntry } from '../../../lib/planning/plan-document';
import { type Check, failed, passed, skipped, someOf, warning, type Finding, type Surroundings } from '../check';
import type { Tenant } from '../databases/database';

const TENANTS_PATH = 'repository/tenants';

/** `UM_TENANT` and the tenant directories name the same tenants: databases and artifacts are of one moment. */
export const tenantsAgree: Check = {
  name: 'tenants-agree',
  targets: (surroundings) => {
    const holder = tenantDatabase(surroundings.event.databases);
    const volume = surroundings.tree.volumeOf(TENANTS_PATH);
    const component = [holder?.database.name, volume?.name].filter((name) => name !== undefined).join(' + ');
    if (holder === undefined) {
      return [
        {
          component: component || 'deployment',
          run: () =>
            Promise.resolve(
              skipped('no restored database is the shared_db of deployment.toml, which holds the tenants'),
            ),
        },
      ];
    }
    return [
      {
        component,
        run: () =>
          surroundings.withConnection(holder.database, holder.datasource, async (connection) =>
            // The super tenant, where it has a row (its id is negative), lives in no directory of its own.
            compare(
              (await connection.tenants()).filter(({ id }) => id > 0),
              surroundings,
            ),
          ),
      },
    ];
  },
};

function tenantDatabase(
  databases: readonly RestoredDatabase[],
): { database: RestoredDatabase; datasource: DatasourceEntry } | undefined {
  for (const database of databases) {
    const datasource = database.datasources.find((entry) => entry.datasource === 'shared_db');
    if (datasource !== undefined) return { database, datasource };
  }
  return undefined;
}

async function compare(tenants: readonly Tenant[], { tree }: Surroundings): Promise<Finding> {
  const tenantsInDatabase = tenants.length;
  if (tree.volumeOf(TENANTS_PATH) === undefined) {
    return skipped(`no volume of this deployment holds ${TENANTS_PATH}: nothing to compare the tenants with`, {
      tenantsInDatabase,
    });
  }
  const found = await tree.inspect(TENANTS_PATH);
  if (found.kind === 'link-outside') {
    return skipped(
      `${TENANTS_PATH} is a symbolic link to ${found.target}, which is on no volume of this deployment: name the file ` +
        `system it leads to as a volume mounted at ${TENANTS_PATH}`,
      { tenantsInDatabase },
    );
  }
  if (found.kind === 'file') return failed(`${TENANTS_PATH} is a file, not a directory`, { tenantsInDatabase });
  // Before the first tenant is made there is no directory; with tenants there must be one.
  const names = found.kind === 'missing' ? [] : await readdir(found.absolute);
  return judge(tenants, new Set(names.filter((name) => /^\d+$/.test(name)).map(Number)));
}

/** Decides, from the rows of `UM_TENANT` and the ids that have a directory. */
export function judge(tenants: readonly Tenant[], directories: ReadonlySet<number>): Finding {
  const inDatabase = new Set(tenants.map(({ id }) => id));
  const without = tenants.filter(({ id }) => !directories.has(id));
  const missing = without.filter(({ active }) => active).map(label);
  // A tenant that was deactivated may have been moved away by its administrator: worth a look, no proof of a loss.
  const inactive = without.filter(({ active }) => !active).map(label);
  const orphans = [...directories].filter((id) => !inDatabase.has(id)).sort((a, b) => a - b);
  const compared = {
    tenantsInDatabase: tenants.length,
    tenantDirectories: directories.size,
    directoriesMissing: missing.length,
    inactiveWithoutDirectory: inactive.length,
    directoriesWithoutTenant: orphans.length,
  };
  if (missing.length > 0) {
    return failed(
      `${missing.length} of ${tenants.length} tenants in UM_TENANT have no directory in ${TENANTS_PATH}: ` +
        `${someOf(missing)}. Restore a recovery set whose export is not older than its database`,
      compared,
    );
  }
  if (orphans.length > 0 || inactive.length > 0) {
    const parts = [
      ...(orphans.length > 0 ? [`directories without a row in UM_TENANT: ${someOf(orphans)}`] : []),
      ...(inactive.length > 0 ? [`inactive tenants without a directory: ${someOf(inactive)}`] : []),
    ];
    return warning(`${parts.join('; ')}. Compare them with the tenants that were made or removed lately`, compared);
  }
  return passed(`all ${tenants.length} tenants in UM_TENANT have their directory`, compared);
}

const label = ({ id, domain }: Tenant) => `${id} (${domain})`;
