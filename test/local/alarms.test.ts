// Each alarm over a metric of ours, as the constructs make it, on what the functions measure: it fires, and it clears.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  BackupClient,
  CreateBackupPlanCommand,
  CreateBackupSelectionCommand,
  CreateBackupVaultCommand,
  DeleteBackupSelectionCommand,
  UpdateBackupPlanCommand,
} from '@aws-sdk/client-backup';
import {
  CloudWatchClient,
  DescribeAlarmsCommand,
  PutMetricAlarmCommand,
  type PutMetricAlarmCommandInput,
  PutMetricDataCommand,
  type PutMetricDataCommandInput,
} from '@aws-sdk/client-cloudwatch';
import { EFSClient } from '@aws-sdk/client-efs';
import { RDSClient } from '@aws-sdk/client-rds';
import { CreateBucketCommand, PutBucketVersioningCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { CreateTopicCommand, type PublishCommandInput, SNSClient } from '@aws-sdk/client-sns';
import { Template } from 'aws-cdk-lib/assertions';
import { S3Store } from '../../lambda/archive/s3-store';
import { DirectoryVolume } from '../../lambda/archive/volume';
import type { DeployedPlan } from '../../lambda/drift/contract';
import { findDrift } from '../../lambda/drift/find-drift';
import { metricsOf } from '../../lambda/export/metrics';
import type { FinishAnswer } from '../../lambda/export-turn/contract';
import { exportTurn } from '../../lambda/export-turn/export-turn';
import { createLogger } from '../../lambda/shared/log';
import { watch } from '../../lambda/watch/watch';
import { watchPoints } from '../../lambda/watch-points/watch-points';
import type { RecoveryPlanDocument } from '../../lib/planning/plan-document';
import { archivePrefix } from '../../lib/private/bucket-layout';
import { type LocalAws, startLocalAws } from '../../local/local-aws';
import { exportTree, hoursLater } from '../lambda/archive/support/engine';
import { makeTree } from '../lambda/archive/support/trees';
import { PLAN } from '../lambda/drill/fake-site';
import { PASSED_REPORT } from '../lambda/drill/report/sample-report';
import { Fixture } from '../lib/fixture';

const REGION = 'eu-central-1';
const BUCKET = 'artifacts';
const DAY_SECONDS = 86_400;

let aws: LocalAws;
let s3: S3Client;
let backup: BackupClient;
let cloudWatch: CloudWatchClient;
/** By a function, or put again. */
let measured: PutMetricDataCommandInput | undefined;
const fixture = new Fixture();
fixture.addRecovery({ deploymentName: 'prod' });
const TEMPLATES = [Template.fromStack(fixture.stack), Template.fromStack(fixture.siteStack)];

before(async () => {
  aws = await startLocalAws();
  const config = aws.clientConfig(REGION);
  s3 = new S3Client(config);
  backup = new BackupClient(config);
  cloudWatch = new CloudWatchClient(config);
  cloudWatch.middlewareStack.add((next) => (args) => {
    if ('MetricData' in args.input) measured = args.input;
    return next(args);
  });
  await s3.send(new CreateBucketCommand({ Bucket: BUCKET }));
  await s3.send(new PutBucketVersioningCommand({ Bucket: BUCKET, VersioningConfiguration: { Status: 'Enabled' } }));
  await publish(PLAN);
});

after(() => aws?.stop());

const publish = (plan: RecoveryPlanDocument) =>
  s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'plans/prod.json', Body: JSON.stringify(plan) }));

/** As in the template; over a second instead of its period, since the local AWS looks back a period from its own clock. */
async function makeAlarm(MetricName: string, site?: string): Promise<string> {
  const alarms = TEMPLATES.flatMap((template) =>
    Object.values(template.findResources('AWS::CloudWatch::Alarm', { Properties: { MetricName } })),
  ).map(({ Properties }) => Properties as PutMetricAlarmCommandInput);
  const alarm = alarms.find(({ Dimensions }) => site === undefined || Dimensions?.some(({ Value }) => Value === site))!;
  await cloudWatch.send(
    new PutMetricAlarmCommand({
      ...alarm,
      AlarmActions: [],
      OKActions: [],
      InsufficientDataActions: [],
      Period: 1,
      EvaluationPeriods: 1,
      DatapointsToAlarm: 1,
    }),
  );
  return alarm.AlarmName!;
}

/**
 * What was measured last is put again until the alarm is in this state: the local AWS looks back one second from its own
 * clock when data arrive, and a machine may be slower than that.
 *
 * @returns the state that it is in, which is another one when that never came
 */
async function stateOf(name: string, expected: 'OK' | 'ALARM'): Promise<string | undefined> {
  for (let attempt = 1; ; attempt += 1) {
    const MetricData = measured!.MetricData?.map((datum) => ({ ...datum, Timestamp: new Date() }));
    await cloudWatch.send(new PutMetricDataCommand({ ...measured!, MetricData }));
    const { MetricAlarms } = await cloudWatch.send(new DescribeAlarmsCommand({ AlarmNames: [name] }));
    const state = MetricAlarms?.[0]?.StateValue;
    if (state === expected || attempt === 20) return state;
    await sleep(300);
  }
}

