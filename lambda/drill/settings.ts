/** What the site's stack tells the drill by its environment. */
export interface Settings {
  readonly bucket: string;
  readonly vaultName: string;
  readonly restoreRoleArn: string;
  readonly dbSubnetGroup: string;
  readonly dbSecurityGroupId: string;
  readonly restoreFunction: string;
  readonly checkFunction: string;
  readonly topicArn: string;
  readonly region: string;
  /** Checks of the user's own, in the order in which they were added. */
  readonly ownChecks: readonly OwnCheck[];
}

export interface OwnCheck {
  readonly name: string;
  readonly functionArn: string;
}

/** @throws naming every variable that is missing. */
export function settingsFrom(environment: Readonly<Record<string, string | undefined>>): Settings {
  const missing: string[] = [];
  const required = (name: string) => {
    const value = environment[name];
    if (value === undefined || value === '') missing.push(name);
    return value ?? '';
  };
  const settings = {
    bucket: required('BUCKET'),
    vaultName: required('VAULT_NAME'),
    restoreRoleArn: required('RESTORE_ROLE_ARN'),
    dbSubnetGroup: required('DB_SUBNET_GROUP'),
    dbSecurityGroupId: required('DB_SECURITY_GROUP_ID'),
    restoreFunction: required('RESTORE_FUNCTION'),
    checkFunction: required('CHECK_FUNCTION'),
    topicArn: required('TOPIC_ARN'),
    region: required('AWS_REGION'),
    ownChecks: ownChecks(environment['OWN_CHECKS']),
  };
  if (missing.length > 0) {
    throw new Error(`environment of the drill lacks ${missing.join(', ')}: deploy the recovery site's stack again`);
  }
  return settings;
}

/** `{ NAME: ARN }`, as the site's stack writes it. */
function ownChecks(json: string | undefined): readonly OwnCheck[] {
  if (json === undefined || json === '') return [];
  const byName = JSON.parse(json) as Readonly<Record<string, string>>;
  return Object.entries(byName).map(([name, functionArn]) => ({ name, functionArn }));
}
