/**
 * The runbook of a deployment: what people do, in order, with the real names. Pure, out of the recovery plan document; written
 * beside it when the stack is deployed, so that it is at the DR site when it is needed. Markdown.
 */
import { formatDuration } from '../planning/duration';
import type { DatabaseEntry, RecoveryPlanDocument, Site } from '../planning/plan-document';
import { archivePrefix, drillsPrefix } from '../private/bucket-layout';
import { DEFAULT_SITE_NAME, DRILL_ALIAS, drillFunctionName } from '../private/site-layout';

/** @param replicaBucket name of the site's bucket; it may be a token, as every name in the plan may be */
export function runbook(plan: RecoveryPlanDocument, replicaBucket: string): string {
  const { deployment, primaryRegion, drRegion } = plan;
  const siteName = plan.resources?.siteName;
  const site = siteName === undefined || siteName === DEFAULT_SITE_NAME ? '' : ` --site-name ${siteName}`;
  const command = (name: string, more = '') =>
    `npx --package cdk-wso2is-recovery wso2is-recovery ${name} --region ${drRegion} --deployment ${deployment}${site}${more}`;
  const back = (name: string) =>
    `npx --package cdk-wso2is-recovery wso2is-recovery ${name} --region ${primaryRegion} --deployment back --site-name back-site`;
  return [
    `# Runbook: recover ${deployment}`,
    '',
    `Production runs in ${primaryRegion}, its DR site is in ${drRegion}. Written when the stack was deployed: it is as true as that.`,
    'You need credentials of the account, Node 22.15 or newer, and nothing of the primary Region.',
    '',
    '## 1. See what there is',
    '',
    ...shell(command('status')),
    '',
    'It says for each component at each site the newest state that can be restored, its age, and what it could not see. With it, choose:',
    '',
    '| what happened | go to |',
    '|---|---|',
    `| ${primaryRegion} is gone, or will not be back in time | 2 |`,
    '| a database was lost or damaged, the Region works | 3 |',
    '| files were deleted or changed: a tenant, a user store, a keystore | 4 |',
    '| the server directory is gone | 5 |',
    '',
    `## 2. Recover in ${drRegion}`,
    '',
    `Objectives: lose at most ${formatDuration(plan.objectives.drSite.rpoSeconds)}, be back within ${formatDuration(plan.objectives.drSite.rtoSeconds)}.`,
    '',
    '1. See that production does not run any more, or stop it: two that write lose data of both.',
    '2. See what would be restored, then do it. After corrupted data add `--at TIME`, the last moment at which all was well.',
    '',
    ...indented(shell(command('recover', ' --site dr --dry-run'), command('recover', ' --site dr'))),
    '',
    '3. Do what it prints: the values of `deployment.toml` to change, the volumes to mount, and its next steps. It is kept in',
    `   \`s3://${replicaBucket}/recoveries/${deployment}/\`.`,
    '4. Before a server starts:',
    ...beforeStart(plan).map((line) => `   - ${line}`),
    '5. Start one server, sign in, issue a token; then the others; then lead DNS to them.',
    `6. Protect it: production is in ${drRegion} now and has no other site until you deploy one.`,
    '',
    ...promises(plan, 'dr-site'),
    '',
    `## 3. Recover a database in ${primaryRegion}`,
    '',
    `Objectives: lose at most ${formatDuration(plan.objectives.inRegion.rpoSeconds)}, be back within ${formatDuration(plan.objectives.inRegion.rtoSeconds)}.`,
    '',
    ...(plan.resources?.inRegionDrillFunction === undefined
      ? []
      : [
          'All of it, of one moment, checked, beside what is there; then do what it prints:',
          '',
          ...shell(command('recover', ' --site primary --dry-run'), command('recover', ' --site primary')),
          '',
          'A database alone:',
          '',
        ]),
    '1. Stop every server.',
    '2. Restore beside what is there, to the last moment at which all was well (or `--use-latest-restorable-time`), with the subnet group',
    '   and the security groups of the old one: without them RDS takes the defaults. What has no automated backups any more is restored',
    `   from its newest recovery point in the vault of ${primaryRegion} (AWS Backup, Restore).`,
    '',
    ...indented(shell(...plan.databases.flatMap((database) => pointInTimeRestore(database, primaryRegion)))),
    '',
    '3. Change host and port of its datasources in `deployment.toml`. If the files are good, leave them: else section 4.',
    '4. Start one server, sign in, issue a token; then the others. Deploy the stack with the new database: it is not protected until then.',
    '',
    ...promises(plan, 'in-region'),
    '',
    '## 4. Put files back in their place',
    '',
    '1. Stop every server. On a machine that mounts the volume, or in a task or pod that does where only containers do',
    '   (docs/runbook.md of cdk-wso2is-recovery has the definitions), with the directory of the server for IS_HOME:',
    '',
    ...indented(
      shell(
        ...plan.volumes.map(({ name, mountedAt }) =>
          command('recover', ` --in-place repository --volume ${name} --mounted-at IS_HOME/${mountedAt}`),
        ),
      ),
    ),
    '',
    '   `--path tenants/7` puts back one tenant or file alone, from the newest export that still has it; `--at TIME` an earlier state.',
    '2. It prints where what was there is kept: move it back to undo this. `drop-replaced` removes it when all is well.',
    '3. Start one server; see that its tenants are there.',
    '',
    '## 5. Put the server directory back',
    '',
    'As of its product version, from the baseline; then the files of section 4, which are newer:',
    '',
    ...shell(command('recover', ' --in-place server --mounted-at IS_HOME --product-version VERSION')),
    '',
    '## 6. Go back to the primary Region',
    '',
    `When ${primaryRegion} is back, and no server runs there:`,
    '',
    `1. Deploy an IdentityServerRecovery in ${drRegion}, of what section 2 kept, under a new name, with a RecoverySite in ${primaryRegion}`,
    '   under a new name (`back` and `back-site` below). Its credentials must be secrets of their own, replicated and tagged for that site.',
    '2. Take a backup and drill there. Do not go on before it PASSED:',
    '',
    ...indented(shell(...['backup', 'drill'].map(back))),
    '',
    '3. Stop the servers, take the last backup, recover:',
    '',
    ...indented(shell(back('backup'), back('recover --site dr'))),
    '',
    '4. Start one server there, sign in, issue a token; then the others; then lead DNS back.',
    `5. Deploy the recovery as it was, with what step 3 kept as its databases and volumes; backup and drill in ${drRegion} again.`,
    '',
    'The page docs/runbook.md of cdk-wso2is-recovery has each step in full, and says what of it was tried.',
    '',
    '## 7. What is where',
    '',
    ...names(plan, replicaBucket),
    '',
    '## 8. Without the command',
    '',
    'The drill function recovers too; the AWS CLI starts it, and its report says the rest:',
    '',
    ...shell(
      `aws lambda invoke --region ${drRegion} --function-name ${drillFunctionName(siteName ?? 'SITE')}:${DRILL_ALIAS} --invocation-type Event ` +
        `--cli-binary-format raw-in-base64-out --payload '{"deployment":"${deployment}","mode":"recover"}' /dev/stdout`,
      `aws s3 ls --region ${drRegion} s3://${replicaBucket}/recoveries/${deployment}/ --recursive`,
      `aws backup list-recovery-points-by-backup-vault --region ${drRegion} --backup-vault-name ${siteName ?? 'SITE'}`,
    ),
    '',
    'An archive can be read with `zstd`, `tar` and `jq`: docs/archive-format.md of cdk-wso2is-recovery has the script.',
    '',
  ].join('\n');
}