describe('the alarm over suspicious exports', () => {
  test('fires when files turned to noise, clears when they are what they were', async () => {
    const alarm = await makeAlarm('ExportSuspicious');
    const text = (file: number) => `<store id="${file}">${'<Property name="a">b</Property>'.repeat(40)}</store>\n`;
    const root = makeTree(Object.fromEntries([0, 1, 2, 3, 4].map((file) => [`${file}.xml`, text(file)])));
    const write = (content: (file: number) => string | Buffer) =>
      [0, 1, 2, 3].forEach((file) => writeFileSync(join(root, `${file}.xml`), content(file)));
    const runExport = async (hour: number, expected: 'OK' | 'ALARM') => {
      const answer = (await exportTurn(
        { action: 'begin' },
        {
          deployment: 'prod',
          volumeName: 'repository',
          mountedAt: 'repository',
          volume: new DirectoryVolume(root),
          store: new S3Store(s3, BUCKET, 'archives/prod/suspected/'),
          log: createLogger({}, () => {}),
          remainingMs: () => 900_000,
          threads: 0,
          now: () => hoursLater(hour),
        },
      )) as FinishAnswer;
      assert.ok('result' in answer);
      // The moment of the export is far from the clock of the local AWS, which gets it by `stateOf`.
      measured = { Namespace: 'WSO2IS/Recovery', MetricData: metricsOf(answer.result) };
      assert.equal(await stateOf(alarm, expected), expected, `export ${hour}`);
    };
    await runExport(0, 'OK');
    write(() => randomBytes(1200));
    await runExport(1, 'ALARM');
    // Nothing changed since, and what is there is still encrypted.
    await runExport(2, 'ALARM');
    write(text);
    await runExport(3, 'OK');
  });
});

describe('the alarm over drift', () => {
  test('each kind of drift fires it, with one message; putting it back clears it, with another', async () => {
    const config = aws.clientConfig(REGION);
    const sns = new SNSClient(config);
    const { TopicArn: topicArn = '' } = await sns.send(new CreateTopicCommand({ Name: 'failures' }));
    let published: PublishCommandInput[] = [];
    // Noted when the local AWS has taken it.
    sns.middlewareStack.add((next) => async (args) => {
      const answer = await next(args);
      published.push(args.input as PublishCommandInput);
      return answer;
    });
    const messages = () => {
      const told = published;
      published = [];
      return told.map(({ Subject = '', Message = '' }) => ({ Subject, Message }));
    };

    await backup.send(new CreateBackupVaultCommand({ BackupVaultName: 'primary' }));
    const BackupPlan = {
      BackupPlanName: 'prod-is-db',
      Rules: [{ RuleName: 'daily', TargetBackupVaultName: 'primary', ScheduleExpression: 'cron(0 3 * * ? *)' }],
    };
    const made = await backup.send(new CreateBackupPlanCommand({ BackupPlan }));
    const [BackupPlanId, versionId] = [made.BackupPlanId!, made.VersionId!];
    const [{ resourceArn, name: component }] = PLAN.databases as [(typeof PLAN.databases)[0]];
    const BackupSelection = {
      SelectionName: 'Selection',
      IamRoleArn: 'arn:aws:iam::000000000000:role/b',
      Resources: [resourceArn],
    };
    const select = () => backup.send(new CreateBackupSelectionCommand({ BackupPlanId, BackupSelection }));
    const selection = await select();

    const toml = (more = '') => `
[database.identity_db]
type = "postgre"
hostname = "db.example.com"
name = "${PLAN.databases[0]!.datasources[0]!.databaseName}"
[database.shared_db]
type = "postgre"
hostname = "db.example.com"
name = "${PLAN.databases[0]!.datasources[1]?.databaseName ?? 'shared'}"
${more}`;
    const root = makeTree({ 'conf/deployment.toml': toml() });
    const store = new S3Store(s3, BUCKET, archivePrefix('prod', 'repository'));
    let hour = 0;
    const exportToml = (text: string) => {
      writeFileSync(join(root, 'conf/deployment.toml'), text);
      return exportTree(root, store, { at: hoursLater((hour += 1)) });
    };

    const alarm = await makeAlarm('RecoveryDrift');
    let deployed: DeployedPlan = { component, planId: BackupPlanId, versionId, resourceArn };
    const look = async (expected: 'OK' | 'ALARM') => {
      const { findings, told } = await findDrift(
        { deployment: 'prod', plans: [deployed] },
        { s3, backup, cloudWatch, sns, bucket: BUCKET, topicArn, now: () => new Date() },
      );
      return { findings, told, state: await stateOf(alarm, expected), messages: messages() };
    };
    const assertQuiet = async () =>
      assert.deepEqual(await look('OK'), { findings: [], told: false, state: 'OK', messages: [] });
    const assertFires = async (...expected: RegExp[]) => {
      const {
        findings,
        state,
        messages: [message, ...more],
      } = await look('ALARM');
      assert.equal(findings.length, expected.length, findings.join('\n'));
      for (const [index, pattern] of expected.entries()) assert.match(findings[index]!, pattern);
      assert.equal(state, 'ALARM');
      assert.equal(message?.Subject, 'Not as deployed: prod');
      for (const finding of findings) assert.ok(message.Message.includes(`- ${finding}.`), message.Message);
      assert.deepEqual(more, []);
      const again = await look('ALARM');
      assert.deepEqual([again.told, again.state, again.messages], [false, 'ALARM', []], 'the same is told once');
    };
    const assertClears = async () => {
      const { findings, state, messages: told } = await look('OK');
      assert.deepEqual([findings, state, told.map(({ Subject }) => Subject)], [[], 'OK', ['As deployed again: prod']]);
    };

    await assertQuiet();
    await exportToml(toml());
    await assertQuiet();

    await exportToml(
      toml(
        '[[datasource]]\nid = "extra_db"\nurl = "jdbc:postgresql://db.example.com:5432/extra"\nusername = "u"\npassword = "secret-of-extra"\n',
      ),
    );
    await assertFires(
      /repository\/conf\/deployment\.toml on the volume repository .* extra_db of the file is not in the plan/,
    );
    await exportToml(toml('password = "secret-of-extra'));
    await assertFires(/cannot be read as deployment\.toml: nobody sees whether its databases are protected/);
    await exportToml(toml());
    await assertClears();

    await backup.send(new DeleteBackupSelectionCommand({ BackupPlanId, SelectionId: selection.SelectionId }));
    await assertFires(new RegExp(`^${component} \\(${resourceArn}\\) left its backup plan`));
    await select();
    await assertClears();

    const byHand = { ...BackupPlan, Rules: [{ ...BackupPlan.Rules[0]!, ScheduleExpression: 'cron(0 3 1 * ? *)' }] };
    const changed = await backup.send(new UpdateBackupPlanCommand({ BackupPlanId, BackupPlan: byHand }));
    await assertFires(
      new RegExp(
        `the backup plan of ${component} .* was changed by hand: its version is ${changed.VersionId}, deployed was ${versionId}`,
      ),
    );
    // By hand, too: it is another version with the same rules.
    await backup.send(new UpdateBackupPlanCommand({ BackupPlanId, BackupPlan }));
    await assertClears();

    deployed = { ...deployed, versionId: 'b0b0b0b0-0000-4000-8000-000000000000' };
    await assertFires(/was changed by hand/);
    deployed = { ...deployed, versionId };
    await assertClears();

    deployed = { ...deployed, planId: 'b0b0b0b0-0000-4000-8000-000000000000' };
    await assertFires(/^the backup plan of .* is gone/);
  });
});

