// Each permission that a function needs, taken away in turn: what needs it fails, and says so. None is there for nothing.
// Drills take seconds each: all but two of theirs are in the soak.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { GetFunctionConfigurationCommand, InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import {
  DeleteDBInstanceCommand,
  DescribeDBInstancesCommand,
  DescribeDBSnapshotsCommand,
  RDSClient,
  RestoreDBInstanceFromDBSnapshotCommand,
} from '@aws-sdk/client-rds';
import { DRILL_TAG } from '../../lib/private/bucket-layout';
import { REGIONS } from '../../local/demo/configuration';
import { type Deployed } from '../../local/demo/deployed';
import { drillResult, exportArtifacts, startDrill } from '../../local/demo/life';
import { type LocalAws, type PermissionUse, startLocalAws } from '../../local/local-aws';
import { eventually } from '../local/stack';
import { SOAK } from '../soak';
import { shortPermission } from './permissions';
import { QUICK } from './quick';
import { deploySample, takeRecoverySet } from './sample';
import { functionsOf, invokeWith, runOnce } from './scheduled';

const { primary, dr } = REGIONS;

/** As AWS Backup puts it on the event bus. */
const FAILED_JOB = {
  'detail-type': 'Backup Job State Change',
  region: primary,
  time: '2026-11-27T06:00:00Z',
  detail: {
    state: 'FAILED',
    resourceArn: 'arn:aws:rds:eu-central-1:123456789012:db:identity',
    backupVaultName: 'vault',
  },
};