const shell = (...commands: readonly string[]) => ['```sh', ...commands, '```'];

const indented = (lines: readonly string[]) => lines.map((line) => `   ${line}`);

/** The shell takes the identifier out of the ARN: when the stack is synthesized it is a token, which has no parts. */
function pointInTimeRestore({ kind, resourceArn }: DatabaseEntry, region: string): string[] {
  const groups = '--db-subnet-group-name GROUP --vpc-security-group-ids SG';
  return [
    `old=${resourceArn}`,
    kind === 'rds-instance'
      ? `aws rds restore-db-instance-to-point-in-time --region ${region} --source-db-instance-identifier "\${old##*:}" --target-db-instance-identifier NEW-NAME --restore-time TIME ${groups}`
      : `aws rds restore-db-cluster-to-point-in-time --region ${region} --source-db-cluster-identifier "\${old##*:}" --db-cluster-identifier NEW-NAME --restore-to-time TIME ${groups}`,
  ];
}

/** What a restored server meets, and what it cannot do without. */
function beforeStart({ restoreDependencies, drRegion }: RecoveryPlanDocument): string[] {
  const { keystores, secrets, encryptionKey, userStore, clustering, smtp } = restoreDependencies;
  return [
    `the keystores are restored with the files: ${keystores.map(({ role, path }) => `\`${path}\` (${role})`).join(', ')}`,
    ...(secrets
      ? ['the password of the keystore is at hand: the server asks for it when it starts (`password-tmp`)']
      : []),
    ...(encryptionKey === 'reference'
      ? [`what \`[encryption] key\` refers to is set in ${drRegion} too, to the same value`]
      : []),
    ...(clustering
      ? [
          `\`membership_scheme\` (${clustering.membershipScheme}) names the servers of ${drRegion}, not those of the other Region`,
        ]
      : []),
    ...(userStore?.connectionUrl === undefined
      ? []
      : [`the user store ${userStore.connectionUrl} is reachable from ${drRegion}`]),
    ...(smtp ? [`the mail server ${smtp.host} is reachable from ${drRegion}`] : []),
    'the JDBC drivers are in `repository/components/lib`',
  ];
}

