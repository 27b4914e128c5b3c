/** What people are told of an event: one sentence, what to do, and where to look. Pure; never raw JSON, but of what nobody knows. */
import type { EventBridgeEvent, S3Record, SnsRecord, Told } from './contract';

interface Sentence {
  readonly subject: string;
  readonly what: string;
  readonly todo: string;
  readonly where: readonly (readonly [string, string | undefined])[];
}

/** @param event as AWS sends it; what is not known becomes a message too: nothing is lost */
export function messagesOf(event: unknown): Told[] {
  const records = isRecord(event) && Array.isArray(event['Records']) ? (event['Records'] as unknown[]) : [event];
  return records.map((record) => render(sentenceOf(record) ?? unknown(record)));
}

function sentenceOf(event: unknown): Sentence | undefined {
  if (!isRecord(event)) return undefined;
  if (event['eventSource'] === 'aws:s3') return ofReplication(event as unknown as S3Record);
  if (event['EventSource'] === 'aws:sns') return ofVaultNotice(event as unknown as SnsRecord);
  if (!isRecord(event['detail'])) return undefined;
  return DETAIL_TYPES[String(event['detail-type'])]?.(event as unknown as EventBridgeEvent);
}

const DETAIL_TYPES: Readonly<Record<string, (event: EventBridgeEvent) => Sentence>> = {
  'Backup Job State Change': ofBackupJob,
  'Copy Job State Change': ofCopyJob,
  'Recovery Point State Change': ofRecoveryPoint,
  'Backup Vault State Change': ofVault,
  'AWS API Call via CloudTrail': (event) =>
    (event.detail['eventSource'] === 'kms.amazonaws.com' ? ofKeyCall : ofVaultCall)(event),
};

/** How a job ended, as people say it. EXPIRED: it did not start within its start window. */
const ENDED: Readonly<Record<string, string>> = {
  FAILED: 'failed',
  EXPIRED: 'did not start within its start window (EXPIRED)',
  ABORTED: 'was stopped (ABORTED)',
  PARTIAL: 'ended in part only (PARTIAL)',
  COMPLETED: 'was completed with issues',
};

const WHY: Readonly<Record<string, string>> = {
  EXPIRED:
    'look for another backup of the same resource at that time (its own backup window, another plan), or for many jobs at once; ',
  ABORTED: 'ask who stopped it (CloudTrail: StopBackupJob); ',
};

const NEXT_POINT =
  'The recovery point before is still there. Make a new one now: wso2is-recovery backup. The Age alarm goes off if none comes in time.';

function ofBackupJob({ detail, region, time }: EventBridgeEvent): Sentence {
  const [resource, state] = [text(detail['resourceArn']), text(detail['state'])];
  return {
    subject: `Backup ${state}: ${lastOf(resource)}`,
    what: `The backup of ${resource} into the vault ${text(detail['backupVaultName'])} ${ended(state)}${because(detail)}`,
    todo:
      state === 'COMPLETED'
        ? 'Read the reason: the recovery point is there, but something of it may not be. The next drill tells whether it can be used.'
        : `${capital(`${WHY[state] ?? 'remove the reason above; '}then see that the next job of the plan is completed.`)} ${NEXT_POINT}`,
    where: [
      ['Backup job', maybe(detail['backupJobId'])],
      ['Region', region],
      ['Time', time],
    ],
  };
}

function ofCopyJob({ detail, region, time }: EventBridgeEvent): Sentence {
  const [resource, state] = [text(detail['resourceArn']), text(detail['state'])];
  const destination = text(detail['destinationBackupVaultArn']);
  return {
    subject: `Copy to the DR site ${state}: ${lastOf(resource)}`,
    what: `The copy of a recovery point of ${resource} to ${destination} ${ended(state)}${because(detail)}`,
    todo:
      'Remove the reason above: most often the key or the policy of the vault at the DR site, or a limit of copies at once. The DR site ' +
      `holds the copy before. ${NEXT_POINT}`,
    where: [
      ['Copy job', maybe(detail['copyJobId'])],
      ['Region', region],
      ['Time', time],
    ],
  };
}

const POINT_STATES: Readonly<Record<string, readonly [what: string, todo: string]>> = {
  STOPPED: [
    'The continuous backup of RESOURCE stopped: it cannot be restored to moments from now on',
    'See that its backup plan still has the rule with continuous backup, that the resource is in its selection, and that automated ' +
      'backups of the database are on; deploying again restores the plan.',
  ],
  PARTIAL: [
    'A recovery point of RESOURCE is there in part only, and is not used',
    'AWS Backup makes another by its plan; see why its job did not end (aws backup list-backup-jobs --by-resource-arn).',
  ],
  EXPIRED: [
    'A recovery point of RESOURCE is past its retention, and AWS Backup could not delete it',
    'Nothing is lost, but it costs: see that the backup role still exists and may delete, and delete the point by hand.',
  ],
};

