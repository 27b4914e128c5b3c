/** A DR site in another account: what goes there, what it lets in, and what has to be there before. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Duration, Stack } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as rds from 'aws-cdk-lib/aws-rds';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import {
  type IdentityServerRecoveryProps,
  ManifestAuthentication,
  ProtectedDatabase,
  RecoverySite,
  type RecoverySiteProps,
} from '../../../lib';
import {
  archivePrefix,
  baselinePrefix,
  countsKey,
  drillLockKey,
  drillPrefix,
  driftNoteKey,
  planDocumentKey,
  recoveryPrefix,
  replicatedKeys,
  runbookKey,
  suspicionPrefix,
} from '../../../lib/private/bucket-layout';
import { Fixture, objectives } from '../fixture';

const OTHER = '444455556666';
const KEY_ID = 'mrk-0123456789abcdef0123456789abcdef';
const SECRET = `arn:aws:secretsmanager:eu-west-1:${OTHER}:secret:is-GhIjKl`;
const signedThere = ManifestAuthentication.withKey(`arn:aws:kms:eu-west-1:${OTHER}:key/${KEY_ID}`);

class OtherAccount extends Fixture {
  public readonly there: RecoverySite;
  public readonly database_: rds.DatabaseInstance;

  public constructor(props: RecoverySiteProps = { manifestAuthentication: signedThere }) {
    super();
    const stack = new Stack(this.app, 'Other', { env: { account: OTHER, region: 'eu-west-1' } });
    this.there = new RecoverySite(stack, 'RecoverySite', props);
    this.database_ = new rds.DatabaseInstance(this.stack, 'OwnKey', {
      vpc: this.vpc,
      storageEncryptionKey: new kms.Key(this.stack, 'StorageKey'),
      engine: rds.DatabaseInstanceEngine.postgres({ version: rds.PostgresEngineVersion.VER_18 }),
    });
  }

  public ownKey(drSiteSecretArn?: string): ProtectedDatabase {
    return ProtectedDatabase.fromInstance(this.database_, {
      datasources: ['identity_db', 'shared_db'],
      credentials: this.database_.secret!,
      ...(drSiteSecretArn === undefined ? {} : { drSiteSecretArn }),
    });
  }

  public protect(changed: Partial<IdentityServerRecoveryProps> = {}) {
    return this.addRecovery({ site: this.there, databases: [this.ownKey(SECRET)], ...changed });
  }
}

describe('what is made', () => {
  const fixture = new OtherAccount();
  fixture.protect();
  const primary = Template.fromStack(fixture.stack);
  const site = Template.fromStack(Stack.of(fixture.there));

  test('the vault takes copies of that account, and does nothing else for it', () => {
    site.hasResourceProperties('AWS::Backup::BackupVault', {
      AccessPolicy: {
        Statement: [
          {
            Sid: 'CopiesFrom111122223333',
            Effect: 'Allow',
            Action: 'backup:CopyIntoBackupVault',
            Principal: { AWS: principal('111122223333') },
            Resource: '*',
          },
        ],
      },
    });
  });

  test('the bucket takes what is replicated of this deployment: no deletion, no change of what the bucket is', () => {
    const [policy] = Object.values(site.findResources('AWS::S3::BucketPolicy')) as {
      Properties: { PolicyDocument: { Statement: { Effect: string; Action: string | string[]; Resource: unknown }[] } };
    }[];
    const allowed = policy!.Properties.PolicyDocument.Statement.filter(({ Effect }) => Effect === 'Allow');
    assert.deepEqual(
      allowed.map(({ Action }) => Action),
      ['s3:GetBucketVersioning', ['s3:ReplicateObject', 's3:ReplicateTags']],
    );
    assert.deepEqual(
      (allowed[1]!.Resource as { 'Fn::Join': [string, [unknown, string]] }[]).map(
        ({ 'Fn::Join': [, [, keys]] }) => keys,
      ),
      [
        '/plans/production.*',
        '/archives/production/*',
        '/baselines/production/*',
        '/counts/production/*',
        '/in-region-drills/production/*',
        '/recoveries/production/*',
        '/suspicious/production/*',
        '/locks/production/in-region-drill.json',
        '/watched/production/drift.json',
      ],
    );
  });

  test('copies and replicas go to that account', () => {
    primary.hasResourceProperties('AWS::Backup::BackupPlan', {
      BackupPlan: {
        BackupPlanRule: Match.arrayWith([
          Match.objectLike({
            CopyActions: [
              Match.objectLike({
                DestinationBackupVaultArn: {
                  'Fn::Join': [
                    '',
                    ['arn:', { Ref: 'AWS::Partition' }, `:backup:eu-west-1:${OTHER}:backup-vault:wso2is-recovery`],
                  ],
                },
              }),
            ],
          }),
        ]),
      },
    });
    primary.hasResourceProperties('AWS::S3::Bucket', {
      ReplicationConfiguration: {
        Rules: [
          Match.objectLike({
            Destination: Match.objectLike({
              Bucket: {
                'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, `:s3:::wso2is-recovery-${OTHER}-eu-west-1`]],
              },
            }),
          }),
        ],
      },
    });
  });

  test('exports sign with the key of that account, in their Region', () => {
    primary.hasResourceProperties('AWS::Lambda::Function', {
      Environment: {
        Variables: Match.objectLike({ MAC_KEYS: `arn:aws:kms:eu-central-1:${OTHER}:key/${KEY_ID}` }),
      },
    });
  });

  test('the key of the vault may be used there, for copies alone', () => {
    primary.hasResourceProperties('AWS::KMS::Key', {
      KeyPolicy: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Sid: 'CopiedByTheSite',
            Action: ['kms:DescribeKey', 'kms:Encrypt', 'kms:Decrypt', 'kms:ReEncrypt*', 'kms:GenerateDataKey*'],
            Principal: { AWS: principal(OTHER) },
          }),
          Match.objectLike({
            Sid: 'GrantedToItsServices',
            Action: 'kms:CreateGrant',
            Condition: { Bool: { 'kms:GrantIsForAWSResource': 'true' } },
          }),
        ]),
      },
    });
  });

  test('nothing is replicated that AWS replicates within an account only', () => {
    const text = JSON.stringify(primary.toJSON());
    assert.doesNotMatch(text, /RdsAutomatedBackupReplication|EfsReplication|ReplicaRegions|ManifestKeyReplica/);
  });

  test('what nothing here can see is said', () => {
    Annotations.fromStack(fixture.stack).hasWarning(
      '/Is/Recovery',
      Match.stringLikeRegexp('another account \\(444455556666\\).*one organisation.*customer managed keys'),
    );
  });
});

test('a second deployment of the account: one statement of the vault, one of the bucket for each', () => {
  const fixture = new OtherAccount();
  fixture.there._admit('111122223333', 'a-b');
  fixture.there._admit('111122223333', 'ab');
  fixture.there._admit('777788889999', 'd');
  const site = Template.fromStack(Stack.of(fixture.there));
  const sids = (type: string, property: string) =>
    Object.values(site.findResources(type)).flatMap(({ Properties }) =>
      (Properties[property].Statement as { Sid?: string; Effect: string }[])
        .filter(({ Effect }) => Effect === 'Allow')
        .map(({ Sid }) => Sid),
    );
  assert.deepEqual(sids('AWS::Backup::BackupVault', 'AccessPolicy'), [
    'CopiesFrom111122223333',
    'CopiesFrom777788889999',
  ]);
  assert.deepEqual(sids('AWS::S3::BucketPolicy', 'PolicyDocument'), [
    'SeesVersioning111122223333',
    'ReplicatesaXbFrom111122223333',
    'ReplicatesabFrom111122223333',
    'SeesVersioning777788889999',
    'ReplicatesdFrom777788889999',
  ]);
});

test('the keys that a deployment writes are among those that may be replicated, and those of others are not', () => {
  const matches = (key: string) =>
    replicatedKeys('is').some((pattern) =>
      new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll('*', '.*')}$`).test(key),
    );
  const keys = (name: string) => [
    planDocumentKey(name),
    runbookKey(name),
    `${archivePrefix(name, 'repository')}manifests/x`,
    `${baselinePrefix(name, '7.1.0')}packs/x`,
    countsKey(name, new Date(0)),
    `${drillPrefix(name, 'drill-1', 'in-region')}report.json`,
    `${recoveryPrefix(name, 'recovery-1')}report.json`,
    `${suspicionPrefix(name)}x`,
    drillLockKey(name, 'in-region'),
    driftNoteKey(name),
  ];
  assert.deepEqual(
    keys('is').filter((key) => !matches(key)),
    [],
  );
  assert.deepEqual(keys('is-2').filter(matches), []);
  // Of the site itself.
  assert.deepEqual([drillLockKey('is'), `${drillPrefix('is', 'drill-1')}report.json`].filter(matches), []);
});

describe('what has to be there before', () => {
  const refused = (fixture: OtherAccount, changed?: Partial<IdentityServerRecoveryProps>) => {
    try {
      fixture.protect(changed);
    } catch (error) {
      return (error as Error).message.split('\n').map((line) => line.trim());
    }
    return assert.fail('it was not refused');
  };
  const HEAD =
    'Is/Recovery: `site` must find in its account, 444455556666, what AWS does not bring there (docs/other-account.md):';

  test('a key of the site itself, which KMS replicates to nobody', () => {
    assert.deepEqual(refused(new OtherAccount({})), [
      HEAD,
      '`manifestAuthentication` must be ManifestAuthentication.withKey(ARN) of a key of that account, or none(), got ' +
        'withSiteKey(): KMS replicates no key into another account; make it first, with a replica in the primary Region',
    ]);
  });

  test('a key of the primary account', () => {
    const own = `arn:aws:kms:eu-west-1:111122223333:key/${KEY_ID}`;
    const fixture = new OtherAccount({ manifestAuthentication: ManifestAuthentication.withKey(own) });
    assert.deepEqual(refused(fixture), [
      HEAD,
      `\`manifestAuthentication\` must name a key of that account, got ${own}: who administers production could sign ` +
        'whatever is to be restored, and take the key away',
    ]);
  });

  test('unsigned manifests need no key', () => {
    new OtherAccount({ manifestAuthentication: ManifestAuthentication.none() }).protect();
  });

  test('no secret there', () => {
    const fixture = new OtherAccount();
    assert.deepEqual(refused(fixture, { databases: [fixture.ownKey()] }), [
      HEAD,
      '`drSiteSecretArn` of ownkey must be the secret there that holds the same credentials, got none: Secrets Manager ' +
        'replicates none into another account',
    ]);
  });

  for (const [what, arn] of [
    ['of the primary account', SECRET.replace(OTHER, '111122223333')],
    ['of another Region', SECRET.replace('eu-west-1', 'eu-central-1')],
    ['without its suffix', SECRET.replace('-GhIjKl', '')],
  ] as const) {
    test(`a secret ${what}`, () => {
      const fixture = new OtherAccount();
      assert.deepEqual(refused(fixture, { databases: [fixture.ownKey(arn)] }), [
        HEAD,
        '`drSiteSecretArn` of ownkey must be arn:PARTITION:secretsmanager:eu-west-1:444455556666:secret:NAME-SUFFIX, ' +
          `got '${arn}': take its complete ARN from \`aws secretsmanager describe-secret\` in that account and Region`,
      ]);
    });
  }

  test('a database with the default key of RDS', () => {
    const fixture = new OtherAccount();
    const database = ProtectedDatabase.fromInstance(fixture.database, {
      datasources: ['identity_db', 'shared_db'],
      credentials: fixture.database.secret!,
      drSiteSecretArn: SECRET,
    });
    assert.deepEqual(refused(fixture, { databases: [database] }), [
      HEAD,
      'database must be encrypted with a customer managed key, got the default key of RDS: AWS copies no snapshot of it ' +
        'into another account; give it a `storageEncryptionKey`, which makes a new instance out of a snapshot',
    ]);
  });

  test('all of it at once', () => {
    const fixture = new OtherAccount({});
    assert.equal(refused(fixture, { databases: [fixture.protectedDatabase()] }).length, 4);
  });

  test('an objective that needs what stays in an account', () => {
    const fixture = new OtherAccount();
    const instance = ProtectedDatabase.fromInstanceArn('arn:aws:rds:eu-central-1:111122223333:db:is', {
      datasources: ['identity_db', 'shared_db'],
      credentials: Secret.fromSecretCompleteArn(
        fixture.stack,
        'S',
        'arn:aws:secretsmanager:eu-central-1:111122223333:secret:is-AbCdEf',
      ),
      drSiteSecretArn: SECRET,
    });
    const [first, ...rest] = refused(fixture, {
      databases: [instance],
      objectives: tight(),
    });
    assert.equal(first, 'Is/Recovery: `objectives` must be feasible:');
    assert.match(
      rest.join('\n'),
      /would meet it: a DR site in the same account, since what RDS and EFS replicate by themselves stays in it: 1h 5m/,
    );
  });
});

test('in the same account the secret is the replica: another is refused', () => {
  const fixture = new Fixture();
  const database = ProtectedDatabase.fromInstance(fixture.database, {
    datasources: ['identity_db', 'shared_db'],
    credentials: fixture.database.secret!,
    drSiteSecretArn: SECRET,
  });
  assert.throws(() => fixture.addRecovery({ databases: [database] }), {
    message:
      'Is/Recovery: `drSiteSecretArn` of database must come with a site in another account, got one in the same: leave ' +
      'it out, since the replica of `credentials` is used',
  });
});

const principal = (account: string) => ({
  'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, `:iam::${account}:root`]],
});

function tight() {
  return objectives(Duration.hours(1), Duration.hours(2));
}
