import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { InvalidArgumentError, type Command } from 'commander';
import { baselinePrefix } from '../../lib/private/bucket-layout';
import { notEmpty, productVersion } from '../arguments';
import { parseDuration } from '../duration';
import { ExitStatus, firstLines, formatBytes, progressOf, run } from '../output';
import type { BaselineOutcome } from '../../lambda/baseline/make-baseline';
import { productVersionOf } from '../../lambda/baseline/product-version';
import { type DeploymentOptions, withDeploymentOptions } from '../recovery/options';

interface BaselineCommandOptions extends DeploymentOptions {
  readonly productVersion?: string;
  readonly lockFor?: number;
  readonly dryRun?: boolean;
}

/** Exit status 0: it is made, or an identical one is there; 1: another one is there for this version; 2: bad input or failure. */
export function registerBaseline(program: Command): void {
  withDeploymentOptions(program.command('baseline'))
    .description(
      'keep the entire server directory, once for each product version: run it where the server is installed, while it is stopped',
    )
    .argument('<dir>', '<IS_HOME>, the server directory', notEmpty)
    .option(
      '--product-version <version>',
      'such as 7.1.0 (default: as README.txt in the directory says)',
      productVersion,
    )
    .option(
      '--lock-for <duration>',
      'how long nobody can delete it, in a bucket with object lock (default: as long as the bucket says)',
      lockFor,
    )
    .option('--dry-run', 'read everything, and write nothing')
    .action((directory: string, options: BaselineCommandOptions) => {
      const progress = progressOf('entries');
      return run(
        options,
        async () => {
          const isHome = requireServerDirectory(directory);
          const version = options.productVersion ?? productVersionOf(isHome);
          if (version === undefined) {
            throw new Error(
              `\`--product-version\` must be given: ${join(isHome, 'README.txt')} does not say which it is`,
            );
          }
          const { makeBaseline } = await import('../../lambda/baseline/make-baseline');
          const { findDeployment } = await import('../recovery/find-deployment');
          const { S3Store } = await import('../../lambda/archive/s3-store');
          const { plan, primary } = await findDeployment(options);
          if (!plan.resources)
            throw new Error('the recovery plan names no artifact bucket: deploy the primary stack again');
          const bucket = plan.resources.artifactBucket;
          const prefix = baselinePrefix(plan.deployment, version);
          const outcome = await makeBaseline({
            store: new S3Store(primary.s3(), bucket, prefix),
            deployment: plan.deployment,
            productVersion: version,
            directory: isHome,
            dryRun: options.dryRun ?? false,
            ...(options.lockFor === undefined ? {} : { lockUntil: new Date(Date.now() + options.lockFor * 1000) }),
            onProgress: ({ entriesDone, entriesExpected, bytesRead }) =>
              progress({ done: entriesDone, total: entriesExpected }, { done: bytesRead }),
          });
          return { formatVersion: 1, productVersion: version, archive: `s3://${bucket}/${prefix}`, ...outcome };
        },
        (result) => ({
          text: text(result, result.productVersion, result.archive),
          status: result.outcome === 'differs' ? ExitStatus.no : ExitStatus.ok,
        }),
      );
    });
}

function text(result: BaselineOutcome, version: string, archive: string): string {
  switch (result.outcome) {
    case 'made':
    case 'would-make': {
      const { counts, bytesStored, excluded } = result.exported;
      return [
        `${result.outcome === 'made' ? 'kept' : 'would keep'} ${version}: ${counts.files} files, ${formatBytes(counts.bytes)} (${formatBytes(bytesStored)} stored), in ${archive}`,
        ...firstLines(excluded, ({ path, reason }) => `left out: ${path}: ${reason}`, 'left out'),
        ...(result.outcome === 'would-make'
          ? []
          : [
              result.lockedUntil === null
                ? 'the bucket has no object lock: versioning alone guards it'
                : `locked until ${result.lockedUntil}`,
            ]),
      ].join('\n');
    }
    case 'is-there':
      return `${version} is there already, identical, since ${result.record.createdAt}: ${archive}`;
    case 'differs':
      return [
        `${version} is there already, since ${result.record.createdAt}, and is another one: nothing was changed. If this directory is right, give it a \`--product-version\` of its own, such as ${version}-u2`,
        ...firstLines(result.differences, ({ path, change }) => `${change}: ${path}`, 'differences'),
      ].join('\n');
  }
}

function requireServerDirectory(directory: string): string {
  const isHome = resolve(directory);
  if (existsSync(join(isHome, 'repository')) && existsSync(join(isHome, 'bin'))) return isHome;
  throw new Error(`\`<dir>\` must be <IS_HOME>, with bin and repository in it, got ${isHome}`);
}

function lockFor(text: string): number {
  const seconds = parseDuration(text);
  if (seconds === undefined) throw new InvalidArgumentError('It must be a duration such as 3650d.');
  return seconds;
}
