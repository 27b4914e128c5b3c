// What every policy of every template must keep to. Exceptions are listed here, each with why AWS leaves no choice.

interface Statement {
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Resource?: unknown;
  readonly Principal?: unknown;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

export interface Template {
  readonly Resources: Readonly<
    Record<string, { readonly Type: string; readonly Properties?: Record<string, unknown> }>
  >;
}

/** Actions that may be allowed on `*`, and the condition that narrows them, where AWS has one. */
export const ON_EVERYTHING: Readonly<Record<string, { readonly why: string; readonly condition?: string }>> = {
  'cloudwatch:PutMetricData': { why: 'metrics have no ARN', condition: 'cloudwatch:namespace' },
  'backup:DescribeRestoreJob': { why: 'restore jobs have no ARN' },
  'backup:PutRestoreValidationResult': { why: 'restore jobs have no ARN' },
  'backup:ListRestoreJobs': { why: 'restore jobs have no ARN' },
  'elasticfilesystem:ClientMount': {
    why: 'written by the CDK for a function that mounts a volume',
    condition: 'elasticfilesystem:AccessPointArn',
  },
  'kms:CreateKey': { why: 'of the replica of the key of manifests, which does not exist yet' },
};

/** Wildcards in actions: written by the CDK, on one key. */
const ACTION_WILDCARDS = ['kms:GenerateDataKey*'];

/** Nobody may, not even with a condition: what is gone, unlocked or open cannot be taken back. */
const FORBIDDEN =
  /^(\*|s3:Delete.*|s3:BypassGovernanceRetention|s3:Put(ObjectRetention|ObjectLegalHold|BucketPolicy|LifecycleConfiguration)|s3:ReplicateDelete|backup:(Delete|Put(?!RestoreValidationResult$)|Update|Disassociate).*|kms:(PutKeyPolicy|DisableKey)|iam:(?!PassRole$).*|rds:DeleteDBSnapshot|rds:DeleteDBClusterSnapshot|elasticfilesystem:Delete.*|secretsmanager:(?!GetSecretValue$).*)$/;

/** Deletes what drills made, by their tag alone. */
const DELETES_BY_TAG = /^(rds:Delete.*|ecs:StopTask)$/;

/**
 * Service principals that are allowed something without a condition on whose behalf.
 * Trust policies: a role is passed to a service within its account alone, so that no other account can have it used.
 */
const WITHOUT_SOURCE: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'AWS::SNS::TopicPolicy': {
    'events.amazonaws.com': 'the CDK’s target of a rule',
    'backup.amazonaws.com': 'AWS documents none for notifications of vaults',
  },
  'AWS::KMS::Key': {
    'events.amazonaws.com': 'AWS: source conditions are not supported in a key policy for EventBridge',
    'backup.amazonaws.com': 'AWS documents none for notifications of vaults',
  },
};

const all = (value: unknown): unknown[] => (Array.isArray(value) ? value : value === undefined ? [] : [value]);

/** What is wrong, one line each. */
export function auditPolicies({ Resources }: Template): string[] {
  return Object.entries(Resources).flatMap(([id, { Type, Properties = {} }]) => {
    const say = (problem: string) => `${id}: ${problem}`;
    switch (Type) {
      case 'AWS::IAM::Policy':
      case 'AWS::IAM::ManagedPolicy':
        return statementsOf(Properties['PolicyDocument']).flatMap(auditIdentity).map(say);
      case 'AWS::IAM::Role':
        return all(Properties['Policies'])
          .flatMap((policy) => statementsOf((policy as Record<string, unknown>)['PolicyDocument']))
          .flatMap(auditIdentity)
          .map(say);
      case 'AWS::KMS::Key':
        return statementsOf(Properties['KeyPolicy'])
          .flatMap((statement) => auditResource(Type, statement))
          .map(say);
      case 'AWS::SNS::TopicPolicy':
      case 'AWS::S3::BucketPolicy':
      case 'AWS::SQS::QueuePolicy':
        return statementsOf(Properties['PolicyDocument'])
          .flatMap((statement) => auditResource(Type, statement))
          .map(say);
      case 'AWS::Lambda::Permission':
        return String(Properties['Principal']).endsWith('.amazonaws.com') &&
          Properties['SourceArn'] === undefined &&
          Properties['SourceAccount'] === undefined
          ? [say(`${String(Properties['Principal'])} may invoke it on behalf of anybody`)]
          : [];
      case 'AWS::SNS::Topic':
        return auditTopic(id, Properties, Resources).map(say);
      case 'AWS::S3::Bucket':
        return auditBucket(id, Properties, Resources).map(say);
      default:
        return [];
    }
  });
}

