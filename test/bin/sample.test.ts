// Rules over the synthesized sample: cdk-nag's packs for AwsSolutions, NIST 800-53 and HIPAA, our own, and cfn-lint. Each finding is corrected, or
// is an exception with its reason here; an exception that excuses nothing fails too.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks, HIPAASecurityChecks, NIST80053R5Checks } from 'cdk-nag';
import { RecoveryChecks } from '../../lib';
import { readConfiguration } from '../../bin/configuration/configuration';
import { addStacks } from '../../bin/recovery-app';
import { cfnLint } from '../cfn-lint';
import { auditPolicies, type Template } from '../policy-audit';

const root = join(__dirname, '../..');

interface Exception {
  readonly rule: RegExp;
  readonly path: RegExp;
  readonly reason: string;
}

const EXCEPTIONS: readonly Exception[] = [
  {
    rule: /^(AwsSolutions-S1|(NIST\.800\.53\.R5|HIPAA\.Security)-S3BucketLoggingEnabled)$/,
    path: /\/(Replica|Artifact)Bucket\/Resource$/,
    reason: 'Who reads and writes is for CloudTrail data events to say, which are the account owner’s choice.',
  },
  {
    rule: /^(AwsSolutions-VPC7|(NIST\.800\.53\.R5|HIPAA\.Security)-VPCFlowLogsEnabled)$/,
    path: /^RecoverySite\/RecoverySite\/Vpc\/Resource$/,
    reason: 'A network without a way out, in which two functions and short-lived databases are.',
  },
  {
    rule: /^AwsSolutions-IAM4\[.*\/AWSLambda(BasicExecutionRole|VPCAccessExecutionRole|BasicDurableExecutionRolePolicy)\]$/,
    path: /ServiceRole\/Resource$/,
    reason: 'What every function needs for its logs, network interfaces and checkpoints, as AWS and the CDK write it.',
  },
  {
    rule: /^AwsSolutions-IAM4\[.*\/AWSBackupServiceRolePolicyFor(Backup|Restores)\]$/,
    path: /\/(BackupRole|RestoreRole|RestoreTesting\/Role)\/Resource$/,
    reason: 'AWS extends it when a restore needs more; a copy of ours would fail on the day it is needed.',
  },
  {
    rule: /^AwsSolutions-IAM5\[Resource::\*\]$/,
    path: /\/(Restore|Check|Adopt|Export-repository)\/ServiceRole\/DefaultPolicy\/Resource$/,
    reason: 'elasticfilesystem:ClientMount, narrowed by its condition to the access point (the CDK writes it).',
  },
  {
    rule: /^AwsSolutions-IAM5\[Resource::\*\]$/,
    path: /\/Drill\/ServiceRole\/(Default|Overflow)Policy\d*\/Resource$/,
    reason: 'backup:DescribeRestoreJob has no resource; cloudwatch:PutMetricData is narrowed by its namespace.',
  },
  {
    rule: /^AwsSolutions-IAM5\[Resource::\*\]$/,
    path: /\/ManifestKeyReplica\/CustomResourcePolicy\/Resource$/,
    reason: 'kms:CreateKey: KMS asks for it where a replica is to be made, whose key does not exist yet.',
  },
  {
    rule: /^AwsSolutions-IAM5\[Resource::.*:kms:.*:key\/\*\]$/,
    path: /\/ManifestKey\/CustomResourcePolicy\/Resource$/,
    reason: 'Narrowed by its condition to the key with the alias of the site, whose id is made by KMS.',
  },
  {
    rule: /^AwsSolutions-IAM5\[Resource::\*\]$/,
    path: /\/Reaper\/ServiceRole\/DefaultPolicy\/Resource$/,
    reason: 'backup:ListRestoreJobs has no resource.',
  },
  {
    rule: /^AwsSolutions-IAM5\[Resource::\*\]$/,
    path: /\/RestoreTesting\/Validate\/ServiceRole\/DefaultPolicy\/Resource$/,
    reason: 'backup:DescribeRestoreJob and PutRestoreValidationResult have no resource.',
  },
  {
    rule: /^AwsSolutions-IAM5\[Resource::.*:db:awsbackup-restore-test-\*\]$/,
    path: /\/RestoreTesting\/Validate\/ServiceRole\/DefaultPolicy\/Resource$/,
    reason: 'What a restore test makes has a name of AWS Backup’s choice.',
  },
  {
    rule: /^AwsSolutions-IAM5\[Resource::.*:function:wso2is-recovery-drill:\*\]$/,
    path: /\/Drill\/ServiceRole\/(Default|Overflow)Policy\d*\/Resource$/,
    reason: 'The executions of the drill itself, of any of its versions, to see whether another one runs.',
  },
  {
    rule: /^AwsSolutions-IAM5\[Resource::\*\]$/,
    path: /\/((DrillWatch|PointWatch|DriftWatch)\/Function|Export-repositoryRun)\/ServiceRole\/DefaultPolicy\/Resource$/,
    reason: 'CloudWatch knows no resource for metrics; the namespace narrows it.',
  },
  {
    rule: /^AwsSolutions-IAM5\[Resource::.*\/(archives|counts|drills|locks|plans|recoveries|suspicious)\/.*\*\]$/,
    path: /(Default|Overflow)Policy\d*\/Resource$/,
    reason: 'Objects below one prefix of the bucket.',
  },
  {
    rule: /^AwsSolutions-IAM5\[Resource::.*:secret:\*\]$/,
    path: /\/Check\/ServiceRole\/DefaultPolicy\/Resource$/,
    reason: 'Narrowed by its condition to secrets with the tag of the site, whose ARNs the site cannot know.',
  },
  {
    rule: /^AwsSolutions-IAM5\[Resource::.*:((cluster-)?snapshot:awsbackup:|recovery-point:|(db|cluster):(drill|recovery)-|(cluster-)?auto-backup:)\*\]$/,
    path: /\/(Drill|Reaper)\/ServiceRole\/(Default|Overflow)Policy\d*\/Resource$/,
    reason: 'Recovery points, and what a drill makes of them, are not there yet when the policy is written.',
  },
  {
    rule: /^AwsSolutions-IAM5\[Resource::.*:(db|cluster):\*\]$/,
    path: /\/(Drill|Reaper)\/ServiceRole\/(Default|Overflow)Policy\d*\/Resource$/,
    reason: 'RDS lists instances, clusters and automated backups for the Region as a whole.',
  },
  {
    rule: /^AwsSolutions-IAM5\[Resource::.*:(pg|og):\*\]$/,
    path: /\/Drill\/ServiceRole\/(Default|Overflow)Policy\d*\/Resource$/,
    reason: 'Groups that the recovery plan names, and the defaults of the engine: the site knows no deployment.',
  },
  {
    rule: /^AwsSolutions-IAM5\[Resource::<RecoverySite(Restore|Check|Adopt)\w+\.Arn>:\*\]$/,
    path: /\/(Drill|Reaper|Validate)\/ServiceRole\/(Default|Overflow)Policy\d*\/Resource$/,
    reason: 'The versions of one function.',
  },
  {
    rule: /^AwsSolutions-IAM5\[Resource::<RecoveryExportrepository\w+\.Arn>:\*\]$/,
    path: /\/Export-repositoryRun\/ServiceRole\/DefaultPolicy\/Resource$/,
    reason: 'The versions of one function.',
  },
  {
    rule: /^AwsSolutions-IAM5\[Action::kms:GenerateDataKey\*\]$/,
    path: /(Default|Overflow)Policy\d*\/Resource$/,
    reason: 'Publishing to the encrypted topic, on its one key (the CDK writes it).',
  },
  {
    rule: /^AwsSolutions-IAM5\[Resource::.*\/\*\]$/,
    path: /\/ReplicationRole\/DefaultPolicy\/Resource$/,
    reason: 'Every object of the one bucket is replicated.',
  },
  {
    rule: /^(AwsSolutions-(VPC7|SMG4|RDS3|RDS10|RDS11)|(NIST\.800\.53\.R5|HIPAA\.Security)-(VPC|RDS|SecretsManager).*)$/,
    path: /^IdentityServer\/(Vpc|Database|Database\/Secret)\/Resource$/,
    reason: 'The sample stands for somebody’s deployment: small, and deleted with its stack.',
  },
  {
    rule: /^(NIST\.800\.53\.R5|HIPAA\.Security)-CloudWatchLogGroupEncrypted$/,
    path: /Logs\/Resource$/,
    reason:
      'CloudWatch encrypts them with a key of its own; they hold no credentials, which the test of the whole life looks for.',
  },
  {
    rule: /^(NIST\.800\.53\.R5|HIPAA\.Security)-IAMNoInlinePolicy$/,
    path: /Policy\/Resource$|Runs\/Resource$/,
    reason: 'A policy of one role, as the CDK writes it: a managed one could be attached to others.',
  },
  {
    rule: /^(NIST\.800\.53\.R5|HIPAA\.Security)-Lambda(Concurrency|DLQ)$/,
    path: /\/Resource$/,
    reason:
      'Drills and exports keep from running twice by themselves, and an account of 10 has no concurrency to reserve; what fails ' +
      'raises an alarm, and its event is in the message of an asynchronous invocation.',
  },
  {
    rule: /^(NIST\.800\.53\.R5|HIPAA\.Security)-LambdaInsideVPC$/,
    path: /\/(Drill|Reaper|Validate|Function|Export-repositoryRun|AWS679f53fac002430cb0da5b7982bd2287)\/Resource$/,
    reason:
      'They call APIs of AWS alone, each of which would need an endpoint; what reads volumes and databases is inside.',
  },
  {
    rule: /^(NIST\.800\.53\.R5|HIPAA\.Security)-EFSInBackupPlan$/,
    path: /\/RestoreVolume\/Resource$/,
    reason: 'It holds what a drill restored, as long as it runs.',
  },
  {
    rule: /^(NIST\.800\.53\.R5|HIPAA\.Security)-S3BucketReplicationEnabled$/,
    path: /\/ReplicaBucket\/Resource$/,
    reason: 'It is the replica.',
  },
  {
    rule: /^(NIST\.800\.53\.R5|HIPAA\.Security)-S3DefaultEncryptionKMS$/,
    path: /\/(Replica|Artifact)Bucket\/Resource$/,
    reason: 'Encrypted with S3’s own keys: a KMS key that is lost loses no archive (docs/security.md).',
  },
  {
    rule: /^(NIST\.800\.53\.R5|HIPAA\.Security)-VPCDefaultSecurityGroupClosed$/,
    path: /^RecoverySite\/RecoverySite\/Vpc\/Resource$/,
    reason: 'Nothing is in it; to close it, the CDK deploys a function that may change security groups.',
  },
  {
    rule: /^WSO2ISRecovery-VaultDeniesDeletion$/,
    path: /\/Vault\/Resource$/,
    reason: 'For trying out, so that it can be removed: `deletionProtection` names break-glass roles of the account.',
  },
  {
    rule: /^WSO2ISRecovery-BucketObjectLock$/,
    path: /\/(Replica|Artifact)Bucket\/Resource$/,
    reason: 'For trying out, so that it can be removed: `objectLock` on both sides locks them.',
  },
  {
    rule: /^WSO2ISRecovery-CopyInAnotherAccount$/,
    path: /\/BackupPlan-\w+\/Resource$/,
    reason: 'The sample is in one account; docs/other-account.md has two.',
  },
];

