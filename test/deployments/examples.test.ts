// Examples are deployed to a local AWS of their own each, by `cdk deploy` as a user calls it. What the ones that import name in the account
// is not there, unless a stack changes it: they come up all the same. Python's and Java's write the templates of cdk-app (test/packages).
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, describe, test } from 'node:test';
import {
  CloudFormationClient,
  CreateStackCommand,
  DescribeStacksCommand,
  ListStackResourcesCommand,
  waitUntilStackCreateComplete,
} from '@aws-sdk/client-cloudformation';
import { CreateDBInstanceCommand, RDSClient, waitUntilDBInstanceAvailable } from '@aws-sdk/client-rds';
import { bootstrap } from '../../local/demo/life';
import { startLocalAws, type LocalAws } from '../../local/local-aws';
import { noMariaDb } from '../lambda/check/mariadb-server';
import { asAccount } from '../local/as-account';
import { createStack, outputsOf } from '../local/stack';

const root = join(__dirname, '../..');
// In the checkout, so that the library is found from there.
const copies = join(root, 'out/deployments');

interface Example {
  readonly file: string;
  readonly regions: readonly string[];
  /** What is deployed, by name. */
  readonly stacks: readonly string[];
  /** Those of another account: the one of the example. */
  readonly elsewhere?: { readonly account: string; readonly stacks: readonly string[] };
  /** Needs a server of MySQL's kind. */
  readonly mysql?: boolean;
  /** Makes what has to be there before; returns what must be the same afterwards. */
  readonly before?: (aws: LocalAws, region: string) => Promise<unknown>;
  /** Reads that again. */
  readonly same?: (aws: LocalAws, region: string) => Promise<unknown>;
}

const EUROPE = ['eu-central-1', 'eu-west-1'];

const EXAMPLES: readonly Example[] = [
  { file: 'cdk-app/app.ts', regions: EUROPE, stacks: ['IdentityServer', 'IdentityServerDr'], mysql: true },
  {
    file: 'cdk-imported/app.ts',
    regions: EUROPE,
    stacks: ['IdentityServerDr', 'IdentityServerRecovery'],
    // Its automated backups are replicated from now on.
    before: (aws, region) => createInstance(aws, region, 'wso2is'),
  },
  {
    file: 'cloudformation/include.ts',
    regions: EUROPE,
    stacks: ['IdentityServerDr', 'network', 'wso2is'],
    mysql: true,
    before: createIncludedStack,
    same: includedResources,
  },
  { file: 'cloudformation/outside.ts', regions: EUROPE, stacks: ['IdentityServerDr', 'IdentityServerRecovery'] },
  { file: 'configuration-file/recovery.toml', regions: EUROPE, stacks: ['IdentityServerRecovery', 'RecoverySite'] },
  { file: 'eks/app.ts', regions: ['us-east-1', 'us-west-2'], stacks: ['IdentityServerDr', 'IdentityServerRecovery'] },
  { file: 'several-databases/app.ts', regions: EUROPE, stacks: ['IdentityServerDr', 'IdentityServerRecovery'] },
  { file: 'aurora/app.ts', regions: EUROPE, stacks: ['IdentityServer', 'IdentityServerDr'] },
  {
    file: 'shared-site/app.ts',
    regions: EUROPE,
    stacks: ['IdentityServerDr', 'customers-recovery', 'employees-recovery'],
  },
  {
    file: 'other-account/app.ts',
    regions: EUROPE,
    stacks: ['IdentityServerRecovery'],
    elsewhere: { account: '444455556666', stacks: ['IdentityServerDr'] },
  },
  {
    file: 'mutual-sites/app.ts',
    regions: ['eu-central-1', 'us-east-1'],
    stacks: ['america-recovery', 'europe-recovery', 'site-eu-central-1', 'site-us-east-1'],
  },
  {
    file: 'partitions/app.ts',
    regions: ['us-gov-west-1', 'us-gov-east-1', 'cn-north-1', 'cn-northwest-1'],
    stacks: ['china-dr', 'china-recovery', 'gov-dr', 'gov-recovery'],
  },
];

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

