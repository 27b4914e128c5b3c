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
  };
  if (missing.length > 0) {
    throw new Error(`environment of the drill lacks ${missing.join(', ')}: deploy the recovery site's stack again`);
  }
  return settings;
}
