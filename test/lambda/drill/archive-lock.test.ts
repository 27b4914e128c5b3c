// Object locks of exports, on the local AWS: the drill's own reader over a bucket with object lock.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { CreateBucketCommand, PutObjectLockConfigurationCommand, S3Client } from '@aws-sdk/client-s3';
import { S3Store } from '../../../lambda/archive/s3-store';
import { outside } from '../../../lambda/drill/archive-lock';
import { archiveReader } from '../../../lambda/drill/archive-reader';
import { chooseRecoverySet } from '../../../lambda/drill/choose-recovery-set';
import { findPoints } from '../../../lambda/drill/find-points';
import { type LocalAws, startLocalAws } from '../../../local/local-aws';
import { exportTree } from '../archive/support/engine';
import { makeTree } from '../archive/support/trees';
import { PLAN } from './fake-site';

const BUCKET = 'locked';
const PREFIX = 'archives/prod/repository/';

describe('what the object lock does not protect', () => {
  const now = new Date('2026-11-27T06:00:00Z');

  for (const [what, until, expected] of [
    ['no lock', undefined, 'its manifest has no object lock'],
    ['one that ends in a second', new Date('2026-11-27T06:00:01Z'), undefined],
    ['one that ends now', now, 'the object lock of its manifest ended at 2026-11-27T06:00:00.000Z'],
    [
      'one that ended',
      new Date('2026-11-20T00:00:00Z'),
      'the object lock of its manifest ended at 2026-11-20T00:00:00.000Z',
    ],
  ] as const) {
    test(what, () => assert.equal(outside(until, now), expected));
  }
});

describe('exports in a bucket with object lock', () => {
  let aws: LocalAws;
  let s3: S3Client;
  const lock = (days: number | undefined) =>
    s3.send(
      new PutObjectLockConfigurationCommand({
        Bucket: BUCKET,
        ObjectLockConfiguration: {
          ObjectLockEnabled: 'Enabled',
          ...(days === undefined ? {} : { Rule: { DefaultRetention: { Mode: 'GOVERNANCE', Days: days } } }),
        },
      }),
    );

  before(async () => {
    aws = await startLocalAws();
    s3 = new S3Client(aws.clientConfig('eu-west-1'));
    await s3.send(new CreateBucketCommand({ Bucket: BUCKET, ObjectLockEnabledForBucket: true }));
    const store = new S3Store(s3, BUCKET, PREFIX);
    const tree = makeTree({ 'a.txt': 'a' });
    const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000);
    await lock(30);
    await exportTree(tree, store, { at: minutesAgo(30) });
    // Somebody took the default retention off the bucket: what comes then is not locked.
    await lock(undefined);
    await exportTree(tree, store, { at: minutesAgo(10) });
  });
  after(() => aws?.stop());

  const pointsBy = async (isLocked: boolean) => {
    const [volume] = PLAN.volumes;
    const found = await findPoints(
      { ...PLAN, databases: [], volumes: [{ ...volume!, name: 'repository' }] },
      { site: 'dr-site', vaultName: 'none' },
      { backup: undefined!, rds: undefined!, archive: archiveReader(s3, BUCKET, undefined, isLocked) },
    );
    return found;
  };

  test('the newest is not locked, so a drill takes the one before, and says why', async () => {
    const components = await pointsBy(true);
    const [older, newer] = [...components[0]!.points].sort((a, b) => Date.parse(a.moment) - Date.parse(b.moment));
    assert.deepEqual([older!.outsideLock, newer!.outsideLock], [undefined, 'its manifest has no object lock']);
    const now = new Date().toISOString();
    const { chosen, passedOver } = chooseRecoverySet({ components, now, rpoSeconds: 3600 });
    assert.equal(chosen[0]!.id, older!.id);
    assert.deepEqual(passedOver, [
      { component: 'repository', id: newer!.id, reason: 'outside the lock: its manifest has no object lock' },
    ]);
    // Where the locked one is too old for the objective, the other is better than none.
    assert.equal(chooseRecoverySet({ components, now, rpoSeconds: 1200 }).chosen[0]!.id, newer!.id);
  });

  test('none is told of where the bucket has no lock', async () => {
    const [component] = await pointsBy(false);
    assert.deepEqual(
      component!.points.map(({ outsideLock }) => outsideLock),
      [undefined, undefined],
    );
  });
});
