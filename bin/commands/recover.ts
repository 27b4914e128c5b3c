import { relative } from 'node:path';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { notEmpty, pastTime, productVersion } from '../arguments';
import { ExitStatus, firstLines, formatBytes, progressOf, run } from '../output';
import type { InPlaceResult, InPlaceWhat, RecoverInPlaceOptions } from '../recovery/in-place/recover-in-place';
import type { RecoverSiteOptions } from '../recovery/drill/recover-site';
import type { SiteOption } from '../recovery/drill/run-drill';
import { verdictStatus } from '../recovery/drill/verdict-status';
import { Progress } from '../recovery/progress';
import { type DeploymentOptions, volumesFromOption, withDeploymentOptions } from '../recovery/options';

interface RecoverOptions
  extends
    DeploymentOptions,
    Omit<RecoverInPlaceOptions, 'inPlace' | 'show' | 'onProgress'>,
    Omit<RecoverSiteOptions, 'site'> {
  readonly inPlace?: InPlaceWhat;
  readonly site?: SiteOption;
}

/**
 * Exit status 0: recovered, or with `--dry-run` it could be; 1: what was recovered is not whole, or not right, with the causes;
 * 2: bad input or failure; 3: recovered with warnings, or in place from an older point, since a newer one is damaged.
 */
export function registerRecover(program: Command): void {
  withDeploymentOptions(program.command('recover'))
    .description('bring a deployment back: everything at a site, or the files of a volume in their place')
    .addOption(
      new Option('--site <site>', 'restore everything at this site, check it, and keep it').choices(['dr', 'primary']),
    )
    .addOption(
      ofSite('--export <key>', 'with --site: that export, by the key of its manifest, and what is nearest to it'),
    )
    .addOption(volumesFromOption().conflicts('inPlace'))
    .addOption(
      new Option('--in-place <what>', 'replace the files of a volume on this machine').choices([
        'repository',
        'server',
      ]),
    )
    .addOption(inPlaceOf('--volume <name>', 'whose files (default: the only volume)'))
    .addOption(
      inPlaceOf('--mounted-at <dir>', 'where the volume is mounted on this machine; for `server`, <IS_HOME>').argParser(
        notEmpty,
      ),
    )
    .addOption(
      inPlaceOf(
        '--path <path>',
        'only this path of the volume and what is under it, such as tenants/7; repeatable',
      ).argParser(paths),
    )
    .option('--at <time>', 'the newest state of this time or before (ISO 8601)', pastTime)
    .addOption(inPlaceOf('--product-version <version>', 'of the server directory').argParser(productVersion))
    .addOption(
      inPlaceOf('--from <site>', 'whose archive (default: the primary Region, unless it is gone)').choices([
        'dr',
        'primary',
      ]),
    )
    .addOption(
      inPlaceOf('--is-home <dir>', '<IS_HOME> of the server on this machine, to see whether it is stopped').argParser(
        notEmpty,
      ),
    )
    .addOption(inPlaceOf('--server-stopped', 'you know that no server runs on these files'))
    .option('--dry-run', 'say what would be done, and change nothing')
    .option('--yes', 'do not ask')
    .action((options: RecoverOptions) => {
      const { inPlace, site } = options;
      if (inPlace !== undefined && site === undefined) return inPlaceCommand({ ...options, inPlace });
      if (site !== undefined && inPlace === undefined) return siteCommand({ ...options, site });
      throw new Error(
        'exactly one of `--site` and `--in-place` must be given: everything at a site, or files in their place',
      );
    });
}

/** An option of one way is no option of the other: `--path` must not bring back everything. */
const ofSite = (flags: string, description: string) => new Option(flags, description).conflicts('inPlace');
const inPlaceOf = (flags: string, description: string) => new Option(flags, description).conflicts('site');

function siteCommand(options: RecoverSiteOptions): Promise<void> {
  return run(
    options,
    async () => {
      const { recoverSite } = await import('../recovery/drill/recover-site');
      return recoverSite(options, new Progress(), (text) => process.stderr.write(`${text}\n`));
    },
    async (result) => {
      const { renderPreview, renderRecovery, renderReport } = await import('../recovery/drill/render');
      if (result.dryRun) {
        return {
          text: renderPreview(result.preview),
          status: result.preview.complete ? ExitStatus.ok : ExitStatus.no,
        };
      }
      if ('refused' in result) return { text: result.refused, status: ExitStatus.no };
      const { report, reportHtml } = result;
      return {
        text: [
          renderReport(report, reportHtml, process.stdout),
          ...(report.recovery ? [renderRecovery(report.recovery)] : []),
        ].join('\n\n'),
        status: verdictStatus(report.verdict),
      };
    },
  );
}

function inPlaceCommand(options: Omit<RecoverInPlaceOptions, 'show'>): Promise<void> {
  const progress = progressOf('files');
  return run(
    options,
    async () => {
      const { recoverInPlace } = await import('../recovery/in-place/recover-in-place');
      return recoverInPlace({
        ...options,
        show: (line) => process.stderr.write(`${line}\n`),
        onProgress: ({ filesDone, filesTotal, bytesDone, bytesTotal }) =>
          progress({ done: filesDone, total: filesTotal }, { done: bytesDone, total: bytesTotal }),
      });
    },
    (result) => ({
      text: inPlaceText(result),
      status: result.passedOver.length > 0 ? ExitStatus.partly : ExitStatus.ok,
    }),
  );
}

function inPlaceText(result: InPlaceResult): string {
  const { dryRun, files, bytes, directory, restoredFrom, moment, replaced, carriedOver, leftAlone, warnings } = result;
  return [
    `${dryRun ? 'would restore' : 'restored'} ${files} files, ${formatBytes(bytes)}, as of ${moment}, into ${directory}`,
    `from: ${restoredFrom}`,
    ...result.passedOver.map(
      ({ key, problems }) =>
        `not the newest: ${key} is not to be used: ${firstLines(problems, String, 'problems', 3).join('; ')}`,
    ),
    ...replaced.map(({ path, keptAt }) =>
      keptAt === null
        ? `would keep aside: ${path}`
        : `what was at ${path} is kept at ${keptAt}: move it back to undo this; when all is well: wso2is-recovery drop-replaced ${directory}${path === directory ? '' : ` --path ${relative(directory, path)}`}`,
    ),
    ...carriedOver.map((path) => `carried over: ${path}: no export holds an embedded database`),
    ...leftAlone.map(({ path, reason }) => `left alone: ${path}: ${reason}`),
    ...firstLines(warnings, ({ path, reason }) => `warning: ${path}: ${reason}`, 'warnings'),
  ].join('\n');
}

function paths(path: string, all: string[] = []): string[] {
  const clean = path.replace(/^\/+|\/+$/g, '');
  if (clean === '' || clean.split('/').some((part) => part === '.' || part === '..' || part === '')) {
    throw new InvalidArgumentError('It must be a path in the volume, such as tenants/7.');
  }
  return [...all, clean];
}