/** The stack that cloudformation/include.ts goes on with: out of its template, knowing nothing of the CDK. */
async function createIncludedStack(aws: LocalAws, region: string): Promise<unknown> {
  const subnet = (zone: string, CidrBlock: string) => ({
    Type: 'AWS::EC2::Subnet',
    Properties: { VpcId: { Ref: 'Vpc' }, CidrBlock, AvailabilityZone: `${region}${zone}` },
  });
  const network = {
    Vpc: { Type: 'AWS::EC2::VPC', Properties: { CidrBlock: '10.7.0.0/16' } },
    A: subnet('a', '10.7.0.0/24'),
    B: subnet('b', '10.7.1.0/24'),
  };
  const outputs = { VpcId: { Ref: 'Vpc' }, PrivateSubnet1: { Ref: 'A' }, PrivateSubnet2: { Ref: 'B' } };
  await createStack(aws, region, 'network', network, outputs);
  const parameters = { ...(await outputsOf(aws, region, 'network')), ImageId: 'ami-0123456789abcdef0' };
  const client = new CloudFormationClient(aws.clientConfig(region));
  await client.send(
    new CreateStackCommand({
      StackName: 'wso2is',
      TemplateBody: readFileSync(join(root, 'examples/cloudformation/template.yaml'), 'utf8'),
      Parameters: Object.entries({ ...parameters, DBPassword: 'of-an-empty-database' }).map(
        ([ParameterKey, ParameterValue]) => ({ ParameterKey, ParameterValue }),
      ),
    }),
  );
  await waitUntilStackCreateComplete({ client, maxWaitTime: 120, minDelay: 1 }, { StackName: 'wso2is' });
  const before = await includedResources(aws, region);
  assert.equal(Object.keys(before).length, 10);
  return before;
}

/** What the template made, by logical id: what takes the place of another has another id. */
async function includedResources(aws: LocalAws, region: string): Promise<Record<string, string>> {
  const template = readFileSync(join(root, 'examples/cloudformation/template.yaml'), 'utf8');
  const client = new CloudFormationClient(aws.clientConfig(region));
  const { StackResourceSummaries } = await client.send(new ListStackResourcesCommand({ StackName: 'wso2is' }));
  return Object.fromEntries(
    StackResourceSummaries!
      .map((each) => [each.LogicalResourceId!, each.PhysicalResourceId!] as const)
      .filter(([id]) => new RegExp(`^  ${id}:$`, 'm').test(template))
      .sort(),
  );
}

async function deploy(aws: LocalAws, app: string, stacks = ['--all']): Promise<void> {
  const args = ['deploy', ...stacks, '--require-approval', 'never', '--progress', 'events', '--ci', '--no-notices'];
  args.push('--output', join(aws.dataDir, 'cdk.out'));
  // A configuration file is read by the app of cdk.json.
  args.push(...(app.endsWith('.toml') ? ['--context', `config=${app}`] : ['--app', `node --import tsx ${app}`]));
  const child = spawn('cdk', args, { cwd: root, env: aws.env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
  const [status] = (await once(child, 'close')) as [number | null];
  assert.equal(status, 0, output.slice(-6000));
}

/** Names of the stacks that are complete, of all Regions. */
async function completeStacks(aws: LocalAws, regions: readonly string[]): Promise<string[]> {
  const names: string[] = [];
  for (const region of regions) {
    const { Stacks } = await new CloudFormationClient(aws.clientConfig(region)).send(new DescribeStacksCommand({}));
    for (const { StackName, StackStatus } of Stacks ?? []) {
      assert.match(StackStatus!, /^(CREATE|UPDATE)_COMPLETE$/, StackName);
      if (StackName !== 'CDKToolkit') names.push(StackName!);
    }
  }
  return names.sort();
}

// Two at a time: the CLI waits more than it works.
describe('examples, deployed to the local AWS', { concurrency: 2 }, () => {
  after(() => rmSync(copies, { recursive: true, force: true }));

  for (const { file, regions, stacks, elsewhere, mysql, before, same } of EXAMPLES)
    test(file, { skip: mysql && noMariaDb }, async () => {
      const aws = await startLocalAws();
      try {
        for (let index = 0; index < regions.length; index += 2)
          await bootstrap(aws, { primary: regions[index]!, dr: regions[index + 1]! });
        const earlier = await before?.(aws, regions[0]!);
        const app = copyOf(file, aws.accountId);
        if (elsewhere) {
          const there = asAccount(aws, elsewhere.account);
          await bootstrap(there, { primary: regions[0]!, dr: regions[1]! });
          await deploy(there, app, [...elsewhere.stacks, '--exclusively']);
          assert.deepEqual(await completeStacks(there, regions), elsewhere.stacks);
        }
        await deploy(aws, app, elsewhere && [...stacks, '--exclusively']);
        assert.deepEqual(await completeStacks(aws, regions), stacks);
        assert.deepEqual(await same?.(aws, regions[0]!), earlier);
      } finally {
        await aws.stop();
      }
    });
});
