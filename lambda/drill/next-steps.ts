/** What a recovery leaves to people: pure text, with the names in it. */
import type { RecoveryPlanDocument } from '../../lib/planning/plan-document';
import type { KeptRecovery } from './contract';
import { instanceClassOf } from './restored-cluster';
import type { Settings } from './settings';

/** What carries the old addresses and nobody but the user can change. */
export function notes(plan: RecoveryPlanDocument | undefined, problem: string | undefined): readonly string[] {
  const { smtp, clustering, userStore } = plan?.restoreDependencies ?? {};
  return [
    ...(problem === undefined
      ? []
      : [
          `the changes of deployment.toml are not from the restored file (${problem}): they name the sections that the product ` +
            'has; find the ones of your file',
        ]),
    ...clusterNotes(plan),
    'DNS: lead the host name of Identity Server to the load balancer in this Region; as long as the name stays, callback ' +
      'URLs, issuer and certificates stay valid',
    'if the host name changes: [server] hostname of deployment.toml, the callback URLs of every application, the issuer that ' +
      'relying parties trust, and the certificate must change with it',
    ...(clustering === undefined
      ? []
      : [
          `clustering: membership_scheme is ${clustering.membershipScheme}` +
            (clustering.members === undefined ? '' : ` with the members ${clustering.members.join(', ')}`) +
            ': it must name the servers of this Region, or they join those of the other one',
        ]),
    ...(smtp === undefined ? [] : [`mail: ${smtp.host} must be reachable from this Region`]),
    ...(userStore?.connectionUrl === undefined
      ? []
      : [`the user store ${userStore.connectionUrl} must be reachable from this Region`]),
  ];
}

/** Classes and readers are in no recovery point. */
const clusterNotes = (plan: RecoveryPlanDocument | undefined): readonly string[] =>
  (plan?.databases ?? [])
    .filter(({ kind }) => kind === 'aurora-cluster')
    .map(
      (entry) =>
        `${entry.name} has one instance of the class ${instanceClassOf(entry, 'recover')}: give the cluster the class and the ` +
        'readers that production has',
    );

export interface Left {
  readonly kept: Pick<KeptRecovery, 'databases' | 'artifacts' | 'configurationChanges'>;
  readonly settings: Pick<Settings, 'dbSecurityGroupId' | 'region'>;
  readonly deployment: string;
  readonly recoveryId: string;
  /** Components that could not be restored. */
  readonly unrestored: readonly string[];
}

/** What a restored instance may lack that production had: a standby is asked for by whoever wants one. */
function forProduction({ identifier, multiAz, backupRetentionDays }: KeptRecovery['databases'][number]): string[] {
  const modify = `aws rds modify-db-instance --db-instance-identifier ${identifier} --apply-immediately`;
  return [
    ...(multiAz === false ? [`${identifier} has no standby; where production had one: \`${modify} --multi-az\``] : []),
    ...(backupRetentionDays === 0
      ? [`RDS makes no automated backups of ${identifier}: \`${modify} --backup-retention-period 7\``]
      : []),
  ];
}

/** In the order in which they are done. */
export function nextSteps({ kept, settings, deployment, recoveryId, unrestored }: Left): readonly string[] {
  const { databases, artifacts, configurationChanges } = kept;
  if (databases.length === 0 && artifacts === undefined) {
    return ['nothing was restored: remove the cause, which the report names first, and start the recovery again'];
  }
  return [
    ...(unrestored.length === 0
      ? []
      : [
          `${unrestored.join(', ')} could not be restored: remove the cause and start the recovery again; it restores ` +
            `everything anew, and what carries the id ${recoveryId} can be deleted then`,
        ]),
    ...(databases.length === 0
      ? []
      : [
          `allow the servers of Identity Server in the security group ${settings.dbSecurityGroupId}: until then only the check ` +
            'function reaches the restored databases',
        ]),
    ...(artifacts?.volumes ?? []).map(
      ({ path, mountedAt }) =>
        `mount ${path} of file system ${artifacts?.fileSystemId} at ${mountedAt === '' ? '<IS_HOME>' : `<IS_HOME>/${mountedAt}`}`,
    ),
    ...(configurationChanges.length === 0
      ? []
      : [`make the ${configurationChanges.length} changes of deployment.toml, which the report lists`]),
    ...databases.flatMap(forProduction),
    'start one server, sign in, and issue a token, before the others are started',
    'lead DNS to it',
    `protect what now is production: deploy IdentityServerRecovery of ${deployment} in ${settings.region}, with another Region ` +
      'as its DR site',
  ];
}