describe('the alarm over missing drills', () => {
  test('fires when the last is too long ago, clears with a new one', async () => {
    const alarm = await makeAlarm('DrillOverdue');
    const drill = async (startedAt: Date) => {
      const drillId = `drill-${startedAt.toISOString().slice(0, 19).replaceAll(/[-:]/g, '').toLowerCase()}-0a1b2c3d`;
      const Body = JSON.stringify({ ...PASSED_REPORT, drillId, startedAt: startedAt.toISOString() });
      await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: `drills/prod/${drillId}/report.json`, Body }));
    };
    const look = async (expected: 'OK' | 'ALARM') => {
      await watch(
        { deployment: 'prod', longestGapSeconds: 7 * DAY_SECONDS, drillTimeoutSeconds: DAY_SECONDS },
        { s3, cloudWatch, bucket: BUCKET, now: () => new Date() },
      );
      assert.equal(await stateOf(alarm, expected), expected);
    };
    const ago = (seconds: number) => new Date(Date.now() - seconds * 1000);
    await drill(ago(8 * DAY_SECONDS + 60));
    await look('ALARM');
    await drill(ago(8 * DAY_SECONDS - 600));
    await look('OK');
  });
});

describe('the alarm over a watch that does not see', () => {
  test('fires while the vault cannot be seen, clears when it can', async () => {
    const config = aws.clientConfig(REGION);
    const alarm = await makeAlarm('RecoveryComponentsSeen', 'dr-site');
    const look = async (vaultName: string, expected: 'OK' | 'ALARM') => {
      await watchPoints(
        { deployment: 'prod' },
        {
          s3,
          cloudWatch,
          backup,
          rds: new RDSClient(config),
          efs: new EFSClient(config),
          site: 'dr-site',
          bucket: BUCKET,
          vaultName,
          log: createLogger({}, () => {}),
          now: () => new Date(),
        },
      );
      assert.equal(await stateOf(alarm, expected), expected);
    };
    await backup.send(new CreateBackupVaultCommand({ BackupVaultName: 'dr-vault' }));
    await look('no-such-vault', 'ALARM');
    await look('dr-vault', 'OK');
  });
});
