import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type LocalAws, startLocalAws } from '../../local/local-aws';
import { createStack, eventually } from './stack';

let aws: LocalAws;
let source: S3Client;
let replica: S3Client;

before(async () => {
  aws = await startLocalAws({ durations: { replicationSeconds: 0.4 } });
  source = new S3Client(aws.clientConfig('eu-west-1'));
  replica = new S3Client(aws.clientConfig('eu-central-1'));
  const versioned = { VersioningConfiguration: { Status: 'Enabled' } };
  const dr = await createStack(aws, 'eu-central-1', 'dr', {
    Bucket: { Type: 'AWS::S3::Bucket', Properties: { BucketName: 'replica', ...versioned } },
  });
  assert.equal(dr.status, 'CREATE_COMPLETE');
  await source.send(new CreateBucketCommand({ Bucket: 'plain' }));
  const primary = await createStack(aws, 'eu-west-1', 'primary', {
    Bucket: {
      Type: 'AWS::S3::Bucket',
      Properties: {
        BucketName: 'source',
        ...versioned,
        ReplicationConfiguration: {
          Role: 'arn:aws:iam::123456789012:role/replication',
          Rules: [
            {
              Id: 'all',
              Priority: 1,
              Status: 'Enabled',
              Filter: { Prefix: '' },
              DeleteMarkerReplication: { Status: 'Disabled' },
              Destination: { Bucket: 'arn:aws:s3:::replica' },
            },
          ],
        },
      },
    },
  });
  assert.equal(primary.status, 'CREATE_COMPLETE');
});

afterEach(() => aws.clearFaults());
after(() => aws.stop());

const put = (Key: string, Body = Key) => source.send(new PutObjectCommand({ Bucket: 'source', Key, Body }));
const status = async (client: S3Client, Bucket: string, Key: string) =>
  client.send(new HeadObjectCommand({ Bucket, Key })).then(
    (head) => head.ReplicationStatus,
    (error: Error) => error.name,
  );
const completed = (key: string, wanted = 'COMPLETED') =>
  eventually(`${key} ${wanted}`, async () => ((await status(source, 'source', key)) === wanted ? true : undefined));

test('an object is pending first, then there with the same version id and content', async () => {
  await aws.addFault({ kind: 'replication-paused', match: 'source' });
  const { VersionId } = await put('first', 'the content');
  assert.equal(await status(source, 'source', 'first'), 'PENDING');
  assert.equal(await status(replica, 'replica', 'first'), 'NotFound');
  await aws.clearFaults();
  await completed('first');
  const copy = await replica.send(new GetObjectCommand({ Bucket: 'replica', Key: 'first' }));
  assert.equal(copy.ReplicationStatus, 'REPLICA');
  assert.equal(copy.VersionId, VersionId);
  assert.equal(await copy.Body?.transformToString(), 'the content');
});

test('objects do not arrive in the order they were written, but the newest version is the current one', async () => {
  const versions: string[] = [];
  for (let n = 1; n <= 8; n++) versions.push((await put('overwritten', `${n}`)).VersionId!);
  await eventually('all versions', async () => {
    const { Versions } = await replica.send(
      new ListObjectVersionsCommand({ Bucket: 'replica', Prefix: 'overwritten' }),
    );
    return Versions?.length === 8 ? true : undefined;
  });
  const copy = await replica.send(new GetObjectCommand({ Bucket: 'replica', Key: 'overwritten' }));
  assert.equal(await copy.Body?.transformToString(), '8');
  assert.equal(copy.VersionId, versions[7]);
  const { Versions } = await replica.send(new ListObjectVersionsCommand({ Bucket: 'replica', Prefix: 'overwritten' }));
  assert.equal(Versions?.filter((version) => version.IsLatest).length, 1);
});

test('a delete marker stays where it was set', async () => {
  await put('deleted');
  await completed('deleted');
  await source.send(new DeleteObjectCommand({ Bucket: 'source', Key: 'deleted' }));
  assert.equal(await status(source, 'source', 'deleted'), 'NotFound');
  await sleep(700);
  assert.equal(await status(replica, 'replica', 'deleted'), 'REPLICA');
});

test('a paused object waits; others pass it', async () => {
  await aws.addFault({ kind: 'replication-paused', match: 'source/packs/' });
  await put('packs/1');
  await put('manifests/1');
  await completed('manifests/1');
  await sleep(700);
  assert.equal(await status(source, 'source', 'packs/1'), 'PENDING');
  await aws.clearFaults();
  await completed('packs/1');
});

test('a failing object says FAILED and never arrives', async () => {
  await aws.addFault({ kind: 'replication-fails', match: 'source/broken' });
  await put('broken');
  await completed('broken', 'FAILED');
  await aws.clearFaults();
  assert.equal(await status(replica, 'replica', 'broken'), 'NotFound');
});

test('while the Region is gone its bucket answers nobody, and what was pending does not arrive', async () => {
  await put('before');
  await completed('before');
  await put('pending');
  await aws.addFault({ kind: 'region-gone', match: 'eu-west-1' });
  const once = { maxAttempts: 1 };
  for (const region of ['eu-west-1', 'eu-central-1']) {
    const client = new S3Client({ ...aws.clientConfig(region), ...once });
    await assert.rejects(client.send(new GetObjectCommand({ Bucket: 'source', Key: 'before' })), {
      name: 'ServiceUnavailable',
    });
  }
  await sleep(700);
  assert.equal(await status(replica, 'replica', 'pending'), 'NotFound');
  assert.equal(await status(replica, 'replica', 'before'), 'REPLICA');
  const { Contents } = await replica.send(new ListObjectsV2Command({ Bucket: 'replica', Prefix: 'pending' }));
  assert.equal(Contents, undefined);
});

test('a bucket without a rule replicates nothing', async () => {
  await source.send(new PutObjectCommand({ Bucket: 'plain', Key: 'alone', Body: 'x' }));
  assert.equal(await status(source, 'plain', 'alone'), undefined);
});
