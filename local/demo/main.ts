/**
 * `npm run demo`: the whole life on the local AWS, step by step. Exit status: 0 the drill PASSED, 1 it did not or a step
 * failed, 2 the input is at fault, 130 interrupted.
 */
import { Command, Option } from 'commander';
import { Listr, PRESET_TIMER } from 'listr2';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startLocalAws, type LocalAws } from '../local-aws';
import { REGIONS, DEPLOYMENT, SAMPLE_DEPLOYMENT_TOML, recoveryToml } from './configuration';
import { type Deployed, findDeployed } from './deployed';
import { InputError } from './input-error';
import { requireIsHome } from './is-home';
import {
  backUpDatabases,
  bootstrap,
  compare,
  deploy,
  drill,
  drillFile,
  exportArtifacts,
  fill,
  losePrimaryRegion,
  replicated,
} from './life';
import { takeReportFolder } from './report-folder';
import { loseTenant, recover } from './command';
import { summary } from './summary';
import { howToUse } from './how-to-use';
import type { DrillReport } from '../../lambda/drill/contract';

interface Options {
  readonly isHome?: string;
  readonly out: string;
  readonly keep?: boolean;
  readonly json?: boolean;
}

/** What the steps leave for one another. */
interface Life {
  aws?: LocalAws;
  deployed?: Deployed;
  report?: DrillReport;
}

/** What a step gets to end by itself after an interruption. */
const GRACE_MS = 10_000;

const DEFAULT_OUT = join(__dirname, '..', '..', 'out', 'demo');

async function main(): Promise<number> {
  const options = new Command('demo')
    .description('Deploys a sample Identity Server and its recovery on a local AWS, loses the Region, and recovers.')
    .option('--is-home <dir>', 'take the files under <dir>/repository instead of generated ones; <dir> is only read')
    .addOption(
      new Option('--out <dir>', 'where report.html and report.json go; made if missing').default(
        DEFAULT_OUT,
        'out/demo',
      ),
    )
    .option('--keep', 'leave everything running at the end, and say how to use it')
    .option('--json', 'print the report as JSON at the end instead of the table')
    .configureOutput({ outputError: (text, write) => write(text) })
    .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
    .parse()
    .opts<Options>();
  const deploymentToml = options.isHome === undefined ? SAMPLE_DEPLOYMENT_TOML : requireIsHome(options.isHome);

  const out = resolve(options.out);
  const reportFolder = takeReportFolder(out);

  const life: Life = {};
  const interrupted = new AbortController();
  // Heard again and again: npm passes on what the terminal sent already, and a second signal must not cut the stopping
  // short.
  const signalled = new Promise<NodeJS.Signals>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve(signal));
  });
  // Each run has a folder of its own: two may run beside each other.
  const dataDir = mkdtempSync(join(tmpdir(), 'wso2is-recovery-demo-'));
  const live = steps(options, life, { dataDir, out, deploymentToml, signal: interrupted.signal }).run();
  live.catch(() => {});
  try {
    const outcome = await Promise.race([live, signalled]);
    if (typeof outcome === 'string') return 130;
    const report = life.report!;
    console.log(options.json === true ? JSON.stringify(report, null, 2) : `\n${summary(report)}\n`);
    if (options.json !== true) console.log(`Report: ${relative(process.cwd(), join(out, 'report.html'))}`);
    if (options.keep === true) {
      await life.aws!.clearFaults();
      // Standard output is for the JSON alone.
      (options.json === true ? console.error : console.log)(
        howToUse(life.aws!, life.deployed!, join(out, 'recovery.toml')),
      );
      // A promise alone keeps no process alive, and the local AWS ends with us.
      const alive = setInterval(() => {}, 60_000);
      await signalled;
      clearInterval(alive);
    }
    return report.verdict === 'PASSED' ? 0 : 1;
  } finally {
    interrupted.abort();
    if (process.stderr.isTTY) process.stderr.write('\u001B[?25h');
    await life.aws?.stop();
    // A step that is still at work would bring the folder back; and one may just have started the local AWS.
    await Promise.race([live.catch(() => {}), sleep(GRACE_MS)]);
    await life.aws?.stop();
    rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 });
    reportFolder.release();
  }
}