/** What the plan promises of a site. */
function promises(plan: RecoveryPlanDocument, site: Site): string[] {
  const lines = plan.plan.filter((line) => line.site === site && line.purpose === 'promise');
  const time = (component: string) => {
    const found = plan.recoveryTimes.find((each) => each.component === component && each.site === site);
    return found ? `${formatDuration(Math.ceil(found.seconds))} (${found.basis})` : '';
  };
  return [
    '| component | restored from | at worst as old as | takes |',
    '|---|---|---|---|',
    ...lines.map(
      ({ component, technique, worstCaseSeconds }) =>
        `| ${component} | ${technique} | ${formatDuration(worstCaseSeconds)} | ${time(component)} |`,
    ),
  ];
}

function names(plan: RecoveryPlanDocument, replicaBucket: string): string[] {
  const { deployment, databases, volumes, resources, primaryRegion, drRegion } = plan;
  const prefixes = volumes.map(({ name }) => `\`s3://${replicaBucket}/${archivePrefix(deployment, name)}\``).join(', ');
  return [
    '| what | where |',
    '|---|---|',
    ...databases.map(
      ({ name, kind, resourceArn, datasources }) =>
        `| database ${name} (${kind}) | \`${resourceArn}\`: ${datasources.map(({ datasource, databaseName }) => `${datasource} = ${databaseName}`).join(', ')} |`,
    ),
    ...databases.map(
      ({ name, secretArn, drSiteSecretArn }) =>
        `| credentials of ${name} | \`${secretArn}\`, and ${drSiteSecretArn === undefined ? `its replica in ${drRegion} under the same name` : `\`${drSiteSecretArn}\` at the DR site`} |`,
    ),
    ...volumes.map(
      ({ name, mountedAt, fileSystemArn }) => `| volume ${name} (\`<IS_HOME>/${mountedAt}\`) | \`${fileSystemArn}\` |`,
    ),
    ...(resources
      ? [
          `| recovery points in ${primaryRegion} | vault \`${resources.vaultName}\` |`,
          `| recovery points in ${drRegion} | vault \`${resources.siteName}\` |`,
          `| archives in ${primaryRegion} | bucket \`${resources.artifactBucket}\` |`,
        ]
      : []),
    `| archives in ${drRegion} | ${prefixes} |`,
    `| reports of drills | \`s3://${replicaBucket}/${drillsPrefix(deployment)}\` |`,
  ];
}
