/** The S3 of the local AWS: slower than versitygw, but there without Go. It keeps everything in memory. */
import { DeleteObjectsCommand, DeleteBucketCommand, paginateListObjectsV2, S3Client } from '@aws-sdk/client-s3';
import { startLocalAws } from '../../local/local-aws';
import { type ObjectServer, REGION } from './server';

export async function startMinistack(dataDir: string, say: (line: string) => void): Promise<ObjectServer> {
  const aws = await startLocalAws({ dataDir, log: say });
  const configuration = aws.clientConfig(REGION);
  const client = new S3Client(configuration);
  return {
    name: 'MiniStack',
    endpoint: aws.endpoint,
    credentials: configuration.credentials,
    client,
    discard: (bucket) => discard(client, bucket),
    stop: async () => {
      client.destroy();
      await aws.stop();
    },
  };
}

async function discard(client: S3Client, Bucket: string): Promise<void> {
  try {
    for await (const { Contents } of paginateListObjectsV2({ client }, { Bucket })) {
      const Objects = (Contents ?? []).map(({ Key }) => ({ Key }));
      if (Objects.length > 0) await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
    }
    await client.send(new DeleteBucketCommand({ Bucket }));
  } catch (error) {
    if ((error as Error).name !== 'NoSuchBucket') throw error;
  }
}
