// The alarm that the construct makes, on the metric that the watch measures: it fires, is told, and clears.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { BackupClient } from '@aws-sdk/client-backup';
import {
  CloudWatchClient,
  DescribeAlarmsCommand,
  GetMetricStatisticsCommand,
  PutMetricAlarmCommand,
  type PutMetricAlarmCommandInput,
} from '@aws-sdk/client-cloudwatch';
import { EFSClient } from '@aws-sdk/client-efs';
import { RDSClient } from '@aws-sdk/client-rds';
import { CreateBucketCommand, PutBucketVersioningCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { Template } from 'aws-cdk-lib/assertions';
import { S3Store } from '../../lambda/archive/s3-store';
import { createLogger } from '../../lambda/shared/log';
import type { ComponentAge } from '../../lambda/watch-points/contract';
import { watchPoints } from '../../lambda/watch-points/watch-points';
import { archivePrefix } from '../../lib/private/bucket-layout';
import { type LocalAws, startLocalAws } from '../../local/local-aws';
import { exportTree } from '../lambda/archive/support/engine';
import { makeTree } from '../lambda/archive/support/trees';
import { PLAN } from '../lambda/drill/fake-site';
import { Fixture } from '../lib/fixture';

const REGION = 'eu-central-1';
const HOUR_MS = 3600 * 1000;
/** The objective of the fixture at the DR site. */
const OBJECTIVE_HOURS = 7;
let aws: LocalAws;

before(async () => {
  aws = await startLocalAws();
});

after(() => aws.stop());

/** As in the template; over seconds instead of minutes, since the local AWS looks back a period from its own clock. */
function alarmOfTheSite(): PutMetricAlarmCommandInput {
  const fixture = new Fixture();
  fixture.addRecovery({ deploymentName: 'prod' });
  const alarms = Object.values(
    Template.fromStack(fixture.siteStack).findResources('AWS::CloudWatch::Alarm', {
      Properties: { MetricName: 'RecoveryPointAge' },
    }),
  ).map(({ Properties }) => Properties as PutMetricAlarmCommandInput);
  const alarm = alarms.find(({ Dimensions }) => Dimensions?.some(({ Value }) => Value === 'repository'))!;
  return { ...alarm, AlarmName: 'age', AlarmActions: [], OKActions: [], Period: 1 };
}

test('above the objective the alarm fires; a new export clears it; marked suspicious it does not count', async () => {
  const config = aws.clientConfig(REGION);
  const s3 = new S3Client(config);
  const cloudWatch = new CloudWatchClient(config);
  await s3.send(new CreateBucketCommand({ Bucket: 'replica' }));
  await s3.send(new PutBucketVersioningCommand({ Bucket: 'replica', VersioningConfiguration: { Status: 'Enabled' } }));
  const plan = JSON.stringify({ ...PLAN, databases: [] });
  for (let published = 0; published < 2; published++) {
    await s3.send(new PutObjectCommand({ Bucket: 'replica', Key: 'plans/prod.json', Body: plan }));
  }
  await cloudWatch.send(new PutMetricAlarmCommand(alarmOfTheSite()));

  const look = async (now = new Date()) => {
    const { components } = await watchPoints(
      { deployment: 'prod' },
      {
        s3,
        cloudWatch,
        backup: new BackupClient(config),
        rds: new RDSClient(config),
        efs: new EFSClient(config),
        site: 'dr-site',
        bucket: 'replica',
        vaultName: 'dr-vault',
        log: createLogger({}, (line) => assert.fail(line)),
        now: () => now,
      },
    );
    const [repository] = components as readonly ComponentAge[];
    const { MetricAlarms } = await cloudWatch.send(new DescribeAlarmsCommand({ AlarmNames: ['age'] }));
    return { repository: repository!, alarm: MetricAlarms?.[0]?.StateValue };
  };
  // The alarm looks back one second: on a busy machine a datum can be older than that before it is asked.
  const ages: number[] = [];
  const lookUntil = async (expected: 'OK' | 'ALARM') => {
    for (let attempt = 1; ; attempt += 1) {
      const seen = await look();
      ages.push(seen.repository.ageSeconds);
      if (seen.alarm === expected || attempt === 20) return seen;
      await sleep(300);
    }
  };
  const store = new S3Store(s3, 'replica', archivePrefix('prod', 'repository'));
  const tree = makeTree({ 'a.txt': 'a' });

  await exportTree(tree, store, { at: new Date(Date.now() - OBJECTIVE_HOURS * HOUR_MS - 5000) });
  const tooOld = await lookUntil('ALARM');
  assert.equal(tooOld.alarm, 'ALARM');
  assert.ok(tooOld.repository.ageSeconds > OBJECTIVE_HOURS * 3600, `${tooOld.repository.ageSeconds}`);

  await exportTree(tree, store, { at: new Date(Date.now() - OBJECTIVE_HOURS * HOUR_MS + 60_000) });
  const inTime = await lookUntil('OK');
  assert.equal(inTime.alarm, 'OK');
  assert.ok(inTime.repository.ageSeconds <= OBJECTIVE_HOURS * 3600, `${inTime.repository.ageSeconds}`);

  await s3.send(
    new PutObjectCommand({
      Bucket: 'replica',
      Key: 'suspicious/prod/1.json',
      Body: JSON.stringify({ reason: 'encrypted', id: inTime.repository.newest?.id }),
    }),
  );
  const suspicious = await lookUntil('ALARM');
  assert.equal(suspicious.alarm, 'ALARM');
  assert.equal(suspicious.repository.newest?.id, tooOld.repository.newest?.id);

  const { Datapoints } = await cloudWatch.send(
    new GetMetricStatisticsCommand({
      Namespace: 'WSO2IS/Recovery',
      MetricName: 'RecoveryPointAge',
      Dimensions: [
        { Name: 'Deployment', Value: 'prod' },
        { Name: 'Site', Value: 'dr-site' },
        { Name: 'Component', Value: 'repository' },
      ],
      StartTime: new Date(Date.now() - HOUR_MS),
      EndTime: new Date(Date.now() + HOUR_MS),
      Period: 7200,
      Statistics: ['Maximum', 'Minimum'],
    }),
  );
  assert.deepEqual([Datapoints?.[0]?.Maximum, Datapoints?.[0]?.Minimum], [Math.max(...ages), Math.min(...ages)]);
});