function steps(
  options: Options,
  life: Life,
  run: { dataDir: string; out: string; deploymentToml: string; signal: AbortSignal },
): Listr<Life, 'default', 'simple'> {
  const { signal, out } = run;
  const configuration = join(run.dataDir, 'recovery.toml');
  return new Listr<Life, 'default', 'simple'>(
    [
      {
        title: 'Start the local AWS',
        task: async (_, task) => {
          // The first run makes a Python environment, which takes a while: what happens is shown.
          life.aws = await startLocalAws({
            dataDir: run.dataDir,
            signal,
            log: (line) => {
              if (life.aws === undefined) task.output = line;
            },
          });
          task.title += `: ${life.aws.endpoint}`;
        },
      },
      {
        title: `Bootstrap ${REGIONS.primary} and ${REGIONS.dr}`,
        task: (_, task) => bootstrap(life.aws!, REGIONS, (line) => (task.output = line), signal),
      },
      {
        title: 'Deploy the Identity Server stack with its recovery, and the recovery site',
        task: async (_, task) => {
          const text = recoveryToml(life.aws!.accountId, resolve(run.deploymentToml));
          writeFileSync(configuration, text);
          writeFileSync(join(out, 'recovery.toml'), text);
          await deploy(life.aws!, configuration, (line) => (task.output = line), signal);
          life.deployed = await findDeployed(life.aws!, REGIONS, DEPLOYMENT);
        },
      },
      {
        title: 'Fill the databases and the volume',
        task: async (_, task) => {
          const { rows, tenants } = await fill(life.deployed!, {
            deploymentToml: readFileSync(run.deploymentToml, 'utf8'),
            ...(options.isHome === undefined ? {} : { isHome: options.isHome }),
          });
          task.title += `: ${rows} rows, ${tenants} tenants`;
        },
      },
      {
        title: 'Check that databases and files agree',
        task: async (_, task) => {
          const { tenantsInDatabase, tenantDirectories } = await compare(life.deployed!);
          task.title += `: ${tenantsInDatabase} tenants in the database, ${tenantDirectories} directories`;
        },
      },
      {
        title: 'Back up',
        task: (_, task) =>
          task.newListr(
            [
              {
                title: 'Database: backup job, and copy to the vault of the DR site',
                task: async (__, part) => {
                  const copies = await backUpDatabases(life.aws!, life.deployed!, (line) => (part.output = line));
                  part.title += `: ${copies.join(', ')}`;
                },
              },
              {
                title: 'Files: export, and replication to the bucket of the DR site',
                task: async (__, part) => {
                  const exports = await exportArtifacts(life.aws!, life.deployed!);
                  const files = exports.reduce((sum, { files }) => sum + files, 0);
                  const stored = exports.reduce((sum, { bytesStored }) => sum + bytesStored, 0);
                  part.output = `${files} files, ${(stored / 1e6).toFixed(1)} MB stored`;
                  const objects = await replicated(life.aws!, life.deployed!);
                  part.title += `: ${files} files, ${(stored / 1e6).toFixed(1)} MB stored, ${objects} objects replicated`;
                },
              },
            ],
            { concurrent: true },
          ),
      },
      {
        title: 'Delete a tenant, and put it back in its place: wso2is-recovery recover --in-place',
        task: async (_, task) => {
          const lost = await loseTenant(life.aws!, life.deployed!, (line) => (task.output = line));
          task.title += lost === undefined ? ': there is none' : `: tenant ${lost.tenant}, ${lost.files} files`;
        },
      },
      {
        title: `Lose ${REGIONS.primary}`,
        task: async (_, task) => {
          const outcomes = await losePrimaryRegion(life.aws!, life.deployed!);
          task.title += `: ${Object.keys(outcomes).join(', ')} fail`;
        },
      },
      {
        title: `Drill in ${REGIONS.dr}`,
        task: async (_, task) => {
          const report = await drill(life.aws!, life.deployed!, (line) => (task.output = line));
          life.report = report;
          writeFileSync(join(out, 'report.json'), `${JSON.stringify(report, null, 2)}\n`);
          writeFileSync(
            join(out, 'report.html'),
            await drillFile(life.aws!, life.deployed!, report.drillId, 'report.html'),
          );
          task.title += `: ${report.verdict}`;
        },
      },
      {
        title: `Recover in ${REGIONS.dr}: wso2is-recovery recover --site dr`,
        task: async (_, task) => {
          const result = await recover(life.aws!, life.deployed!, (line) => (task.output = line));
          writeFileSync(join(out, 'recovery.json'), `${JSON.stringify(result, null, 2)}\n`);
          if (result.dryRun || !('report' in result)) return;
          const { verdict, recovery } = result.report;
          const kept = recovery?.databases.map(({ host, port }) => `${host}:${port}`).join(', ');
          task.title += `: ${verdict}, kept at ${kept}`;
        },
      },
    ],
    {
      registerSignalListeners: false,
      // Standard output is for the JSON alone.
      silentRendererCondition: options.json === true,
      rendererOptions: { timer: PRESET_TIMER, collapseSubtasks: false },
      fallbackRendererOptions: { timer: PRESET_TIMER },
    },
  );
}

main().then(
  (status) => process.exit(status),
  (error: unknown) => {
    if (error instanceof InputError) console.error(error.message);
    else console.error(process.env.DEBUG ? error : error instanceof Error ? error.message : error);
    process.exit(error instanceof InputError ? 2 : 1);
  },
);
