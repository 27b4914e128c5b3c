import { isNameOf } from '../../../lib/deployment/datasource-names';
import type { DatasourceEntry } from '../../../lib/planning/plan-document';
import {
  type Check,
  failed,
  passed,
  skipped,
  someOf,
  warning,
  type Finding,
  type Surroundings,
  type Target,
} from '../check';
import type { RestoredDatabase } from '../contract';
import type { Column } from '../databases/database';
import { type Ciphertext, parseEncrypted, parseSelfContained } from '../encryption/ciphertext';
import { decrypt } from '../encryption/decrypt';
import type { RestoredKeyring } from '../encryption/restored-keys';
import { parseUserStore } from '../user-store';
import { SUPER_TENANT_USER_STORES, TENANTS, userStoreFiles } from '../user-store-files';

/** Values of each place that are tried: enough to meet every key that was ever in use, few enough for any database. */
const VALUES_PER_PLACE = 200;

interface Place extends Column {
  /** Whether the product may keep it in clear text too: then only what says of itself that it is encrypted is tried. */
  readonly mayBeClear?: boolean;
}

/** Where IS keeps encrypted values, by datasource. */
const PLACES: Readonly<Record<string, readonly Place[]>> = {
  identity_db: [
    { table: 'IDN_SECRET', column: 'SECRET_VALUE' },
    { table: 'IDN_OAUTH_CONSUMER_APPS', column: 'CONSUMER_SECRET', mayBeClear: true },
    { table: 'IDN_OAUTH2_ACCESS_TOKEN', column: 'ACCESS_TOKEN', mayBeClear: true },
  ],
  shared_db: [
    // Passwords of the tenants' keystores: in the registry, and since IS 7.1 in a table of their own.
    {
      table: 'REG_PROPERTY',
      column: 'REG_VALUE',
      where: { column: 'REG_NAME', values: ['password', 'privatekeyPass'] },
      mayBeClear: true,
    },
    { table: 'KEY_STORE', column: 'PASSWORD' },
    { table: 'KEY_STORE', column: 'PRIVATE_KEY_PASS' },
  ],
};

/** What is encrypted in the databases and in the files of user stores decrypts with what was restored beside them. */
export const encryptedValues: Check = {
  name: 'encrypted-values',
  targets: (surroundings) => {
    const { event, tree } = surroundings;
    const configurationOn = tree.volumeOf(event.restoreDependencies.deploymentTomlPath)?.name;
    const databases = event.databases.flatMap((database) =>
      database.datasources.flatMap((datasource): Target[] => {
        const places = placesOf(datasource);
        if (places.length === 0) return [];
        return [
          {
            component: [database.name, ...(configurationOn === undefined ? [] : [configurationOn])].join(' + '),
            run: () => checkDatabase(database, datasource, places, surroundings),
          },
        ];
      }),
    );
    const userStores = [SUPER_TENANT_USER_STORES, TENANTS].flatMap((path) => tree.volumeOf(path)?.name ?? []);
    const files = { component: [...new Set(userStores)].join(' + '), run: () => checkUserStores(surroundings) };
    const targets = [...databases, ...(userStores.length === 0 ? [] : [files])];
    const nothing = { component: 'deployment', run: () => Promise.resolve(skipped(NOTHING)) };
    return targets.length > 0 ? targets : [nothing];
  },
};

const NOTHING = 'no restored database and no volume of this deployment holds encrypted values';

const placesOf = ({ datasource }: DatasourceEntry) =>
  Object.entries(PLACES).find(([name]) => isNameOf(name, datasource))?.[1] ?? [];

