import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { join } from 'node:path';
import type { CheckEvent } from './contract';
import type { Surroundings } from './check';
import { connectorFor } from './databases/connect';
import type { Credentials } from './databases/database';
import { RestoredKeys } from './encryption/restored-keys';
import { RestoredTree } from './restored-tree';

/** The real surroundings: Secrets Manager, the restored servers, the mounted restore volume, the replica bucket. */
export function surroundingsOf(
  event: CheckEvent,
  secrets: Pick<SecretsManagerClient, 'send'>,
  mountPath: string,
  readManifest: Surroundings['readManifest'],
): Surroundings {
  const tree = new RestoredTree(join(mountPath, event.drillId), event.volumes);
  return {
    event,
    tree,
    keys: new RestoredKeys(tree, event.restoreDependencies),
    readManifest,
    async withConnection(database, datasource, use) {
      const connect = await connectorFor(datasource);
      const credentials = await readCredentials(secrets, database.secretArn);
      const { host, port } = database;
      try {
        const connection = await connect({ host, port, databaseName: datasource.databaseName, credentials });
        try {
          return await use(connection);
        } finally {
          await connection.close();
        }
      } catch (error) {
        // eslint-disable-next-line preserve-caught-error -- a cause would carry the password that is taken out here
        throw new Error(
          `datasource ${datasource.datasource}, database ${datasource.databaseName} on ${host}:${port}: ` +
            withoutSecret(error, credentials),
        );
      }
    },
  };
}

async function readCredentials(secrets: Pick<SecretsManagerClient, 'send'>, secretArn: string): Promise<Credentials> {
  const { SecretString } = await secrets
    .send(new GetSecretValueCommand({ SecretId: secretArn }))
    .catch((error: unknown) => {
      throw new Error(
        `secret ${secretArn} cannot be read (${error instanceof Error ? `${error.name}: ${error.message}` : 'unknown error'}): ` +
          'replicate the secret of the database to this Region',
        { cause: error },
      );
    });
  const { username, password } = fieldsOf(SecretString);
  if (typeof username !== 'string' || typeof password !== 'string') {
    throw new Error(`secret ${secretArn} must be JSON with \`username\` and \`password\`, as RDS writes it`);
  }
  return { username, password };
}

/** The parser's own error would quote what it could not read. */
function fieldsOf(secret: string | undefined): { readonly username?: unknown; readonly password?: unknown } {
  try {
    const value: unknown = JSON.parse(secret ?? '');
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}

function withoutSecret(error: unknown, { password }: Credentials): string {
  const messages =
    error instanceof AggregateError
      ? error.errors.map((each) => (each instanceof Error ? each.message : String(each))).join('; ')
      : error instanceof Error
        ? error.message
        : String(error);
  return password === '' ? messages : messages.replaceAll(password, '***');
}
