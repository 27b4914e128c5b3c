/**
 * The local AWS: a stand-in for trying and testing, in one process tree, on loopback only. It says what it is and is as
 * strict as AWS where being lax would hide a bug.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ACCOUNT_ID, CREDENTIALS, clientEnvironment, serverEnvironment } from './environment';
import { startServer } from './server-process';
import { pythonEnvironment } from './venv';

export interface LocalAwsOptions {
  /** Where servers keep their data; made when absent, removed by `stop()`. Default: a new temporary folder. */
  readonly dataDir?: string;
  /** How long simulated work takes, in seconds. Defaults: backup 1, copy 1, restore 1, a durable second and one of alarms 1, the others 0.5. */
  readonly durations?: Partial<Durations>;
  /**
   * Whether automated backups of RDS instances are kept in their own Region too, and can be restored from: a base backup and the
   * logs of each, which takes time and room. Default: false; they are records without a restore window.
   */
  readonly automatedBackups?: boolean;
  /** Receives a line for each notable event (a server started, a job ended). Default: nothing is said. */
  readonly log?: (line: string) => void;
  /** Ends the start, the making of the Python environment included. What has started ends by `stop()`. */
  readonly signal?: AbortSignal;
}

export interface Durations {
  readonly backupSeconds: number;
  readonly copySeconds: number;
  readonly restoreSeconds: number;
  /** Of S3 objects. */
  readonly replicationSeconds: number;
  /** How often RDS ships the logs of an instance whose automated backups are replicated; on AWS every 5 minutes. */
  readonly logShippingSeconds: number;
  /** How long they are on their way to the other Region. */
  readonly automatedBackupReplicationSeconds: number;
  /** How long a second is of which a durable function waits or pauses before it tries again; its time-out is not shortened. */
  readonly durableSecond: number;
  /** How long a second of the periods of CloudWatch alarms is. */
  readonly alarmSecond: number;
}

/** What can be made to go wrong; README.md says what each matches and needs. */
export interface Fault {
  readonly kind:
    | 'region-gone' // every call to Region `match` fails with a connection error or HTTP 503; its servers stop
    | 'backup-job-fails'
    | 'copy-job-fails'
    | 'restore-job-fails'
    | 'backup-job-hangs' // RUNNING until the faults are cleared
    | 'copy-job-hangs'
    | 'restore-job-hangs'
    | 'restore-job-slow' // takes `seconds` longer
    | 'restore-job-damages' // completes, after the statement `message` was run in `database` of what it made
    | 'instance-quota-reached' // RDS makes no instance in Region `match`
    | 'call-throttled' // the next `times` calls
    | 'call-fails' // with the error `code` and `message`
    | 'call-hangs' // until the faults are cleared
    | 'call-slow' // takes `seconds` longer
    | 'permission-withheld' // no role is allowed what `ROLE ACTION` matches
    | 'function-fails' // throws an error with `message`
    | 'function-times-out' // at once
    | 'function-answers' // the JSON of `message`
    | 'function-killed' // a durable function, before or after a checkpoint; it is invoked again
    | 'execution-times-out' // of a durable function, at once
    | 'event-dropped' // an event for a durable function never becomes an execution
    | 'replication-fails'
    | 'replication-paused' // objects wait until the fault is cleared
    | 'automated-backup-replication-paused' // the restore window of the replica stands still
    | 'automated-backup-damaged'; // a restore from the replica finds no logs, and ends incompatible-restore
  readonly match: string;
  /** What the job, the call or the function says; or the statement or answer of those that have one. */
  readonly message?: string;
  /** How often it happens. Default: until the faults are cleared. */
  readonly times?: number;
  readonly seconds?: number;
  /** `ThrottlingException` */
  readonly code?: string;
  /** Name of a database of the server. */
  readonly database?: string;
}

