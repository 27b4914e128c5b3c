/**
 * Event contract of the function that tells, one in each Region: what AWS sends as JSON becomes a sentence, what to do, and
 * where to look, and goes to the failure topic.
 *
 * Environment: `TOPIC_ARN`.
 * It is called by EventBridge (events of AWS Backup, API calls of CloudTrail), by S3 (replication of the artifact bucket) and
 * by SNS (notices of a backup vault).
 */
export interface EventBridgeEvent {
  readonly 'detail-type': string;
  readonly region: string;
  /** ISO 8601. */
  readonly time: string;
  readonly resources?: readonly string[];
  readonly detail: Readonly<Record<string, unknown>>;
}

/** Of S3's event notifications, version 2.x: the fields that are read. */
export interface S3Record {
  readonly eventSource: 'aws:s3';
  readonly eventName: string;
  readonly eventTime: string;
  readonly awsRegion: string;
  readonly s3: { readonly bucket: { readonly name: string }; readonly object: { readonly key: string } };
  readonly replicationEventData?: { readonly destinationBucket?: string; readonly failureReason?: string };
}

export interface SnsRecord {
  readonly EventSource: 'aws:sns';
  readonly Sns: {
    readonly Subject?: string;
    readonly Message: string;
    readonly Timestamp: string;
    readonly MessageAttributes?: Readonly<Record<string, { readonly Value?: string }>>;
  };
}

export interface Told {
  /** SNS takes up to 100 characters, ASCII. */
  readonly subject: string;
  readonly message: string;
}
