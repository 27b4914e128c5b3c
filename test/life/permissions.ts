import assert from 'node:assert/strict';
import { it } from 'node:test';
import { DeleteDBInstanceCommand, DescribeDBInstancesCommand, RDSClient } from '@aws-sdk/client-rds';
import { setTimeout as sleep } from 'node:timers/promises';
import { REGIONS } from '../../local/demo/configuration';
import type { Deployed } from '../../local/demo/deployed';
import { drillResult, exportArtifacts, startDrill } from '../../local/demo/life';
import type { LocalAws, PermissionUse } from '../../local/local-aws';
import { SOAK } from '../soak';
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
  [
    / rds:(Describe|Delete|Restore)DBCluster|rds:DescribeDBClusterAutomatedBackups/,
    'Aurora: no clusters on the local AWS',
  ],
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

const PERMISSION_OF = ({ role, action }: Pick<PermissionUse, 'role' | 'action'>) => `${shortName(role)} ${action}`;

/** Lets the functions that schedules start do their work once, in both Regions. */
async function runWatches({ aws }: State): Promise<void> {
  for (const region of [REGIONS.primary, REGIONS.dr]) await runAll(aws, region, /(Point|Drift|Drill)Watch/);
}

/** What is taken away outside of the soak. */
const TAKEN_HERE = [
  'IdentityServer Exportrepository s3:PutObject',
  'IdentityServer ExportrepositoryRun kms:GenerateMac',
  'RecoverySite Drill backup:StartRestoreJob',
  'RecoverySite Drill iam:PassRole',
];

/** What was taken away in this life: these denials alone are meant to be. */
const taken = new Set<string>();

async function withheld<T>({ aws }: State, use: PermissionUse, work: () => Promise<T>): Promise<T> {
  const { role, action } = use;
  taken.add(PERMISSION_OF(use));
  await aws.addFault({ kind: 'permission-withheld', match: `${role} ${action}` });
  try {
    return await work();
  } finally {
    await aws.clearFaults();
  }
}

/** What a drill left that could not clean up. */
async function removeInstances({ aws }: State): Promise<void> {
  const rds = new RDSClient(aws.clientConfig(REGIONS.dr));
  for (;;) {
    const { DBInstances = [] } = await rds.send(new DescribeDBInstancesCommand({}));
    if (DBInstances.length === 0) return;
    for (const { DBInstanceIdentifier, DBInstanceStatus } of DBInstances) {
      if (DBInstanceStatus !== 'available') continue;
      await rds.send(new DeleteDBInstanceCommand({ DBInstanceIdentifier, SkipFinalSnapshot: true }));
    }
    await sleep(100);
  }
}

/** Before the primary Region is lost: permissions are taken away, and what needs them fails and says so. */
export function describeWithheldPermissions(stateOf: () => State): void {
  const permission = async (wanted: string) => {
    const found = (await stateOf().aws.permissions()).find((each) => each.needed && PERMISSION_OF(each) === wanted);
    assert.ok(found, `no call needed ${wanted}`);
    return found;
  };

  for (const wanted of [
    'IdentityServer Exportrepository s3:PutObject',
    'IdentityServer ExportrepositoryRun kms:GenerateMac',
  ]) {
    void it(`without ${wanted} no export succeeds`, async () => {
      const state = stateOf();
      const missing = await permission(wanted);
      await withheld(state, missing, () =>
        assert.rejects(exportArtifacts(state.aws, state.deployed), (error: Error) => {
          assert.ok(error.message.includes(missing.action), error.message);
          assert.match(error.message, /not authorized|access denied/);
          return true;
        }),
      );
    });
  }

  for (const wanted of ['RecoverySite Drill backup:StartRestoreJob', 'RecoverySite Drill iam:PassRole']) {
    void it(`without ${wanted} no drill passes`, async () => {
      const state = stateOf();
      const missing = await permission(wanted);
      const result = await withheld(state, missing, async () =>
        drillResult(state.aws, state.deployed, await startDrill(state.aws, state.deployed)),
      );
      assert.ok(result.outcome === 'REPORTED' && result.verdict === 'FAILED');
      assert.match(result.causes.join('\n'), new RegExp(`not authorized to perform: ${missing.action}`));
      assert.ok(result.cleanUp.complete);
    });
  }

  void it('each permission that drills need, taken away: none passes', { skip: !SOAK && 'in the soak' }, async () => {
    const state = stateOf();
    const needed = (await state.aws.permissions()).filter(
      (each) => each.needed && /^RecoverySite (Drill|Check|Restore) (?!elasticfilesystem)/.test(PERMISSION_OF(each)),
    );
    assert.ok(needed.length >= 15, needed.map(PERMISSION_OF).join('\n'));
    const passed: string[] = [];
    for (const missing of needed) {
      const outcome = await withheld(state, missing, async () =>
        drillResult(state.aws, state.deployed, await startDrill(state.aws, state.deployed)),
      ).catch((error: Error) => error);
      if (!(outcome instanceof Error) && outcome.outcome === 'REPORTED' && outcome.verdict === 'PASSED') {
        passed.push(PERMISSION_OF(missing));
      }
      await removeInstances(state);
    }
    assert.deepEqual(passed, []);
  });
}

/** At the end. */
export function describePermissions(stateOf: () => State): void {
  void it('no call of a function was denied that was not meant to be', async () => {
    const calls = await stateOf().aws.calls();
    const checks = calls.flatMap(({ checks = [] }) => checks);
    assert.ok(checks.length > 1000, `${checks.length}`);
    const denied = new Set(checks.filter(({ allowed }) => !allowed).map(PERMISSION_OF));
    if (!SOAK) assert.deepEqual([...taken].sort(), TAKEN_HERE);
    assert.ok(taken.size >= TAKEN_HERE.length, [...taken].join());
    assert.deepEqual([...denied].sort(), [...taken].sort());
  });

  void it('no permission of a function is there for nothing, but for those with a reason', async () => {
    const uses = await stateOf().aws.permissions();
    assert.ok(uses.filter(({ needed }) => needed).length > 60, JSON.stringify(uses));
    const unneeded = [...new Set(uses.filter(({ needed }) => !needed).map(PERMISSION_OF))];
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
