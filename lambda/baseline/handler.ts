import { GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { baselineNoteKey, baselinePrefix } from '../../lib/private/bucket-layout';
import { createS3Client, S3Store } from '../archive/s3-store';
import { requireEnvironment } from '../shared/environment';
import { createLogger } from '../shared/log';
import type { BaselineNote, BaselineResult } from './contract';
import { keepBaseline, type NoteStore } from './keep-baseline';

const s3 = createS3Client();

export async function handler(): Promise<BaselineResult> {
  const { BUCKET, DEPLOYMENT, MOUNT_PATH } = requireEnvironment(['BUCKET', 'DEPLOYMENT', 'MOUNT_PATH']);
  const productVersion = process.env['PRODUCT_VERSION'];
  return keepBaseline({
    deployment: DEPLOYMENT,
    directory: MOUNT_PATH,
    ...(productVersion ? { productVersion } : {}),
    storeOf: (version) => new S3Store(s3, BUCKET, baselinePrefix(DEPLOYMENT, version)),
    notes: noteStore(s3, BUCKET, baselineNoteKey(DEPLOYMENT)),
    log: createLogger({ function: 'baseline', deployment: DEPLOYMENT }),
    now: () => new Date(),
  });
}

function noteStore(client: S3Client, Bucket: string, Key: string): NoteStore {
  return {
    async read() {
      try {
        const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
        return JSON.parse(await Body!.transformToString()) as BaselineNote;
      } catch (error) {
        if ((error as Error).name === 'NoSuchKey') return undefined;
        throw error;
      }
    },
    async write(note) {
      const Body = `${JSON.stringify(note, undefined, 2)}\n`;
      await client.send(new PutObjectCommand({ Bucket, Key, Body, ContentType: 'application/json' }));
    },
  };
}