const PACKS = ['AwsSolutions', 'HIPAA.Security', 'NIST.800.53.R5', 'WSO2ISRecovery'];

interface ValidationReport {
  readonly pluginReports: readonly {
    readonly pluginName: string;
    readonly violations: readonly {
      readonly ruleName: string;
      readonly violatingConstructs: readonly { readonly constructPath: string }[];
    }[];
  }[];
}

describe('the sample', () => {
  let outdir: string;

  before(() => {
    // Of the CDK itself; off in the other tests, where it takes most of the time of a synth (build/test.ts).
    process.env.CDK_VALIDATION = 'true';
    outdir = mkdtempSync(join(tmpdir(), 'sample-'));
    const app = new App({ outdir });
    Validations.of(app).addPlugins(
      new AwsSolutionsChecks(app),
      new NIST80053R5Checks(app),
      new HIPAASecurityChecks(app),
      new RecoveryChecks(app),
    );
    // With what makes functions and policies of its own.
    const configuration = { ...readConfiguration(join(root, 'bin/sample/recovery.toml')), restoreTesting: {} };
    addStacks(app, { ...configuration, account: '111122223333' });
    // Findings fail the synth once everything is written; they are judged below, one by one.
    assert.throws(() => app.synth(), { name: /ValidationFailed/ });
  });

  after(() => rmSync(outdir, { recursive: true, force: true }));

  test('cdk-nag finds nothing that has no reason', () => {
    const report = JSON.parse(readFileSync(join(outdir, 'validation-report.json'), 'utf8')) as ValidationReport;
    const packs = report.pluginReports.filter(({ pluginName }) => PACKS.includes(pluginName));
    assert.deepEqual(packs.map(({ pluginName }) => pluginName).sort(), PACKS, 'all packs ran');
    const findings = packs.flatMap(({ violations }) =>
      violations.flatMap(({ ruleName, violatingConstructs }) =>
        violatingConstructs.map(({ constructPath }) => ({ ruleName, constructPath })),
      ),
    );
    const excuses = ({ rule, path }: Exception, finding: (typeof findings)[number]) =>
      rule.test(finding.ruleName) && path.test(finding.constructPath);
    assert.deepEqual(
      findings.filter((finding) => !EXCEPTIONS.some((exception) => excuses(exception, finding))),
      [],
    );
    assert.deepEqual(
      EXCEPTIONS.filter((exception) => !findings.some((finding) => excuses(exception, finding))),
      [],
      'exceptions that excuse nothing',
    );
  });

  test('the rules of the CDK itself, and of its own checks of templates, find nothing', () => {
    const report = JSON.parse(readFileSync(join(outdir, 'validation-report.json'), 'utf8')) as ValidationReport;
    assert.deepEqual(
      report.pluginReports.filter(({ pluginName }) => !PACKS.includes(pluginName)),
      [],
    );
  });

  test('cfn-lint finds nothing', async () => {
    const templates = ['RecoverySite', 'IdentityServer'].map((stack) => join(outdir, `${stack}.template.json`));
    assert.deepEqual(await cfnLint(templates), { findings: '', status: 0 });
  });

  test('every policy keeps to what it needs, and says on whose behalf', () => {
    for (const stack of ['RecoverySite', 'IdentityServer']) {
      const template = JSON.parse(readFileSync(join(outdir, `${stack}.template.json`), 'utf8')) as Template;
      assert.deepEqual(auditPolicies(template), [], stack);
    }
  });

  test('the audit of policies sees what it is for', () => {
    const allow = (statement: object) => ({
      Type: 'AWS::IAM::Policy',
      Properties: { PolicyDocument: { Statement: [{ Effect: 'Allow', ...statement }] } },
    });
    const Resources = {
      Star: allow({ Action: 'rds:DescribeDBInstances', Resource: '*' }),
      Metrics: allow({ Action: 'cloudwatch:PutMetricData', Resource: '*' }),
      Deletes: allow({ Action: ['s3:GetObject', 's3:DeleteObject'], Resource: 'arn' }),
      Untagged: allow({ Action: 'rds:DeleteDBInstance', Resource: 'arn' }),
      Passes: allow({ Action: 'iam:PassRole', Resource: 'arn:aws:iam::111122223333:role/*' }),
      Wild: allow({ Action: 's3:Get*', Resource: 'arn' }),
      Key: {
        Type: 'AWS::KMS::Key',
        Properties: {
          KeyPolicy: {
            Statement: [{ Effect: 'Allow', Principal: { Service: 'cloudwatch.amazonaws.com' }, Action: 'kms:Decrypt' }],
          },
        },
      },
      Invoked: { Type: 'AWS::Lambda::Permission', Properties: { Principal: 'events.amazonaws.com' } },
      Topic: { Type: 'AWS::SNS::Topic', Properties: {} },
      Bucket: { Type: 'AWS::S3::Bucket', Properties: {} },
    };
    assert.deepEqual(auditPolicies({ Resources }), [
      'Star: rds:DescribeDBInstances is allowed on *, and no reason is known',
      'Metrics: cloudwatch:PutMetricData is allowed on *, without cloudwatch:namespace',
      'Deletes: s3:DeleteObject is allowed to nobody',
      "Untagged: rds:DeleteDBInstance is allowed on what is not tagged as a drill's",
      'Passes: iam:PassRole is not of one role by its name',
      'Passes: iam:PassRole is not for one service',
      'Wild: s3:Get* is a wildcard',
      'Key: cloudwatch.amazonaws.com is allowed on behalf of anybody',
      'Invoked: events.amazonaws.com may invoke it on behalf of anybody',
      'Topic: the topic is not encrypted',
      'Topic: the topic may be published to without TLS',
      'Bucket: BlockPublicAcls is not set',
      'Bucket: BlockPublicPolicy is not set',
      'Bucket: IgnorePublicAcls is not set',
      'Bucket: RestrictPublicBuckets is not set',
      'Bucket: it may be used without TLS',
      'Bucket: it is not encrypted',
      'Bucket: it keeps no versions',
    ]);
  });

  test('no literal partition', () => {
    for (const stack of ['RecoverySite', 'IdentityServer']) {
      assert.doesNotMatch(readFileSync(join(outdir, `${stack}.template.json`), 'utf8'), /arn:aws:/);
    }
  });
});
