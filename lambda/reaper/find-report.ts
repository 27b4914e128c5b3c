import { ListObjectsV2Command, paginateListObjectsV2, type S3Client } from '@aws-sdk/client-s3';
import type { Site } from '../../lib/planning/plan-document';
import { DRILLS_PREFIXES } from '../../lib/private/bucket-layout';
import { describeError } from '../drill/steps';
import type { ReportSeen } from './messages';

/** Looks whether a drill left its report: of which deployment it was, nothing that it leaves says. Never throws. */
export async function findReport(client: S3Client, bucket: string, site: Site, drillId: string): Promise<ReportSeen> {
  const listed = { Bucket: bucket, Prefix: DRILLS_PREFIXES[site], Delimiter: '/' };
  try {
    for await (const { CommonPrefixes = [] } of paginateListObjectsV2({ client }, listed)) {
      for (const { Prefix: deployment = '' } of CommonPrefixes) {
        // As the commit of a report: report.html follows it.
        const Prefix = `${deployment}${drillId}/report.json`;
        const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix, MaxKeys: 1 }));
        if (Contents.length > 0) return { location: `s3://${bucket}/${Prefix}` };
      }
    }
    return 'none';
  } catch (error) {
    return { unseen: describeError(error) };
  }
}
