import { GetObjectCommand, ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3';
import { countsKey, countsPrefix } from '../../lib/private/bucket-layout';
import type { NotedCounts } from '../count/contract';
import type { Surroundings } from './check';
import { NEAR_SECONDS } from './row-bounds';

/** How many notes before and after a moment are read: two before tell how fast a table grows. */
const BEFORE = 2;
const AFTER = 1;

/** Reads the notes around a moment out of the bucket. What was written in another format is not used. */
export function countsReader(
  s3: Pick<S3Client, 'send'>,
  bucket: string,
  deployment: string,
): Surroundings['readCounts'] {
  return async (moment) => {
    const time = Date.parse(moment);
    const keyAt = (seconds: number) => countsKey(deployment, new Date(time + seconds * 1000));
    const keys = await keysBetween(s3, bucket, countsPrefix(deployment), keyAt(-NEAR_SECONDS), keyAt(NEAR_SECONDS));
    const at = keyAt(0);
    const chosen = [
      ...keys.filter((key) => key <= at).slice(-BEFORE),
      ...keys.filter((key) => key > at).slice(0, AFTER),
    ];
    const near = await Promise.all(chosen.map((key) => readCounts(s3, bucket, key)));
    return { near: near.flat(), any: keys.length > 0 || (await hasAny(s3, bucket, countsPrefix(deployment))) };
  };
}

async function keysBetween(s3: Pick<S3Client, 'send'>, bucket: string, prefix: string, from: string, to: string) {
  const keys: string[] = [];
  let token: string | undefined;
  do {
    const { Contents, NextContinuationToken } = await s3.send(
      new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, StartAfter: from, ContinuationToken: token }),
    );
    keys.push(...(Contents ?? []).flatMap(({ Key }) => (Key === undefined ? [] : [Key])));
    token = (keys.at(-1) ?? '') > to ? undefined : NextContinuationToken;
  } while (token !== undefined);
  return keys.filter((key) => key <= to);
}

async function hasAny(s3: Pick<S3Client, 'send'>, bucket: string, prefix: string): Promise<boolean> {
  const { Contents } = await s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, MaxKeys: 1 }));
  return (Contents ?? []).length > 0;
}

async function readCounts(s3: Pick<S3Client, 'send'>, bucket: string, key: string): Promise<NotedCounts['counts']> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
  const noted = JSON.parse((await Body?.transformToString()) ?? '') as Partial<NotedCounts> | null;
  return noted?.formatVersion === 1 && Array.isArray(noted.counts) ? noted.counts : [];
}