const statementsOf = (document: unknown) =>
  all((document as { readonly Statement?: unknown } | undefined)?.Statement) as Statement[];

function auditIdentity(statement: Statement): string[] {
  if (statement.Effect !== 'Allow') return [];
  const problems: string[] = [];
  const resources = all(statement.Resource);
  const conditions = Object.values(statement.Condition ?? {}).flatMap((each) => Object.keys(each));
  for (const action of all(statement.Action).map(String)) {
    if (FORBIDDEN.test(action)) problems.push(`${action} is allowed to nobody`);
    if (action.includes('*') && !ACTION_WILDCARDS.includes(action)) problems.push(`${action} is a wildcard`);
    if (resources.includes('*')) {
      const reason = ON_EVERYTHING[action];
      if (!reason) problems.push(`${action} is allowed on *, and no reason is known`);
      else if (reason.condition && !conditions.includes(reason.condition))
        problems.push(`${action} is allowed on *, without ${reason.condition}`);
    }
    if (action === 'iam:PassRole') {
      if (JSON.stringify(resources).includes('*')) problems.push('iam:PassRole is not of one role by its name');
      if (!conditions.includes('iam:PassedToService')) problems.push('iam:PassRole is not for one service');
    }
    if (DELETES_BY_TAG.test(action) && !conditions.includes('aws:ResourceTag/wso2is-recovery:drill'))
      problems.push(`${action} is allowed on what is not tagged as a drill's`);
  }
  return problems;
}

function auditResource(type: string, { Effect, Principal, Condition }: Statement): string[] {
  if (Effect !== 'Allow') return [];
  if (Principal === '*') return ['everybody is allowed'];
  const { Service, AWS } = Principal as { readonly Service?: unknown; readonly AWS?: unknown };
  if (all(AWS).includes('*')) return ['everybody is allowed'];
  const keys = Object.values(Condition ?? {}).flatMap((each) => Object.keys(each));
  if (keys.some((key) => key === 'aws:SourceAccount' || key === 'aws:SourceArn')) return [];
  return all(Service)
    .map(String)
    .filter((service) => WITHOUT_SOURCE[type]?.[service] === undefined)
    .map((service) => `${service} is allowed on behalf of anybody`);
}

/** Encrypted, TLS alone. */
function auditTopic(id: string, properties: Record<string, unknown>, resources: Template['Resources']): string[] {
  const topic = JSON.stringify({ Ref: id });
  const tls = Object.values(resources).some(
    ({ Type, Properties }) =>
      Type === 'AWS::SNS::TopicPolicy' &&
      all(Properties?.['Topics']).some((each) => JSON.stringify(each) === topic) &&
      statementsOf(Properties?.['PolicyDocument']).some(
        ({ Effect, Action, Resource, Condition }) =>
          Effect === 'Deny' &&
          all(Action).includes('sns:Publish') &&
          JSON.stringify(Resource) === topic &&
          Condition?.['Bool']?.['aws:SecureTransport'] === 'false',
      ),
  );
  return [
    ...(properties['KmsMasterKeyId'] === undefined ? ['the topic is not encrypted'] : []),
    ...(tls ? [] : ['the topic may be published to without TLS']),
  ];
}

/** Encrypted, versioned, nothing public, TLS alone. */
function auditBucket(id: string, properties: Record<string, unknown>, resources: Template['Resources']): string[] {
  const closed = properties['PublicAccessBlockConfiguration'] as Record<string, unknown> | undefined;
  const open = ['BlockPublicAcls', 'BlockPublicPolicy', 'IgnorePublicAcls', 'RestrictPublicBuckets'].filter(
    (name) => closed?.[name] !== true,
  );
  const tls = Object.values(resources).some(
    ({ Type, Properties }) =>
      Type === 'AWS::S3::BucketPolicy' &&
      JSON.stringify(Properties?.['Bucket']) === JSON.stringify({ Ref: id }) &&
      statementsOf(Properties?.['PolicyDocument']).some(
        ({ Effect, Action, Condition }) =>
          Effect === 'Deny' && Action === 's3:*' && Condition?.['Bool']?.['aws:SecureTransport'] === 'false',
      ),
  );
  return [
    ...open.map((name) => `${name} is not set`),
    ...(tls ? [] : ['it may be used without TLS']),
    ...(properties['BucketEncryption'] === undefined ? ['it is not encrypted'] : []),
    ...(JSON.stringify(properties['VersioningConfiguration']) === '{"Status":"Enabled"}'
      ? []
      : ['it keeps no versions']),
  ];
}
