import type { Site } from '../../lib/planning/plan-document';

/** What the site's stack tells the drill by its environment. */
export interface Settings {
  /** Where it runs: the DR site, or the primary Region for failures inside it. */
  readonly site: Site;
  readonly bucket: string;
  readonly vaultName: string;
  /** Shortest retention in days that the lock of the vault allows; absent: it has none. */
  readonly lockMinDays?: number;
  readonly restoreRoleArn: string;
  readonly dbSubnetGroup: string;
  readonly dbSecurityGroupId: string;
  readonly restoreFunction: string;
  readonly checkFunction: string;
  /** The restore function at the root of the restore volume; as whom the others read. */
  readonly adoptFunction: string;
  readonly restoreOwner: { readonly uid: number; readonly gid: number };
  /** The restore volume, and the folder in it that the functions' access point leads to: `/drills`. */
  readonly restoreFileSystemId: string;
  readonly restoreRoot: string;
  readonly topicArn: string;
  readonly region: string;
  /** After it Lambda ends an execution, wherever it is. */
  readonly timeoutSeconds: number;
  /** Checks of the user's own, in the order in which they were added. */
  readonly ownChecks: readonly OwnCheck[];
  /** A copy of Identity Server that drills boot; absent: none is booted. */
  readonly boot?: Boot;
}

export interface Boot {
  readonly cluster: string;
  readonly taskDefinition: string;
  readonly subnets: readonly string[];
  readonly securityGroup: string;
  readonly healthPath: string;
  readonly timeoutSeconds: number;
  /** Size of the task, for what it costs. */
  readonly vcpus: number;
  readonly memoryGib: number;
  readonly tokenSecretArn?: string;
}

export interface OwnCheck {
  readonly name: string;
  readonly functionArn: string;
}

/** @throws naming every variable that is missing or no value of its kind. */
export function settingsFrom(environment: Readonly<Record<string, string | undefined>>): Settings {
  const missing: string[] = [];
  const required = <Text extends string = string>(
    name: string,
    isUsable: (text: string) => text is Text = isText as (text: string) => text is Text,
  ) => {
    const value = environment[name] ?? '';
    if (!isUsable(value)) missing.push(name);
    return value as Text;
  };
  const settings = {
    site: required('SITE', isSite),
    bucket: required('BUCKET'),
    vaultName: required('VAULT_NAME'),
    restoreRoleArn: required('RESTORE_ROLE_ARN'),
    dbSubnetGroup: required('DB_SUBNET_GROUP'),
    dbSecurityGroupId: required('DB_SECURITY_GROUP_ID'),
    restoreFunction: required('RESTORE_FUNCTION'),
    checkFunction: required('CHECK_FUNCTION'),
    adoptFunction: required('ADOPT_FUNCTION'),
    restoreOwner: {
      uid: Number(required('RESTORE_UID', isPositive)),
      gid: Number(required('RESTORE_GID', isPositive)),
    },
    restoreFileSystemId: required('RESTORE_FILE_SYSTEM_ID'),
    restoreRoot: required('RESTORE_ROOT'),
    topicArn: required('TOPIC_ARN'),
    region: required('AWS_REGION'),
    timeoutSeconds: Number(required('TIMEOUT_SECONDS', isPositive)),
    ownChecks: ownChecks(environment['OWN_CHECKS']),
    ...(environment['LOCK_MIN_DAYS'] ? { lockMinDays: Number(environment['LOCK_MIN_DAYS']) } : {}),
    // As the site's stack writes it.
    ...(environment['BOOT'] ? { boot: JSON.parse(environment['BOOT']) as Boot } : {}),
  };
  if (missing.length > 0) {
    throw new Error(
      `environment of the drill lacks a usable ${missing.join(', ')}: deploy the recovery site's stack again`,
    );
  }
  return settings;
}

const isText = (text: string): text is string => text !== '';
const isSite = (text: string): text is Site => text === 'dr-site' || text === 'in-region';
const isPositive = (text: string): text is string => /^[1-9]\d*$/.test(text);

/** `{ NAME: ARN }`, as the site's stack writes it. */
function ownChecks(json: string | undefined): readonly OwnCheck[] {
  if (json === undefined || json === '') return [];
  const byName = JSON.parse(json) as Readonly<Record<string, string>>;
  return Object.entries(byName).map(([name, functionArn]) => ({ name, functionArn }));
}
