/** `recover --site`: shows what it would restore, asks, and keeps what it restored. */
import type { DrillEvent, RestorePreview, VolumesFrom } from '../../../lambda/drill/contract';
import { confirm } from '../confirm';
import { findDeployment, NotFoundError } from '../find-deployment';
import type { DeploymentOptions } from '../options';
import type { Progress } from '../progress';
import { renderPreview } from './render';
import { drillSite, type Ended, followDrill, previewOf, startDrill, type SiteOption } from './run-drill';

export interface RecoverSiteOptions extends DeploymentOptions {
  readonly site: SiteOption;
  readonly at?: Date;
  /** Key of a manifest: that export, and what is nearest to it. */
  readonly export?: string;
  readonly volumesFrom?: VolumesFrom;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

/** What `recover --site --json` prints. */
export type RecoverResult = { readonly formatVersion: 1; readonly preview: RestorePreview } & (
  { readonly dryRun: true } | ({ readonly dryRun: false; readonly executionArn: string } & Ended)
);

export async function recoverSite(
  options: RecoverSiteOptions,
  progress: Progress,
  show: (text: string) => void,
): Promise<RecoverResult> {
  if (options.export !== undefined && options.volumesFrom === 'backup') {
    throw new Error('`--export` and `--volumes-from backup` exclude each other: an export is in the archive');
  }
  const deployment = await findDeployment(options);
  requireExportOf(deployment.plan.deployment, options.export);
  const site = drillSite(deployment, options.site);
  const event: DrillEvent = {
    deployment: deployment.plan.deployment,
    mode: 'recover',
    ...(options.at === undefined ? {} : { at: options.at.toISOString() }),
    ...(options.export === undefined ? {} : { exportKey: options.export }),
    // One of an older release does not know the field.
    ...(options.volumesFrom === 'backup' ? { volumesFrom: options.volumesFrom } : {}),
  };
  const preview = await previewOf(site, event);
  if (options.dryRun) return { formatVersion: 1, preview, dryRun: true };
  show(renderPreview(preview));
  await confirm(
    `Recover ${deployment.plan.deployment} in ${preview.region}? It makes what is listed, beside what is there, and keeps it.`,
    options.yes ?? false,
  );
  const executionArn = await startDrill(site, event);
  progress.done(`execution ${executionArn}: it goes on without this command, and drill --follow takes it up again`);
  return {
    formatVersion: 1,
    preview,
    dryRun: false,
    executionArn,
    ...(await followDrill(site, executionArn, progress)),
  };
}

function requireExportOf(deployment: string, key: string | undefined): void {
  if (key === undefined || new RegExp(`^archives/${deployment}/[^/]+/manifests/[^/]+$`).test(key)) return;
  throw new NotFoundError(
    `\`--export\` must be the key of a manifest of ${deployment}, archives/${deployment}/VOLUME/manifests/NAME, got ${key}: ` +
      '`wso2is-recovery list --json` of its archive has them as `manifestKey`',
  );
}
