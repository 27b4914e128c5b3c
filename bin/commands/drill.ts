import { InvalidArgumentError, Option, type Command } from 'commander';
import type { VolumesFrom } from '../../lambda/drill/contract';
import { pastTime } from '../arguments';
import { ExitStatus, run } from '../output';
import type { SiteOption } from '../recovery/drill/run-drill';
import { verdictStatus } from '../recovery/drill/verdict-status';
import { type DeploymentOptions, volumesFromOption, withDeploymentOptions } from '../recovery/options';
import { Progress } from '../recovery/progress';

interface DrillOptions extends DeploymentOptions {
  readonly site: SiteOption;
  readonly at?: Date;
  readonly volumesFrom: VolumesFrom;
  readonly follow?: string;
  readonly dryRun?: boolean;
}

/**
 * Exit status 0: PASSED, or with `--dry-run` everything could be restored; 1: FAILED, or another drill runs; 2: bad input or
 * failure, and no verdict; 3: PASSED_WITH_WARNINGS.
 */
export function registerDrill(program: Command): void {
  withDeploymentOptions(program.command('drill'))
    .description(
      'restore everything beside production, check it, measure, report and clean up, and follow that to its verdict',
    )
    .addOption(new Option('--site <site>', 'where').choices(['dr', 'primary']).default('dr'))
    .option('--at <time>', 'as if the last good moment had been then (ISO 8601)', pastTime)
    .addOption(volumesFromOption())
    .addOption(
      new Option('--follow <arn>', 'start nothing: follow the execution that `drill` or `recover` has started')
        .argParser(executionArn)
        .conflicts(['at', 'volumesFrom', 'dryRun']),
    )
    .option('--dry-run', 'say what would be restored, and restore nothing')
    .action((options: DrillOptions) => (options.dryRun ? dryRun(options) : drill(options)));
}

const eventOf = ({ at, volumesFrom }: DrillOptions, deployment: string) => ({
  deployment,
  mode: 'drill' as const,
  // One of an older release does not know the field.
  ...(volumesFrom === 'backup' ? { volumesFrom } : {}),
  ...(at === undefined ? {} : { at: at.toISOString() }),
});

function dryRun(options: DrillOptions): Promise<void> {
  return run(
    options,
    async () => {
      const { drillSite, previewOf } = await import('../recovery/drill/run-drill');
      const { findDeployment } = await import('../recovery/find-deployment');
      const deployment = await findDeployment(options);
      const site = drillSite(deployment, options.site);
      return { formatVersion: 1, ...(await previewOf(site, eventOf(options, deployment.plan.deployment))) };
    },
    async (preview) => {
      const { renderPreview } = await import('../recovery/drill/render');
      return { text: renderPreview(preview), status: preview.complete ? ExitStatus.ok : ExitStatus.no };
    },
  );
}

function drill(options: DrillOptions): Promise<void> {
  const progress = new Progress();
  return run(
    options,
    async () => {
      const { drillSite, followDrill, followed, startDrill } = await import('../recovery/drill/run-drill');
      const { findDeployment } = await import('../recovery/find-deployment');
      const deployment = await findDeployment(options);
      const site = drillSite(deployment, options.site);
      const start = async () => {
        const arn = await startDrill(site, eventOf(options, deployment.plan.deployment));
        progress.done(`execution ${arn}: it goes on without this command, and --follow takes it up again`);
        return arn;
      };
      const executionArn = options.follow === undefined ? await start() : followed(site, options.follow);
      return { formatVersion: 1, executionArn, ...(await followDrill(site, executionArn, progress)) };
    },
    async (ended) => {
      if ('refused' in ended) return { text: ended.refused, status: ExitStatus.no };
      const { renderReport } = await import('../recovery/drill/render');
      return {
        text: renderReport(ended.report, ended.reportHtml, process.stdout),
        status: verdictStatus(ended.report.verdict),
      };
    },
  );
}

function executionArn(text: string): string {
  if (/^arn:[^:]+:lambda:[^:]+:\d+:function:[^:]+:(\d+|\$LATEST)\/durable-execution\/[^/]+\/[^/]+$/.test(text))
    return text;
  throw new InvalidArgumentError(
    'It must be the ARN of an execution as `drill` and `recover` print it: arn:aws:lambda:REGION:ACCOUNT:function:NAME:VERSION/durable-execution/...',
  );
}
