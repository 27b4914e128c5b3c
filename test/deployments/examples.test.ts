// Examples are deployed to a local AWS of their own each, by `cdk deploy` as a user calls it. What the ones that import name in the account
// is not there, unless a stack changes it: they come up all the same. Not here: cdk-app and aurora, since the local AWS makes no NAT
// gateways; cloudformation/include.ts, whose template has the parameters of a stack that is there. The bin/ app and its configuration
// files are deployed in test/life.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, describe, test } from 'node:test';
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { CreateDBInstanceCommand, RDSClient, waitUntilDBInstanceAvailable } from '@aws-sdk/client-rds';
import { bootstrap } from '../../local/demo/life';
import { startLocalAws, type LocalAws } from '../../local/local-aws';

const root = join(__dirname, '../..');
// In the checkout, so that the library is found from there.
const copies = join(root, 'out/deployments');

/** An example, its Regions, and the stacks that it makes. */
const EXAMPLES = [
  ['cdk-imported/app.ts', ['eu-central-1', 'eu-west-1'], ['IdentityServerDr', 'IdentityServerRecovery']],
  ['cloudformation/outside.ts', ['eu-central-1', 'eu-west-1'], ['IdentityServerDr', 'IdentityServerRecovery']],
  ['eks/app.ts', ['us-east-1', 'us-west-2'], ['IdentityServerDr', 'IdentityServerRecovery']],
  ['several-databases/app.ts', ['eu-central-1', 'eu-west-1'], ['IdentityServerDr', 'IdentityServerRecovery']],
  [
    'shared-site/app.ts',
    ['eu-central-1', 'eu-west-1'],
    ['IdentityServerDr', 'customers-recovery', 'employees-recovery'],
  ],
  [
    'mutual-sites/app.ts',
    ['eu-central-1', 'us-east-1'],
    ['america-recovery', 'europe-recovery', 'site-eu-central-1', 'site-us-east-1'],
  ],
  [
    'partitions/app.ts',
    ['us-gov-west-1', 'us-gov-east-1', 'cn-north-1', 'cn-northwest-1'],
    ['china-dr', 'china-recovery', 'gov-dr', 'gov-recovery'],
  ],
] as const;

/** A copy with the account of the local AWS in place of the example's. */
function copyOf(file: string, account: string): string {
  const folder = join(copies, file.replaceAll('/', '-'));
  mkdirSync(folder, { recursive: true });
  cpSync(join(root, 'examples', dirname(file)), folder, { recursive: true });
  const app = join(folder, file.split('/')[1]!);
  writeFileSync(app, readFileSync(app, 'utf8').replaceAll('111122223333', account));
  return app;
}

async function createInstance(aws: LocalAws, region: string, DBInstanceIdentifier: string): Promise<void> {
  const rds = new RDSClient(aws.clientConfig(region));
  await rds.send(
    new CreateDBInstanceCommand({
      DBInstanceIdentifier,
      Engine: 'postgres',
      DBInstanceClass: 'db.t4g.micro',
      AllocatedStorage: 20,
      MasterUsername: 'wso2',
      MasterUserPassword: 'of-an-empty-database',
      BackupRetentionPeriod: 7,
    }),
  );
  await waitUntilDBInstanceAvailable({ client: rds, maxWaitTime: 300, minDelay: 1 }, { DBInstanceIdentifier });
}

async function deploy(aws: LocalAws, app: string): Promise<void> {
  const args = ['deploy', '--all', '--require-approval', 'never', '--progress', 'events', '--ci', '--no-notices'];
  const child = spawn('cdk', [...args, '--app', `node --import tsx ${app}`, '--output', join(aws.dataDir, 'cdk.out')], {
    cwd: root,
    env: aws.env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
  const [status] = (await once(child, 'close')) as [number | null];
  assert.equal(status, 0, output.slice(-6000));
}

describe('examples, deployed to the local AWS', () => {
  after(() => rmSync(copies, { recursive: true, force: true }));

  for (const [file, regions, stacks] of EXAMPLES)
    test(file, async () => {
      const aws = await startLocalAws();
      try {
        for (let index = 0; index < regions.length; index += 2)
          await bootstrap(aws, { primary: regions[index]!, dr: regions[index + 1]! });
        // Its automated backups are replicated from now on.
        if (file === 'cdk-imported/app.ts') await createInstance(aws, regions[0], 'wso2is');
        await deploy(aws, copyOf(file, aws.accountId));
        const deployed: string[] = [];
        for (const region of regions) {
          const { Stacks } = await new CloudFormationClient(aws.clientConfig(region)).send(
            new DescribeStacksCommand({}),
          );
          for (const { StackName, StackStatus } of Stacks ?? []) {
            assert.equal(StackStatus, 'CREATE_COMPLETE', StackName);
            if (StackName !== 'CDKToolkit') deployed.push(StackName!);
          }
        }
        assert.deepEqual(deployed.sort(), stacks);
      } finally {
        await aws.stop();
      }
    });
});
