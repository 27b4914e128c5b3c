/**
 * Runs in a process of its own, which is what a synth is: plans or synthesizes once, cold, and prints how long it took as
 * JSON. Argument: `plan`, `planning` (all that the plan needs of a synth), `without` or `with` (the recovery).
 */
import { App, Duration, Stack } from 'aws-cdk-lib';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { anyTwoZones, IdentityServerStack } from '../../bin/sample/identity-server-stack';
import {
  DeploymentToml,
  IdentityServerRecovery,
  ProtectedDatabase,
  RecoveryObjectives,
  RecoverySite,
  Volume,
} from '../../lib';
import { coverage } from '../../lib/databases/coverage';
import { plan } from '../../lib/planning/plan';
import { planTable } from '../../lib/planning/plan-table';

const HOUR = 3600;
const account = '111111111111';

const subjects: Readonly<Record<string, () => void>> = {
  /** More than most have: ten databases and four volumes. */
  plan: () => {
    const { lines } = plan({
      objectives: {
        inRegion: { rpoSeconds: HOUR, rtoSeconds: 4 * HOUR },
        drSite: { rpoSeconds: 6 * HOUR, rtoSeconds: 8 * HOUR },
      },
      databases: Array.from({ length: 10 }, (_, index) => ({
        name: `database${index}`,
        kind: 'rds-instance' as const,
      })),
      volumes: Array.from({ length: 4 }, (_, index) => ({ name: `volume${index}` })),
    });
    // Both sites of every component, or what was measured is not planning.
    const promises = lines.filter(({ purpose }) => purpose === 'promise').length;
    if (promises !== 28) throw new Error(`planned ${promises} promises instead of 28`);
  },
  /** What a synth does for the plan's sake: the file read, databases matched, planned, and the table of it drawn. */
  planning: () => {
    const { databases } = DeploymentToml.fromFile(process.argv[3]!);
    const { problems } = coverage(databases, [
      { name: 'database', datasources: databases.map(({ datasource }) => datasource), hostnames: [] },
    ]);
    if (problems.length > 0) throw new Error(problems.join(', '));
    const planned = plan({
      objectives: {
        inRegion: { rpoSeconds: HOUR, rtoSeconds: 4 * HOUR },
        drSite: { rpoSeconds: 6 * HOUR, rtoSeconds: 8 * HOUR },
      },
      databases: [{ name: 'database', kind: 'rds-instance' }],
      volumes: [{ name: 'repository' }],
    });
    if (!planTable(planned).includes('backup-copy')) throw new Error('nothing was drawn');
  },
  without: () => synthesize(() => {}),
  with: () =>
    synthesize((app, stack) => {
      const deployment = DeploymentToml.fromFile(process.argv[3]!);
      const drStack = new TwoZones(app, 'RecoverySite', { env: { account, region: 'eu-west-1' } });
      new IdentityServerRecovery(stack, 'Recovery', {
        deployment,
        databases: [
          ProtectedDatabase.fromInstance(stack.database, {
            datasources: deployment.databases.map(({ datasource }) => datasource),
            credentials: stack.database.secret!,
          }),
        ],
        volumes: [Volume.fromAccessPoint(stack.repository, { mountedAt: 'repository' })],
        vpc: stack.vpc,
        objectives: RecoveryObjectives.of({
          rpo: Duration.hours(1),
          rto: Duration.hours(4),
          drSite: { rpo: Duration.hours(6), rto: Duration.hours(8) },
        }),
        site: new RecoverySite(drStack, 'RecoverySite'),
      });
    }),
};

class TwoZones extends Stack {
  public override get availabilityZones(): string[] {
    return anyTwoZones();
  }
}

function synthesize(add: (app: App, stack: IdentityServerStack) => void): void {
  const outdir = mkdtempSync(join(tmpdir(), 'bench-synth-'));
  try {
    const app = new App({ outdir });
    const stack = new IdentityServerStack(app, 'IdentityServer', { env: { account, region: 'eu-central-1' } });
    add(app, stack);
    app.synth();
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
}

const time = (subject: () => void): number => {
  const started = performance.now();
  subject();
  return performance.now() - started;
};
const subject = subjects[process.argv[2]!]!;
const cold = time(subject);
process.stdout.write(JSON.stringify({ cold, warm: time(subject) }));
