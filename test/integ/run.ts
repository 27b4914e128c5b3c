/**
 * `npm run integ`: the sample and its recovery in two Regions of the account whose credentials are in use. Deploys, takes a recovery set,
 * drills, looks at the verdict, and takes everything away again, recovery points included. Exit status 0: all of it went as expected.
 *
 * The sample is empty, as nobody fills it: its drill is expected to restore both components, to clean up, and to say FAILED for what
 * an identity server would have brought, and for nothing else.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'smol-toml';
import {
  BackupClient,
  DeleteRecoveryPointCommand,
  paginateListRecoveryPointsByBackupVault,
} from '@aws-sdk/client-backup';
import {
  CloudFormationClient,
  DescribeStacksCommand,
  type DescribeStacksCommandOutput,
} from '@aws-sdk/client-cloudformation';
import type { DrillReport } from '../../lambda/drill/contract';

const root = join(__dirname, '../..');
const configuration = 'test/integ/recovery.toml';
const { name, regions, site } = parse(readFileSync(join(root, configuration), 'utf8')) as unknown as {
  readonly name: string;
  readonly site: { readonly name: string };
  readonly regions: { readonly primary: string; readonly dr: string };
};

/** What a drill of an empty sample finds wrong: of the two databases of its instance one is there, without a table; no file is. */
const EXPECTED_CAUSES = [
  /^database: tables-present: identity_db: database identity_db lacks 10 of the 10 tables/,
  /: database "shared_db" does not exist$/,
  /^repository: [a-z-]+: repository\/conf\/deployment\.toml is not among the restored files/,
  /^repository: keystores-present: 2 of 2 keystores cannot be used: \S+ \(primary\) is missing, \S+ \(truststore\) is missing/,
];

function call(command: string, args: readonly string[], expected: readonly number[] = [0]): string {
  console.log(`$ ${[command, ...args].join(' ')}`);
  const { status, stdout, error } = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 64 * 1024 ** 2,
  });
  if (error) throw error;
  if (!expected.includes(status!)) throw new Error(`${command} ${args[0]} ended with ${status}:\n${stdout}`);
  return stdout;
}

const cdk = (...args: string[]) =>
  call('cdk', [...args, '--all', '--context', `config=${configuration}`, '--output', 'out/integ/cdk.out']);
const OUR_COMMAND = ['--import', 'tsx', 'bin/wso2is-recovery.ts'];
const recovery = (expected: readonly number[], ...args: string[]) =>
  call(
    process.execPath,
    [...OUR_COMMAND, ...args, '--region', regions.dr, '--site-name', site.name, '--deployment', name, '--json'],
    expected,
  );

const STACKS = [
  { stack: 'IdentityServer', region: regions.primary, vault: 'Vault' },
  { stack: 'RecoverySite', region: regions.dr, vault: 'DrVault' },
] as const;

async function outputsOf(stack: string, region: string): Promise<Record<string, string> | undefined> {
  const client = new CloudFormationClient({ region });
  const { Stacks = [] } = await client
    .send(new DescribeStacksCommand({ StackName: stack }))
    .catch((error: Error): Partial<DescribeStacksCommandOutput> => {
      if (/does not exist/.test(error.message)) return {};
      throw error;
    });
  const [found] = Stacks;
  return found && Object.fromEntries((found.Outputs ?? []).map((each) => [each.OutputKey!, each.OutputValue!]));
}

/** They would be taken away in the end. */
async function refuseStacksThatAreThere(): Promise<void> {
  for (const { stack, region } of STACKS)
    if (await outputsOf(stack, region))
      throw new Error(
        `a stack ${stack} is in ${region} already: destroy it, or take another account; nothing was done`,
      );
}

/** AWS deletes no vault that holds recovery points. */
async function emptyVaults(): Promise<void> {
  for (const { stack, region, vault } of STACKS) {
    const BackupVaultName = (await outputsOf(stack, region))?.[vault];
    if (BackupVaultName === undefined) continue;
    const client = new BackupClient({ region });
    const points = async () => {
      const arns: string[] = [];
      for await (const page of paginateListRecoveryPointsByBackupVault({ client }, { BackupVaultName }))
        arns.push(...(page.RecoveryPoints ?? []).map(({ RecoveryPointArn }) => RecoveryPointArn!));
      return arns;
    };
    for (const RecoveryPointArn of await points())
      await client.send(new DeleteRecoveryPointCommand({ BackupVaultName, RecoveryPointArn }));
    while ((await points()).length > 0) await sleep(1000);
  }
}

async function main(): Promise<void> {
  await refuseStacksThatAreThere();
  try {
    cdk('deploy', '--require-approval', 'never');
    recovery([0], 'backup');
    const { report } = JSON.parse(recovery([0, 1, 3], 'drill')) as { readonly report: DrillReport };
    console.log(JSON.stringify({ verdict: report.verdict, causes: report.causes, cleanUp: report.cleanUp }, null, 2));
    const unexpected = report.causes.filter((cause) => !EXPECTED_CAUSES.some((expected) => expected.test(cause)));
    if (report.causes.length === 0 || unexpected.length > 0 || !report.cleanUp.complete)
      throw new Error(`the drill found what an empty sample does not explain: ${JSON.stringify(unexpected)}`);
  } finally {
    await emptyVaults();
    cdk('destroy', '--force');
  }
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
