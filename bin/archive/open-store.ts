import type { ObjectStore } from '../../lambda/archive/object-store';
import { PastStore } from '../../lambda/archive/past-store';
import { createS3Client, S3Store } from '../../lambda/archive/s3-store';
import type { ArchiveLocation, CommonOptions, ReadingOptions } from './options';

/** For reading alone. */
export async function openToRead(archive: ArchiveLocation, options: ReadingOptions): Promise<ObjectStore> {
  const store = openStore(archive, options);
  return options.asOf ? PastStore.open(store, options.asOf) : store;
}

export function openStore({ bucket, prefix }: ArchiveLocation, options: CommonOptions): S3Store {
  const { endpointUrl: endpoint, region } = options;
  const client = createS3Client({
    ...(region ? { region } : {}),
    // Names in the path: an endpoint of one's own seldom answers for bucket.host.
    ...(endpoint
      ? { endpoint, forcePathStyle: true }
      : process.env['AWS_ENDPOINT_URL']
        ? { forcePathStyle: true }
        : {}),
  });
  return new S3Store(client, bucket, prefix);
}