export interface LocalAws {
  /** `http://127.0.0.1:PORT` */
  readonly endpoint: string;
  readonly dataDir: string;
  readonly accountId: string;
  /**
   * Environment for child processes (cdk, aws, tests): endpoint, dummy credentials, no profiles, no instance metadata,
   * PATH with Node 24 first. Complete: to be used instead of `process.env`, not beside it.
   */
  readonly env: Readonly<Record<string, string>>;
  /** Configuration for an SDK v3 client: explicit endpoint and dummy credentials; path-style S3. */
  clientConfig(region: string): {
    readonly region: string;
    readonly endpoint: string;
    readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
    readonly forcePathStyle: true;
  };
  /** The folder that stands for an EFS file system. */
  fileSystemPath(fileSystemId: string): string;
  addFault(fault: Fault): Promise<void>;
  clearFaults(): Promise<void>;
  /** Runs a restore testing plan of AWS Backup, as its schedule would; gives the ids of the restore jobs. */
  runRestoreTest(region: string, name: string, windowSeconds?: number): Promise<readonly string[]>;
  /** Ends the environments of functions, none of which may run: what they remember is gone, and the next invocation mounts anew. */
  coolDown(): Promise<void>;
  /** Every version of an S3 object is as old as if it had been put so much earlier. */
  backdate(bucket: string, key: string, seconds: number): Promise<void>;
  /** Every API call noted since the start: for proofs such as "the drill changed nothing of production". */
  calls(): Promise<readonly ApiCall[]>;
  /** What the roles of functions that ran allow, and whether a call since the start needed it. */
  permissions(): Promise<readonly PermissionUse[]>;
  /** Ends every process that was started and removes the data; safe to call twice. */
  stop(): Promise<void>;
}

export interface ApiCall {
  readonly at: string;
  readonly region: string;
  /** `backup`, `s3`, ... */
  readonly service: string;
  readonly method: string;
  readonly path: string;
  /** Query or JSON action (`DescribeDBInstances`), where the protocol names it. */
  readonly action?: string;
  /** Identifiers, ARNs, tokens and tag values in the query and body: what the call is about. */
  readonly about: readonly string[];
  readonly status: number;
  /** Of a call of a function: what it asked for. */
  readonly checks?: readonly PermissionCheck[];
}

export interface PermissionCheck {
  /** Name of the function's role. */
  readonly role: string;
  readonly action: string;
  readonly resource: string;
  readonly allowed: boolean;
  /** Statements of the role, `POLICY#INDEX`. */
  readonly allowedBy: readonly string[];
}

/** One action of one statement of a role. */
export interface PermissionUse {
  readonly role: string;
  readonly statement: string;
  /** As it is written, perhaps with a wildcard. */
  readonly action: string;
  readonly resources: readonly string[];
  /** A call was allowed by it. */
  readonly used: boolean;
  /** A call was allowed by it alone: it would have been denied without it. */
  readonly needed: boolean;
}

export async function startLocalAws(options: LocalAwsOptions = {}): Promise<LocalAws> {
  const log = options.log ?? (() => {});
  const python = await pythonEnvironment(log, { signal: options.signal });
  options.signal?.throwIfAborted();
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'local-aws-')));
  await mkdir(join(dataDir, 'home'), { recursive: true });
  await mkdir(join(dataDir, 'tmp'), { recursive: true });

  const { durations = {}, automatedBackups = false } = options;
  const server = await startServer(python, serverEnvironment(dataDir, durations, automatedBackups), log);
  const endpoint = `http://127.0.0.1:${server.port}`;

  const control = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const response = await fetch(`${endpoint}/_local/${path}`, {
      method,
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const answer: unknown = await response.json();
    if (!response.ok) throw new Error(`local AWS: ${method} ${path}: ${JSON.stringify(answer)}`);
    return answer;
  };

  let stopping: Promise<void> | undefined;
  return {
    endpoint,
    dataDir,
    accountId: ACCOUNT_ID,
    env: clientEnvironment(endpoint, dataDir),
    clientConfig: (region) => ({ region, endpoint, credentials: CREDENTIALS, forcePathStyle: true }),
    fileSystemPath: (fileSystemId) => join(dataDir, 'efs', fileSystemId),
    addFault: async (fault) => void (await control('POST', 'faults', fault)),
    clearFaults: async () => void (await control('DELETE', 'faults')),
    runRestoreTest: async (region, name, window_seconds = 30) =>
      (await control('POST', 'restore-test', { region, name, window_seconds })) as string[],
    coolDown: async () => void (await control('POST', 'cold')),
    backdate: async (bucket, key, seconds) => void (await control('POST', 'backdate', { bucket, key, seconds })),
    calls: async () => (await control('GET', 'calls')) as ApiCall[],
    permissions: async () => (await control('GET', 'permissions')) as PermissionUse[],
    stop: () => (stopping ??= server.stop().then(() => rm(dataDir, { recursive: true, force: true, maxRetries: 5 }))),
  };
}