void describe('permissions taken away', { timeout: SOAK ? 3_600_000 : 600_000 }, () => {
  let aws: LocalAws;
  let deployed: Deployed;

  before(async () => {
    aws = await startLocalAws({ durations: QUICK });
    const drillTable = { schedule: 'rate(7 days)', in_region: true, in_region_schedule: 'rate(7 days)' };
    deployed = await deploySample(aws, { tables: { drill: drillTable, row_counts: {} } });
    await takeRecoverySet(aws, deployed);
  });
  after(() => aws?.stop());

  interface Work {
    readonly what: string;
    /** Short names of the roles whose permissions it needs. */
    readonly roles: RegExp;
    /** @returns what went wrong; undefined: it went as if nothing was missing */
    readonly run: () => Promise<string | undefined>;
    /** Before each run, while nothing is missing. */
    readonly prepare?: () => Promise<void>;
    readonly atLeast: number;
    readonly slow?: true;
  }

  const one = async (region: string, pattern: RegExp) => {
    const [name, ...more] = await functionsOf(aws, region, pattern);
    assert.ok(name !== undefined && more.length === 0, `${name} ${more.join(' ')}`);
    return name;
  };
  const scheduled = (region: string, pattern: RegExp) => async () => runOnce(aws, region, await one(region, pattern));
  /** What the watch could not see it says in its answer: one component hides no other. */
  const looks = (region: string) => async () => {
    const { error, answer } = await invokeWith(aws, region, await one(region, /PointWatch/));
    return error ?? (/"unseen": ?"[^"]+"/.exec(answer) ?? [])[0];
  };
  const tells = (region: string) => async () => {
    const { FunctionError, Payload = [] } = await new LambdaClient(aws.clientConfig(region)).send(
      new InvokeCommand({ FunctionName: await one(region, /MessagesFunction/), Payload: JSON.stringify(FAILED_JOB) }),
    );
    return FunctionError && Buffer.from(Payload).toString();
  };
  /** A drill at the DR site, or of the primary Region's own drill function. */
  const drills = (region: string) => async () => {
    const drill =
      region === dr ? deployed.drill : { ...deployed.drill, functionName: await one(region, /in-region-drill/) };
    const there = { ...deployed, drill, regions: { ...deployed.regions, dr: region } };
    const result = await drillResult(aws, there, await startDrill(aws, there)).catch((error: Error) => error);
    await removeInstances(region);
    if (result instanceof Error) return result.message;
    if (result.outcome !== 'REPORTED') return result.outcome;
    // What only cleans up fails no verdict: the report says what is left, and why.
    if (!result.cleanUp.complete) return result.cleanUp.leftBehind.join('\n');
    return result.verdict === 'FAILED' ? result.causes.join('\n') : undefined;
  };

  /** What a drill left that died long ago. */
  async function leaveInstance(): Promise<void> {
    const DBInstanceIdentifier = 'drill-20260101t000000-0a1b2c3d-1-database';
    const rds = new RDSClient(aws.clientConfig(dr));
    const { Environment } = await new LambdaClient(aws.clientConfig(dr)).send(
      new GetFunctionConfigurationCommand({ FunctionName: await one(dr, /SiteReaper/) }),
    );
    const { DBSnapshots = [] } = await rds.send(new DescribeDBSnapshotsCommand({}));
    await rds.send(
      new RestoreDBInstanceFromDBSnapshotCommand({
        DBInstanceIdentifier,
        DBSnapshotIdentifier: DBSnapshots[0]!.DBSnapshotIdentifier,
        DBSubnetGroupName: Environment!.Variables!.DB_SUBNET_GROUP,
        Tags: [{ Key: DRILL_TAG, Value: 'drill-20260101t000000-0a1b2c3d' }],
      }),
    );
    await eventually('the instance', async () => {
      const { DBInstances } = await rds.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier }));
      return DBInstances?.[0]?.DBInstanceStatus === 'available' || undefined;
    });
  }
  const reaps = async () => {
    const { error, answer } = await invokeWith(aws, dr, await one(dr, /SiteReaper/));
    await removeInstances(dr);
    return error ?? (/"removed": ?\["DB instance drill-2026/.test(answer) ? undefined : answer);
  };

  /** The port is that of deployment.toml, which on the local AWS no server has. */
  const counts = async () => {
    const name = await one(primary, /RowCount/);
    const withPort = (input: string) => input.replace('"port":5432', `"port":${deployed.databases[0]!.server.port}`);
    return (await invokeWith(aws, primary, name, withPort)).error;
  };

  const WORKS: readonly Work[] = [
    {
      what: 'export',
      roles: /^IdentityServer Exportrepository(Run)? /,
      run: () =>
        exportArtifacts(aws, deployed).then(
          () => undefined,
          (error: Error) => error.message,
        ),
      atLeast: 6,
    },
    { what: 'watch of points', roles: /^IdentityServer PointWatch /, run: looks(primary), atLeast: 5 },
    { what: 'watch of points at the DR site', roles: /^RecoverySite PointWatch /, run: looks(dr), atLeast: 4 },
    { what: 'watch of drift', roles: /^IdentityServer DriftWatch /, run: scheduled(primary, /DriftWatch/), atLeast: 5 },
    { what: 'watch of drills', roles: /^RecoverySite DrillWatch /, run: scheduled(dr, /DrillWatch/), atLeast: 3 },
    { what: 'messages', roles: /^IdentityServer Messages /, run: tells(primary), atLeast: 1 },
    { what: 'messages of the DR site', roles: /^RecoverySite Messages /, run: tells(dr), atLeast: 1 },
    { what: 'count of rows', roles: /^IdentityServer RowCount /, run: counts, atLeast: 2 },
    { what: 'reaper', roles: /^RecoverySite Reaper /, prepare: leaveInstance, run: reaps, atLeast: 6 },
    {
      what: 'drill',
      roles: /^RecoverySite (Drill|Check|Restore) /,
      run: drills(dr),
      atLeast: 15,
      slow: true,
    },
    {
      what: 'drill in the primary Region',
      roles: /^IdentityServer InRegion(Drill|Check|Restore) /,
      run: drills(primary),
      atLeast: 15,
      slow: true,
    },
  ];
  /** Of what is slow, those that are taken outside of the soak. */
  const TAKEN_HERE =
    /^(RecoverySite|IdentityServer) (InRegion)?Drill (backup:StartRestoreJob|iam:PassRole|rds:DeleteDBInstance)$/;

  for (const { what, roles, prepare = async () => {}, run, atLeast, slow } of WORKS) {
    const prepared = async () => {
      await prepare();
      return run();
    };
    void it(`each that ${what} needs`, async () => {
      assert.equal(await prepared(), undefined);
      // Once more: some are needed by the second time alone.
      assert.equal(await prepared(), undefined);
      const needed = (await aws.permissions()).filter((use) => use.needed && roles.test(shortPermission(use)));
      assert.ok(needed.length >= atLeast, needed.map(shortPermission).join('\n'));
      const taken = slow && !SOAK ? needed.filter((use) => TAKEN_HERE.test(shortPermission(use))) : needed;
      assert.ok(taken.length >= Math.min(2, atLeast));
      const wrong: string[] = [];
      for (const use of taken) {
        const permission = shortPermission(use);
        await prepare();
        const failure = await withheld(use, run);
        if (failure === undefined) wrong.push(`${permission}: nothing fails without it`);
        else if (!saysSo(failure, use)) wrong.push(`${permission}: ${failure}`);
      }
      assert.deepEqual(wrong, []);
      assert.equal(await prepared(), undefined);
    });
  }

  /** People must find what to allow. Of a key and of another function AWS says it in words of its own. */
  const saysSo = (failure: string, { action }: PermissionUse) =>
    failure.includes(action) || /access ?denied|not authorized|Forbidden/i.test(failure);

  async function withheld<T>({ role, action }: PermissionUse, work: () => Promise<T>): Promise<T> {
    // What was mounted, and what KMS said, a warm function knows.
    await aws.coolDown();
    await aws.addFault({ kind: 'permission-withheld', match: `${role} ${action}` });
    try {
      return await work();
    } finally {
      await aws.clearFaults();
    }
  }

  /** What a drill left that could not clean up. */
  async function removeInstances(region: string): Promise<void> {
    const rds = new RDSClient(aws.clientConfig(region));
    for (;;) {
      const { DBInstances = [] } = await rds.send(new DescribeDBInstancesCommand({}));
      const left = DBInstances.filter(({ DBInstanceIdentifier }) => DBInstanceIdentifier!.startsWith('drill-'));
      if (left.length === 0) return;
      for (const { DBInstanceIdentifier, DBInstanceStatus } of left) {
        if (DBInstanceStatus !== 'available') continue;
        await rds.send(new DeleteDBInstanceCommand({ DBInstanceIdentifier, SkipFinalSnapshot: true }));
      }
      await sleep(100);
    }
  }
});
