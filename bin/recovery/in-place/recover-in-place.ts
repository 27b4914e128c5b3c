/** `recover --in-place`: from a deployment's archive, or its baseline, onto a directory of this machine. */
import { resolve } from 'node:path';
import type { ObjectStore } from '../../../lambda/archive/object-store';
import { choosePoint, type Point } from '../../../lambda/archive/points';
import { authenticatorAt } from '../trusted-keys';
import { choosePointWith } from './choose-point-with';
import type { RestoreProgress } from '../../../lambda/archive/restore/restore-point';
import { S3Store } from '../../../lambda/archive/s3-store';
import { archivePrefix, baselinePrefix } from '../../../lib/private/bucket-layout';
import { readRecord } from '../../../lambda/baseline/make-baseline';
import { isUnreachable, describe } from '../clients';
import { confirm } from '../confirm';
import { type Deployment, findDeployment, NotFoundError } from '../find-deployment';
import type { DeploymentOptions } from '../options';
import { type InPlaceOutcome, restoreInPlace } from './restore-in-place';
import { checkServer, type ServerCheck } from './server-check';

export type InPlaceWhat = 'repository' | 'server';

export interface RecoverInPlaceOptions extends DeploymentOptions {
  readonly inPlace: InPlaceWhat;
  readonly volume?: string;
  readonly mountedAt?: string;
  readonly isHome?: string;
  readonly path?: readonly string[];
  readonly at?: Date;
  readonly productVersion?: string;
  readonly from?: 'dr' | 'primary';
  readonly serverStopped?: boolean;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly onProgress?: (progress: RestoreProgress) => void;
  /** What is shown before anybody is asked. */
  readonly show: (line: string) => void;
}

/** What `recover --in-place --json` prints. */
export interface InPlaceResult extends InPlaceOutcome {
  readonly formatVersion: 1;
  readonly deployment: string;
  readonly what: InPlaceWhat;
  readonly dryRun: boolean;
  readonly directory: string;
  readonly restoredFrom: string;
  /** When what was restored was exported. */
  readonly moment: string;
  readonly server: Pick<ServerCheck, 'signs' | 'seen'>;
  /** Newer points that are damaged, not complete or suspicious. */
  readonly passedOver: readonly { readonly key: string; readonly problems: readonly string[] }[];
}

export async function recoverInPlace(options: RecoverInPlaceOptions): Promise<InPlaceResult> {
  const { dryRun = false } = options;
  if (options.mountedAt === undefined) {
    throw new Error(
      '`--mounted-at` must be the directory of this machine where the volume is mounted, got none: run this on a node of the ' +
        'server or another machine that mounts it; where only containers do (ECS, EKS), in a task or pod with the same volume, ' +
        'as "Files in their place" in docs/runbook.md shows',
    );
  }
  const directory = resolve(options.mountedAt);
  const deployment = await findDeployment(options);
  const source =
    options.inPlace === 'server' ? await baseline(deployment, options) : await exported(deployment, options);

  const server = checkServer(directory, source.mountedAt, options.isHome && resolve(options.isHome));
  for (const line of server.seen) options.show(line);
  for (const line of server.signs) options.show(`warning: ${line}`);
  const restore = (dry: boolean) =>
    restoreInPlace({
      store: source.store,
      manifestKey: source.manifestKey,
      directory,
      dryRun: dry,
      ...(source.paths ? { paths: source.paths } : {}),
      ...(options.onProgress ? { onProgress: options.onProgress } : {}),
    });

  const preview = await restore(true);
  const aside = options.path ? preview.replaced.map(({ path }) => path).join(', ') : `all that is in ${directory}`;
  options.show(
    `restores ${preview.files} files of ${source.moment} from ${source.store.description} into ${directory}, ` +
      `and keeps aside ${preview.replaced.length === 0 ? 'nothing, since nothing is there' : aside}`,
  );
  if (!dryRun) {
    await requireStopped(server, options);
    await confirm('Replace it?', options.yes ?? false);
  }
  return {
    formatVersion: 1,
    deployment: deployment.plan.deployment,
    what: options.inPlace,
    dryRun,
    directory,
    restoredFrom: `${source.store.description}${source.manifestKey.slice(source.store.prefix.length)}`,
    moment: source.moment,
    server: { signs: server.signs, seen: server.seen },
    passedOver: source.passedOver,
    ...(dryRun ? preview : await restore(false)),
  };
}

export class ServerRunsError extends Error {
  override readonly name = 'ServerRunsError';
}