function ofRecoveryPoint({ detail, resources = [], region, time }: EventBridgeEvent): Sentence {
  const [resource, status] = [text(detail['resourceArn']), text(detail['status'])];
  const [what, todo] = POINT_STATES[status] ?? [
    `A recovery point of RESOURCE is ${status}`,
    'Look at it: aws backup describe-recovery-point.',
  ];
  return {
    subject: `Recovery point ${status}: ${lastOf(resource)}`,
    what: `${what.replace('RESOURCE', resource)}${because(detail)}`,
    todo,
    where: [
      ['Recovery point', resources[0]],
      ['Vault', maybe(detail['backupVaultName'])],
      ['Region', region],
      ['Time', time],
    ],
  };
}

const TO_BE_EXPECTED = 'If you are deploying, this is to be expected. If not, take it for an attack: ';

function ofVault({ detail, region, time }: EventBridgeEvent): Sentence {
  const [vault, state] = [text(detail['backupVaultName']), text(detail['state'])];
  const locked = maybe(detail['isLocked']);
  const lock = locked === undefined ? '' : ` Its lock is ${locked === 'true' ? 'on' : 'off'} now.`;
  return {
    subject: `Backup vault ${state}: ${vault}`,
    what: `The backup vault ${vault} was ${state === 'DELETED' ? 'deleted' : 'changed'}.${lock}`,
    todo:
      `${TO_BE_EXPECTED}find out who did it (CloudTrail, event source backup.amazonaws.com), take that access away, and put the policy ` +
      'and the lock back by deploying again.',
    where: [
      ['Region', region],
      ['Time', time],
    ],
  };
}

/** What each call does to what protects the points. */
const CALLS: Readonly<Record<string, string>> = {
  PutBackupVaultAccessPolicy: 'changed the access policy of',
  DeleteBackupVaultAccessPolicy: 'removed the access policy of',
  PutBackupVaultLockConfiguration: 'changed the lock of',
  DeleteBackupVaultLockConfiguration: 'removed the lock of',
  DeleteBackupVault: 'deleted',
  DeleteRecoveryPoint: 'deleted a recovery point of',
  UpdateRecoveryPointLifecycle: 'changed how long a recovery point is kept in',
  DisassociateRecoveryPoint: 'stopped a continuous backup in',
  PutBackupVaultNotifications: 'changed the notifications of',
  DeleteBackupVaultNotifications: 'removed the notifications of',
};

function ofVaultCall({ detail, region, time }: EventBridgeEvent): Sentence {
  const call = callOf(detail);
  const parameters = recordOf(detail['requestParameters']);
  const vault = text(parameters['backupVaultName']);
  return {
    ...called(call, { name: vault, thing: `the backup vault ${vault}` }, CALLS[call.name]),
    todo: `${TO_BE_EXPECTED}take the access of ${call.who} away first, then see what is left: wso2is-recovery status. Put policy and lock back by deploying again.`,
    where: [
      ['From', call.from],
      ['Recovery point', maybe(parameters['recoveryPointArn'])],
      ['Event', call.event],
      ['Region', region],
      ['Time', time],
    ],
  };
}

/** What each call does to a key, and how it is undone. */
const KEY_CALLS: Readonly<Record<string, readonly [did: string, undo: string]>> = {
  ScheduleKeyDeletion: [
    'scheduled the deletion of',
    'Until the date below it can be undone: aws kms cancel-key-deletion, then aws kms enable-key. After it nothing that the key encrypted can be ' +
      'restored, whatever the lock of its vault says',
  ],
  DisableKey: [
    'disabled',
    'Undo it: aws kms enable-key. Nothing that the key encrypted can be backed up, copied or restored meanwhile',
  ],
  PutKeyPolicy: [
    'changed the policy of',
    'Put it back by deploying again, or with aws kms put-key-policy where the key is yours',
  ],
  DisableKeyRotation: ['ended the rotation of', 'Put it back: aws kms enable-key-rotation'],
};

function ofKeyCall({ detail, region, time }: EventBridgeEvent): Sentence {
  const call = callOf(detail);
  const [resource] = Array.isArray(detail['resources']) ? (detail['resources'] as unknown[]) : [];
  const key = isRecord(resource) ? text(resource['ARN']) : 'a key';
  const [did, undo] = KEY_CALLS[call.name] ?? [undefined, 'Look at the key: aws kms describe-key'];
  return {
    ...called(
      call,
      {
        name: lastOf(key),
        thing: `the key ${key}`,
        consequence: ', on which recovery points or the manifests of archives depend',
      },
      did,
    ),
    todo: `${TO_BE_EXPECTED}take the access of ${call.who} away first. ${call.error ? 'The key is as it was' : undo}.`,
    where: [
      ['Deleted on', maybe(recordOf(detail['responseElements'])['deletionDate'])],
      ['From', call.from],
      ['Event', call.event],
      ['Region', region],
      ['Time', time],
    ],
  };
}

