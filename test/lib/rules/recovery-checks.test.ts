import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Duration } from 'aws-cdk-lib';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { RecoveryChecks } from '../../../lib';
import { Fixture } from '../fixture';

const findingsOf = (fixture: Fixture) =>
  new RecoveryChecks(fixture.app)
    .validateScope(fixture.app)
    .violations.flatMap(({ ruleName, violatingResources }) => violatingResources.map(() => ruleName));

const protectedProps = {
  deletionProtection: { breakGlassRoleArns: ['arn:aws:iam::111122223333:role/BreakGlass'] },
  objectLock: { retention: Duration.days(35) },
};

test('a deployment with every protection has one finding: its copies stay in the account', () => {
  const fixture = new Fixture({ site: protectedProps });
  fixture.addRecovery(protectedProps);
  assert.deepEqual(findingsOf(fixture), ['WSO2ISRecovery-CopyInAnotherAccount']);
});

test('without them the vaults and buckets of both sides are found', () => {
  const fixture = new Fixture();
  fixture.addRecovery();
  assert.deepEqual(findingsOf(fixture).sort(), [
    'WSO2ISRecovery-BucketObjectLock',
    'WSO2ISRecovery-BucketObjectLock',
    'WSO2ISRecovery-CopyInAnotherAccount',
    'WSO2ISRecovery-VaultDeniesDeletion',
    'WSO2ISRecovery-VaultDeniesDeletion',
  ]);
});

test('what was changed by an override is seen', () => {
  const fixture = new Fixture({ site: protectedProps });
  const recovery = fixture.addRecovery(protectedProps);
  const bucket = recovery.artifactBucket.node.defaultChild as s3.CfnBucket;
  bucket.addPropertyOverride('ReplicationConfiguration.Rules.0.DeleteMarkerReplication.Status', 'Enabled');
  assert.ok(findingsOf(fixture).includes('WSO2ISRecovery-ReplicationWithoutDeleteMarkers'));
});
