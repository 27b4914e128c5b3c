import assert from 'node:assert/strict';
import { it } from 'node:test';
import { REGIONS } from '../../local/demo/configuration';
import type { Deployed } from '../../local/demo/deployed';
import type { LocalAws, PermissionUse } from '../../local/local-aws';
import { runAll } from './scheduled';

interface State {
  readonly aws: LocalAws;
  readonly deployed: Deployed;
}

/** `RecoverySite Drill` of `RecoverySite-RecoverySiteDrillServiceRoleD654D4F4-9E8DB5030062E`. */
const shortName = (role: string) =>
  role.replace(/^(\w+?)-(?:RecoverySite|Recovery)?(\w+?)(?:Function)?(?:ServiceR|Custom).*$/, '$1 $2');

/** What the life does not need, and why it is there all the same. Whatever else is not needed is there for nothing. */
const NOT_NEEDED: readonly (readonly [permission: RegExp, reason: string])[] = [
  [/ rds:(Describe|Delete|Restore)DBCluster|rds:DescribeDBClusterAutomatedBackups/, 'Aurora: needed in its own life'],
  [/ rds:CreateDBInstance$/, 'instances of restored Aurora clusters'],
  [
    /^RecoverySite Drill rds:(DescribeDBInstanceAutomatedBackups|RestoreDBInstanceToPointInTime)$/,
    'replicated automated backups: needed in their own life',
  ],
  [
    /^IdentityServer InRegionDrill rds:RestoreDBInstanceToPointInTime$/,
    'automated backups of the Region itself: off in this life',
  ],
  [/ rds:Delete(DBInstance|DBCluster)AutomatedBackup$/, 'asked for by RDS where the backups go with what is deleted'],
  [
    / kms:(Decrypt|DescribeKey|GenerateDataKey|GenerateDataKeyWithoutPlaintext|CreateGrant|GenerateDataKey\*)$/,
    'asked for by RDS and SNS in the name of the caller: nothing is encrypted on the local AWS',
  ],
  [/ InRegionDrill lambda:GetDurableExecution$/, 'two drills at once: tried at the DR site, with the same code'],
  [/Restore s3:ListBucket$/, 'without it S3 says of what is missing that it may not be read'],
  [/DriftWatch (sns:Publish|s3:PutObject)$/, 'when there is drift: none in this life'],
  [/DrillWatch s3:PutObject$/, 'since when it watches: noted where there was no drill yet'],
  [/ kms:ScheduleKeyDeletion$/, 'when the stack is deleted'],
];

/** `RecoverySite Drill iam:PassRole` */
export const shortPermission = ({ role, action }: Pick<PermissionUse, 'role' | 'action'>) =>
  `${shortName(role)} ${action}`;

/** Lets the functions that schedules start do their work once, in both Regions. */
async function runWatches({ aws }: State): Promise<void> {
  for (const region of [REGIONS.primary, REGIONS.dr]) await runAll(aws, region, /(Point|Drift|Drill)Watch/);
}

/** At the end. */
export function describePermissions(stateOf: () => State): void {
  void it('no call of a function was denied', async () => {
    const calls = await stateOf().aws.calls();
    const checks = calls.flatMap(({ checks = [] }) => checks);
    assert.ok(checks.length > 1000, `${checks.length}`);
    assert.deepEqual(checks.filter(({ allowed }) => !allowed).map(shortPermission), []);
  });

  void it('no permission of a function is there for nothing, but for those with a reason', async () => {
    const uses = await stateOf().aws.permissions();
    assert.ok(uses.filter(({ needed }) => needed).length > 60, JSON.stringify(uses));
    const unneeded = [...new Set(uses.filter(({ needed }) => !needed).map(shortPermission))];
    const reasonOf = (permission: string) => NOT_NEEDED.find(([pattern]) => pattern.test(permission));
    assert.deepEqual(unneeded.filter((permission) => !reasonOf(permission)).sort(), []);
    // A reason for nothing is none.
    assert.deepEqual(
      NOT_NEEDED.filter(([pattern]) => !unneeded.some((permission) => pattern.test(permission))),
      [],
    );
  });
}

export const describeWatches = (stateOf: () => State): void =>
  void it('the functions that watch do so once in each Region', () => runWatches(stateOf()));