async function checkDatabase(
  database: RestoredDatabase,
  datasource: DatasourceEntry,
  places: readonly Place[],
  { withConnection, keys }: Surroundings,
): Promise<Finding> {
  const found = await withConnection(database, datasource, async (connection) => {
    const present = await connection.tables();
    const values: Value[] = [];
    for (const place of places.filter(({ table }) => present.includes(table))) {
      for (const text of await connection.texts(place, VALUES_PER_PLACE)) {
        const ciphertext = place.mayBeClear ? parseSelfContained(text) : parseEncrypted(text);
        if (ciphertext !== undefined) values.push({ where: `${place.table}.${place.column}`, ciphertext });
        else if (!place.mayBeClear) values.push({ where: `${place.table}.${place.column}`, ciphertext: undefined });
      }
    }
    return values;
  });
  return judge(`database ${datasource.databaseName} (${datasource.datasource})`, found, await keys.keyring());
}

async function checkUserStores({ tree, keys }: Surroundings): Promise<Finding> {
  const values: Value[] = [];
  for (const { path, read } of (await userStoreFiles(tree)).files) {
    // One that does not parse is for the check of user stores to name.
    const properties = await read().then(
      (xml) => tryParse(xml),
      () => [],
    );
    for (const { name, value, encrypted } of properties) {
      if (encrypted && value !== '') values.push({ where: `${path} ${name}`, ciphertext: parseEncrypted(value) });
    }
  }
  return judge('user stores', values, await keys.keyring());
}

function tryParse(xml: string) {
  try {
    return parseUserStore(xml).properties;
  } catch {
    return [];
  }
}

export interface Value {
  readonly where: string;
  /** Undefined where it must be encrypted and is not even base64. */
  readonly ciphertext: Ciphertext | undefined;
}

/** Decides, from the values and the keys. Clear texts are thrown away at once: only their number is told. */
export function judge(what: string, values: readonly Value[], keyring: RestoredKeyring): Finding {
  if (values.length === 0) return skipped(`${what}: no encrypted value found, so nothing proves that the keys fit`);
  const count = { 'by the symmetric key': 0, 'by a keystore': 0, 'not decrypted': 0, 'not tried': 0 };
  const wrong = new Map<string, number>();
  const untried = new Map<string, number>();
  const note = (list: Map<string, number>, sentence: string) => list.set(sentence, (list.get(sentence) ?? 0) + 1);
  for (const { where, ciphertext } of values) {
    const result = ciphertext === undefined ? undefined : decrypt(ciphertext, keyring);
    if (result?.kind === 'clear') {
      count[result.by === 'keystore' ? 'by a keystore' : 'by the symmetric key']++;
      continue;
    }
    const excuse = result === undefined ? undefined : excuseOf(result, keyring);
    if (excuse === undefined) {
      count['not decrypted']++;
      note(wrong, where);
    } else {
      count['not tried']++;
      note(untried, `${where}: ${excuse}`);
    }
  }
  const compared = { what, values: values.length, ...count };
  if (wrong.size > 0) {
    return failed(
      `${what}: ${count['not decrypted']} of ${values.length} encrypted values do not decrypt with the restored keys: ` +
        `${someOf(counted(wrong))}. Restore an export with the [encryption] key and the keystore that were in use when they ` +
        'were written',
      compared,
    );
  }
  if (untried.size > 0) {
    return warning(
      `${what}: ${count['not tried']} of ${values.length} encrypted values could not be tried: ${someOf(counted(untried))}`,
      compared,
    );
  }
  return passed(
    `${what}: all ${values.length} encrypted values that were tried decrypt with the restored keys`,
    compared,
  );
}

/** Why a value that did not decrypt proves nothing: the key is not to be had here, or the release does not know how. */
function excuseOf(
  result: Exclude<ReturnType<typeof decrypt>, { kind: 'clear' }>,
  { symmetricUnknown, keystoresClosed }: RestoredKeyring,
): string | undefined {
  if (result.kind === 'unsupported') return `made by ${result.transformation}, which this release does not know`;
  if (result.by === 'symmetric key') return symmetricUnknown;
  return keystoresClosed.length > 0 ? someOf(keystoresClosed) : undefined;
}

const counted = (sentences: ReadonlyMap<string, number>) =>
  [...sentences].map(([sentence, count]) => (count === 1 ? sentence : `${sentence} (${count})`));
