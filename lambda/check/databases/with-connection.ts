import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { DatasourceEntry } from '../../../lib/planning/plan-document';
import { connectorFor } from './connect';
import type { Credentials, RestoredConnection } from './database';

/** Where a database is, and the secret that logs in to it. */
export interface DatabaseServer {
  readonly host: string;
  readonly port: number;
  readonly secretArn: string;
}

/**
 * Connects as IS would, with the credentials of the secret; hands the connection to `use` and closes it.
 *
 * @throws Error that names datasource, database and server, never the password
 */
export async function withConnection<Result>(
  secrets: Pick<SecretsManagerClient, 'send'>,
  { host, port, secretArn }: DatabaseServer,
  datasource: DatasourceEntry,
  use: (connection: RestoredConnection) => Promise<Result>,
): Promise<Result> {
  const connect = await connectorFor(datasource);
  const credentials = await readCredentials(secrets, secretArn);
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
