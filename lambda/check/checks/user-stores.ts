import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isBuiltIn, isNameOf } from '../../../lib/deployment/datasource-names';
import type { ParsedDeployment } from '../../../lib/deployment/parse';
import { type Check, failed, passed, skipped, someOf, warning, type Finding, type Surroundings } from '../check';
import type { RestoredTree } from '../restored-tree';
import { parseUserStore, propertyOf, type UserStore } from '../user-store';
import { SUPER_TENANT_USER_STORES, TENANTS, userStoreFiles } from '../user-store-files';

/** Every file of a secondary user store parses, and names a class and a datasource that exist. */
export const userStores: Check = {
  name: 'user-stores',
  targets: (surroundings) => {
    const volumes = [SUPER_TENANT_USER_STORES, TENANTS].flatMap((path) => surroundings.tree.volumeOf(path)?.name ?? []);
    return [
      {
        component: [...new Set(volumes)].join(' + ') || 'deployment',
        run: () =>
          volumes.length === 0
            ? Promise.resolve(skipped(`no volume of this deployment holds ${SUPER_TENANT_USER_STORES} or ${TENANTS}`))
            : check(surroundings),
      },
    ];
  },
};

async function check({ tree, keys }: Surroundings): Promise<Finding> {
  const { files, elsewhere } = await userStoreFiles(tree);
  const configuration = await keys.configuration();
  const deployment = configuration.kind === 'parsed' ? configuration.deployment : undefined;
  const wrong: string[] = [];
  const doubtful: string[] = [];
  const classes = new ClassFinder(tree);
  for (const { path, read } of files) {
    try {
      const store = parseUserStore(await read());
      const problems = await problemsOf(store, deployment, classes);
      wrong.push(...problems.wrong.map((what) => `${path} ${what}`));
      doubtful.push(...problems.doubtful.map((what) => `${path} ${what}`));
    } catch (error) {
      wrong.push(`${path} ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  const compared = { userStores: files.length, wrong: wrong.length, doubtful: doubtful.length };
  if (wrong.length > 0) {
    return failed(
      `${wrong.length} of ${files.length} user stores cannot be deployed: ${someOf(wrong)}. Their users cannot log in: ` +
        'restore an older export, or mend the files in production',
      compared,
    );
  }
  const warnings = [
    ...doubtful,
    ...elsewhere.map((what) => `${what}, which is on no volume of this deployment: name its file system as a volume`),
  ];
  if (warnings.length > 0) return warning(`of ${files.length} user stores: ${someOf(warnings)}`, compared);
  return passed(
    files.length === 0
      ? 'there is no secondary user store'
      : `all ${files.length} user stores parse, and name classes and datasources that exist`,
    compared,
  );
}

async function problemsOf(
  store: UserStore,
  deployment: ParsedDeployment | undefined,
  classes: ClassFinder,
): Promise<{ wrong: readonly string[]; doubtful: readonly string[] }> {
  const wrong: string[] = [];
  const doubtful: string[] = [];
  if (propertyOf(store, 'DomainName') === undefined) wrong.push('has no DomainName');
  if (!(await classes.exists(store.className))) {
    doubtful.push(`names class ${store.className}, which no restored jar holds: see that the image of IS has it`);
  }
  const datasource = propertyOf(store, 'dataSource');
  if (datasource !== undefined && deployment !== undefined && !declares(deployment, datasource)) {
    wrong.push(`names datasource ${datasource}, which deployment.toml does not declare`);
  }
  if (datasource === undefined && propertyOf(store, 'url')?.startsWith('jdbc:')) {
    doubtful.push('keeps its users in a database of its own `url`, which no plan protects: declare it as a datasource');
  }
  return { wrong, doubtful };
}

const declares = ({ databases, lookup }: ParsedDeployment, name: string) =>
  isBuiltIn(name) ||
  databases.some(({ datasource }) => isNameOf(datasource, name)) ||
  // `[[datasource]]` may be given a JNDI name of its own.
  databases.some((_, index) =>
    ['jndi_config.name', 'jndi_name'].some((key) => lookup(`datasource.${index}.${key}`)?.trim() === name),
  );

/** Classes of the product are taken for there; of others the restored jars are asked. */
class ClassFinder {
  private readonly known = new Map<string, Promise<boolean>>();

  constructor(private readonly tree: RestoredTree) {}

  exists(className: string): Promise<boolean> {
    if (className.startsWith('org.wso2.carbon.')) return Promise.resolve(true);
    const known = this.known.get(className) ?? this.search(className);
    this.known.set(className, known);
    return known;
  }

  /** A jar's directory holds the names of its files as they are: no need to unpack it. */
  private async search(className: string): Promise<boolean> {
    const entry = `${className.replaceAll('.', '/')}.class`;
    for (const folder of ['dropins', 'lib', 'plugins'].map((name) => `repository/components/${name}`)) {
      const found = await this.tree.inspect(folder);
      if (found.kind !== 'directory') continue;
      for (const name of (await readdir(found.absolute)).filter((each) => each.endsWith('.jar'))) {
        if ((await readFile(join(found.absolute, name))).includes(entry)) return true;
      }
    }
    return false;
  }
}