/** A call that somebody made, or tried, as CloudTrail has it. */
interface Call {
  readonly name: string;
  readonly who: string;
  /** Why it was refused; absent: it was made. */
  readonly error: string | undefined;
  readonly from: string | undefined;
  readonly event: string | undefined;
}

function callOf(detail: Readonly<Record<string, unknown>>): Call {
  const identity = recordOf(detail['userIdentity']);
  return {
    name: text(detail['eventName']),
    who: maybe(identity['arn']) ?? maybe(identity['invokedBy']) ?? 'Somebody',
    error: maybe(detail['errorCode']),
    from: maybe(detail['sourceIPAddress']),
    event: maybe(detail['eventID']),
  };
}

/** @param on what it was made on: its name alone, in a sentence, and what follows from the call */
function called(
  { name, who, error }: Call,
  on: { readonly name: string; readonly thing: string; readonly consequence?: string },
  did = `called ${name} on`,
): Pick<Sentence, 'subject' | 'what'> {
  return {
    subject: `${error ? 'Refused' : 'Done'}: ${name} on ${on.name}`,
    what: error
      ? `${who} tried what would have ${did} ${on.thing} (${name}), and was refused: ${error}.`
      : `${who} ${did} ${on.thing} (${name})${on.consequence ?? ''}.`,
  };
}

function ofReplication({ eventName, eventTime, awsRegion, s3, replicationEventData = {} }: S3Record): Sentence {
  // S3 writes keys as in a URL.
  const key = decodeURIComponent(s3.object.key.replaceAll('+', ' '));
  const { destinationBucket, failureReason } = replicationEventData;
  const replica = destinationBucket?.split(':').at(-1) ?? 'its replica';
  const missed = eventName.endsWith('OperationMissedThreshold');
  return {
    subject: missed ? `Replication is late: ${s3.bucket.name}` : `Replication failed: ${s3.bucket.name}`,
    what: missed
      ? `${key} of ${s3.bucket.name} did not arrive in ${replica} within the 15 minutes of S3 Replication Time Control.`
      : `${key} of ${s3.bucket.name} could not be replicated to ${replica}${failureReason ? `: ${failureReason}` : ''}.`,
    todo: missed
      ? 'S3 goes on by itself. The exports that need this object cannot be used at the DR site until it arrives; if the Age alarm of the ' +
        "DR site goes off, look at AWS's health page, and at the replication metrics of the bucket."
      : 'S3 does not try again: remove the reason (role, key or policy of the replica bucket), then replicate what failed with S3 Batch ' +
        'Replication. Exports that need this object cannot be used at the DR site before.',
    where: [
      ['Region', awsRegion],
      ['Time', eventTime],
    ],
  };
}

function ofVaultNotice({ Sns: { Message, Timestamp, MessageAttributes = {} } }: SnsRecord): Sentence {
  const kind = MessageAttributes['EventType']?.Value;
  return {
    subject: 'Continuous backup was interrupted',
    what: `AWS Backup says: ${Message.trim()}`,
    todo:
      'Databases can be restored to moments before this one. See that automated backups of the database are on (their retention is not 0), ' +
      'that the backup role exists, and that the resource is in the selection of its plan; AWS Backup goes on when they are.',
    where: [
      ['Kind', kind],
      ['Time', Timestamp],
    ],
  };
}

const unknown = (event: unknown): Sentence => ({
  subject: 'An event of AWS that has no sentence yet',
  what: `AWS sent what this version does not know: ${JSON.stringify(event).slice(0, 2000)}`,
  todo: 'Read it, and tell the project, which should know it.',
  where: [],
});

const MAX_SUBJECT_LENGTH = 100;

function render({ subject, what, todo, where }: Sentence): Told {
  const known = where.flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}`]));
  return {
    subject: subject.replace(/[^\x20-\x7e]/g, '?').slice(0, MAX_SUBJECT_LENGTH),
    message: [what, '', `What to do: ${todo}`, ...(known.length > 0 ? ['', ...known] : []), ''].join('\n'),
  };
}

const ended = (state: string) => ENDED[state] ?? `is ${state}`;

/** AWS writes some of its reasons in quotes. */
function because({ statusMessage }: EventBridgeEvent['detail']): string {
  const reason = (maybe(statusMessage) ?? '').replace(/^"|"$/g, '').trim();
  return reason === '' ? '.' : `: ${reason}${/[.!?]$/.test(reason) ? '' : '.'}`;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const recordOf = (value: unknown) => (isRecord(value) ? value : {});
const maybe = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined);
const text = (value: unknown) => maybe(value) ?? '(not said)';
const lastOf = (arn: string) => arn.split(/[:/]/).at(-1)!;
const capital = (sentence: string) => sentence.charAt(0).toUpperCase() + sentence.slice(1);
