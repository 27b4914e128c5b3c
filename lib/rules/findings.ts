/**
 * What is wrong with a resource that recovery rests on. Pure: over CloudFormation properties as they are in the template, so
 * what is an intrinsic function there is compared as such.
 */

/** A resource of a template, resolved. */
export interface TemplateResource {
  readonly type: string;
  readonly properties: Readonly<Record<string, unknown>>;
  /** Where its stack is: a literal, or `{ Ref: 'AWS::AccountId' }`. */
  readonly account: unknown;
}

export interface Rule {
  readonly name: string;
  readonly info: string;
  readonly explanation: string;
  /** An error can lose backups; a warning weakens them, and may be a choice. */
  readonly severity: 'error' | 'warning';
  /** `all` are the resources of the app. Undefined: does not concern the resource. False: it is not as it should be. */
  readonly holds: (resource: TemplateResource, all: () => readonly TemplateResource[]) => boolean | undefined;
}

export const RULES: readonly Rule[] = [
  {
    name: 'VaultDeniesDeletion',
    info: 'The backup vault does not deny deleting recovery points, and changing the policy that denies it.',
    explanation:
      'Who may delete recovery points, or remove the policy that forbids it, can destroy the backups together with what they ' +
      'back up. A denial of the deletion alone is removed first.',
    severity: 'error',
    holds: ({ type, properties }) =>
      type === 'AWS::Backup::BackupVault'
        ? DENIALS.every((action) =>
            statementsOf(properties['AccessPolicy']).some(
              (statement) => statement.effect === 'Deny' && covers(statement.actions, action),
            ),
          )
        : undefined,
  },
  {
    name: 'VaultKeyOfItsOwn',
    info: 'The backup vault is encrypted with the key of what it backs up.',
    explanation: 'Whoever disables or deletes that key makes the resource and its backups unreadable at once.',
    severity: 'error',
    holds: ({ type, properties }, all) => {
      if (type !== 'AWS::Backup::BackupVault' || properties['EncryptionKeyArn'] === undefined) return undefined;
      const key = same(properties['EncryptionKeyArn']);
      return !all().some(
        (other) =>
          SOURCES.has(other.type) &&
          other.properties['KmsKeyId'] !== undefined &&
          same(other.properties['KmsKeyId']) === key,
      );
    },
  },
  {
    name: 'CopyInAnotherAccount',
    info: 'The backup plan copies into a vault of the same account.',
    explanation:
      'Whoever administers the account reaches the copies too, as far as no lock in compliance mode holds them.',
    severity: 'warning',
    holds: ({ type, properties, account }) => {
      if (type !== 'AWS::Backup::BackupPlan') return undefined;
      const vaults = copyTargets(properties);
      return vaults.length === 0 ? undefined : vaults.every((vault) => accountOf(vault) !== same(account));
    },
  },
  {
    name: 'BucketObjectLock',
    info: 'A bucket that replicates, or is replicated to, has no Object Lock.',
    explanation: 'Every version in it can be deleted for good by who is allowed to.',
    severity: 'error',
    holds: (resource, all) =>
      resource.type === 'AWS::S3::Bucket' && (replicationRules(resource).length > 0 || isReplica(resource, all))
        ? resource.properties['ObjectLockEnabled'] === true
        : undefined,
  },
  {
    name: 'ReplicationWatched',
    info: 'A replication rule of the bucket has no metrics.',
    explanation: 'Without them nobody is told how far the replica is behind.',
    severity: 'error',
    holds: (resource) =>
      everyRule(resource, (rule) => record(record(rule['Destination'])['Metrics'])['Status'] === 'Enabled'),
  },
  {
    name: 'ReplicationWithoutDeleteMarkers',
    info: 'A replication rule of the bucket replicates delete markers.',
    explanation: 'What is deleted here, by whomever, is deleted there.',
    severity: 'error',
    holds: (resource) => everyRule(resource, (rule) => record(rule['DeleteMarkerReplication'])['Status'] !== 'Enabled'),
  },
  {
    name: 'WriterDoesNotDelete',
    info: 'A role both writes backups and deletes them.',
    explanation: 'Whoever takes over what writes the backups can destroy them: let one role write and another delete.',
    severity: 'error',
    holds: ({ type, properties }) => {
      const statements = allowedBy(type, properties);
      if (statements === undefined) return undefined;
      const may = (actions: readonly string[]) =>
        actions.some((action) => statements.some((statement) => covers(statement.actions, action)));
      return !WRITE_AND_DELETE.some(({ writes, deletes }) => may(writes) && may(deletes));
    },
  },
  {
    name: 'DeletesOnlyWhatIsTagged',
    info: 'A role may delete databases or file systems whatever tag they carry.',
    explanation:
      'What cleans up after a drill must not be able to delete production by a mistake: a condition on `aws:ResourceTag/...` ' +
      'makes that impossible.',
    severity: 'error',
    holds: ({ type, properties }) => {
      const deletions = allowedBy(type, properties)?.filter(({ actions }) =>
        DELETIONS.some((action) => covers(actions, action)),
      );
      return deletions === undefined || deletions.length === 0
        ? undefined
        : deletions.every(({ condition }) => /"aws:ResourceTag\//.test(JSON.stringify(condition ?? {})));
    },
  },
];

/** Without the last two, the first two are removed by who they stop. */
const DENIALS = [
  'backup:DeleteRecoveryPoint',
  'backup:UpdateRecoveryPointLifecycle',
  'backup:PutBackupVaultAccessPolicy',
  'backup:DeleteBackupVaultAccessPolicy',
];

const SOURCES: ReadonlySet<string> = new Set(['AWS::RDS::DBInstance', 'AWS::RDS::DBCluster', 'AWS::EFS::FileSystem']);

const WRITE_AND_DELETE = [
  { writes: ['s3:PutObject'], deletes: ['s3:DeleteObject', 's3:DeleteObjectVersion'] },
  { writes: ['backup:StartBackupJob', 'backup:StartCopyJob'], deletes: ['backup:DeleteRecoveryPoint'] },
];

const DELETIONS = [
  'rds:DeleteDBInstance',
  'rds:DeleteDBCluster',
  'rds:DeleteDBInstanceAutomatedBackup',
  'elasticfilesystem:DeleteFileSystem',
];

interface Statement {
  readonly effect: string;
  readonly actions: readonly string[];
  readonly condition: unknown;
}

const record = (value: unknown) =>
  (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
const list = (value: unknown): readonly unknown[] =>
  Array.isArray(value) ? value : value === undefined ? [] : [value];
const same = (value: unknown) => JSON.stringify(value);

const statementsOf = (policy: unknown): Statement[] =>
  list(record(policy)['Statement']).map((statement) => {
    const { Effect, Action, Condition } = record(statement);
    return { effect: String(Effect), actions: list(Action).map(String), condition: Condition };
  });

/** IAM compares actions without regard to case, `*` and `?` stand for others. */
const covers = (actions: readonly string[], action: string) =>
  actions.some((pattern) =>
    new RegExp(
      `^${pattern
        .replace(/[.+^${}()|[\]\\]/g, '\\$&')
        .replace(/\*/g, '.*')
        .replace(/\?/g, '.')}$`,
      'i',
    ).test(action),
  );

/** What a policy, or the inline policies of a role, allows. Undefined for anything else. */
function allowedBy(type: string, properties: Readonly<Record<string, unknown>>): Statement[] | undefined {
  const documents =
    type === 'AWS::IAM::Role'
      ? list(properties['Policies']).map((policy) => record(policy)['PolicyDocument'])
      : type === 'AWS::IAM::Policy' || type === 'AWS::IAM::ManagedPolicy'
        ? [properties['PolicyDocument']]
        : undefined;
  return documents?.flatMap(statementsOf).filter(({ effect }) => effect === 'Allow');
}

const copyTargets = (properties: Readonly<Record<string, unknown>>) =>
  list(record(properties['BackupPlan'])['BackupPlanRule'])
    .flatMap((rule) => list(record(rule)['CopyActions']))
    .map((action) => record(action)['DestinationBackupVaultArn']);

/** The fifth part of an ARN, which is a string or a `Fn::Join` over colons. Undefined: it cannot be seen. */
function accountOf(arn: unknown): string | undefined {
  if (typeof arn === 'string') return same(arn.split(':')[4]);
  const [separator, parts] = list(record(arn)['Fn::Join']);
  if (separator !== '' || !Array.isArray(parts)) return undefined;
  const fields: unknown[][] = [[]];
  for (const part of parts) {
    const [first, ...others] = typeof part === 'string' ? part.split(':') : [part];
    if (first !== '') fields.at(-1)!.push(first);
    for (const other of others) fields.push(other === '' ? [] : [other]);
  }
  return fields[4]?.length === 1 ? same(fields[4][0]) : undefined;
}

const replicationRules = ({ properties }: TemplateResource) =>
  list(record(properties['ReplicationConfiguration'])['Rules']).map(record);

function everyRule(resource: TemplateResource, holds: (rule: Record<string, unknown>) => boolean): boolean | undefined {
  const rules = resource.type === 'AWS::S3::Bucket' ? replicationRules(resource) : [];
  return rules.length === 0 ? undefined : rules.every(holds);
}

/** By its name, as whoever replicates to it must know it. */
function isReplica({ properties, account }: TemplateResource, all: () => readonly TemplateResource[]): boolean {
  const name = properties['BucketName'];
  if (name === undefined) return false;
  const wanted = nameParts(name, account);
  return all().some((source) =>
    replicationRules(source).some((rule) => {
      const target = nameParts(record(rule['Destination'])['Bucket'], source.account);
      return target.endsWith(`:::${wanted}`);
    }),
  );
}

/** A string or a `Fn::Join` as one text, with intrinsic functions written out; but the account, where it is known. */
const nameParts = (value: unknown, account: unknown): string => {
  if (typeof value === 'string') return value;
  if (record(value)['Ref'] === 'AWS::AccountId') return typeof account === 'string' ? account : same(value);
  const [separator, parts] = list(record(value)['Fn::Join']);
  return Array.isArray(parts) ? parts.map((part) => nameParts(part, account)).join(String(separator)) : same(value);
};