async function requireStopped({ signs, seen, runsHere }: ServerCheck, options: RecoverInPlaceOptions): Promise<void> {
  if (runsHere) throw new ServerRunsError(`${signs[0]}: stop the server, on every machine, and repeat it`);
  if (options.serverStopped) return;
  if (signs.length > 0) {
    throw new ServerRunsError(
      `a server may be running: ${signs.join('; ')}: stop it, on every machine; if it is, repeat this with \`--server-stopped\``,
    );
  }
  if (seen.length === 0) {
    await confirm(
      'Nothing here shows whether a server runs on these files. Is it stopped on every machine?',
      false,
      '--server-stopped',
    );
  }
}

interface Source {
  readonly store: ObjectStore;
  readonly manifestKey: string;
  readonly mountedAt: string;
  readonly moment: string;
  /** In the point; undefined: everything. */
  readonly paths: readonly string[] | undefined;
  readonly passedOver: InPlaceResult['passedOver'];
}

async function exported(deployment: Deployment, options: RecoverInPlaceOptions): Promise<Source> {
  if (options.productVersion !== undefined) {
    throw new Error('`--product-version` must be absent but with `--in-place server`: exports have a time, `--at`');
  }
  const { volume, at, path } = options;
  const { volumes, deployment: name } = deployment.plan;
  const names = volumes.map((each) => each.name);
  const entry =
    volume === undefined && volumes.length === 1 ? volumes[0] : volumes.find((each) => each.name === volume);
  if (!entry) throw new NotFoundError(`\`--volume\` must be one of ${names.join(', ')}, got ${volume ?? 'none'}`);
  return fromEither(deployment, options.from, archivePrefix(name, entry.name), async (store, where) => {
    const authenticator = await authenticatorAt(where, deployment);
    if (path) {
      const { point, paths, passedOver } = await choosePointWith(store, path, at, authenticator);
      return sourceOf(store, point, entry.mountedAt, passedOver, paths);
    }
    const { passedOver, ...point } = await choosePoint(store, at, { authenticator });
    return sourceOf(store, point, entry.mountedAt, passedOver, undefined);
  });
}

const sourceOf = (
  store: ObjectStore,
  { manifestKey, header }: Point,
  mountedAt: string,
  passedOver: readonly Point[],
  paths: readonly string[] | undefined,
): Source => ({
  store,
  manifestKey,
  mountedAt,
  moment: header!.startedAt,
  paths,
  passedOver: passedOver.map(({ manifestKey: key, problems }) => ({ key, problems })),
});

async function baseline(deployment: Deployment, options: RecoverInPlaceOptions): Promise<Source> {
  const { deployment: name } = deployment.plan;
  if (options.volume !== undefined)
    throw new Error('`--volume` must be absent for a server directory: it is no volume');
  if (options.at) throw new Error('`--at` must be absent for a server directory: give the `--product-version`');
  if (options.productVersion === undefined) {
    throw new Error('`--product-version` must be that of the server directory, such as 7.1.0, got none');
  }
  return fromEither(deployment, options.from, baselinePrefix(name, options.productVersion), async (store) => {
    const record = await readRecord(store);
    if (!record)
      throw new NotFoundError(`there is no baseline in ${store.description}: \`wso2is-recovery baseline\` makes one`);
    const { manifestKey, createdAt } = record;
    return { store, manifestKey, mountedAt: '', moment: createdAt, paths: options.path, passedOver: [] };
  });
}

/** The primary Region is nearer, and has what is not replicated yet; the DR site has it when that is gone. */
async function fromEither<T>(
  { plan, primary, dr, site }: Deployment,
  from: 'dr' | 'primary' | undefined,
  prefix: string,
  look: (store: ObjectStore, where: 'dr-site' | 'in-region') => Promise<T>,
): Promise<T> {
  const atDr = () => look(new S3Store(dr.s3(), site.bucket, prefix), 'dr-site');
  if (from === 'dr') return atDr();
  const bucket = plan.resources?.artifactBucket;
  if (bucket === undefined) {
    if (from === 'primary')
      throw new Error('the recovery plan names no artifact bucket: deploy the primary stack again');
    return atDr();
  }
  try {
    return await look(new S3Store(primary.s3(), bucket, prefix), 'in-region');
  } catch (error) {
    if (from === 'primary' || !(isUnreachable(error) || isUnreachable((error as Error).cause))) throw error;
    try {
      return await atDr();
    } catch (other) {
      throw new Error(`${primary.region}: ${describe(error)}; ${dr.region}: ${describe(other)}`, { cause: other });
    }
  }
}
