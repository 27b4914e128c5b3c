/** Starts the drill function at a site, in either mode, and follows it to its end. */
import { ResourceNotFoundException } from '@aws-sdk/client-lambda';
import type { DrillEvent, DrillReport, DrillResult, RestorePreview } from '../../../lambda/drill/contract';
import { reportPrefix } from '../../../lambda/drill/report-key';
import { DRILL_ALIAS, drillFunctionName, inRegionDrillFunctionName } from '../../../lib/private/site-layout';
import type { Clients } from '../clients';
import { callFunction, ExecutionError, followExecution, startExecution } from '../durable';
import { type Deployment, NotFoundError } from '../find-deployment';
import type { Progress } from '../progress';
import { readReport } from '../status/see';

export type SiteOption = 'dr' | 'primary';

/** Where the function is, and what it reports into. */
export interface DrillSite {
  readonly clients: Clients;
  readonly functionName: string;
  readonly bucket: string;
  /** What makes the function, where there is none. */
  readonly madeBy: string;
}

/** What an execution came to: a report, or the reason why there is none. */
export type Ended =
  | { readonly report: DrillReport; readonly reportJson: string; readonly reportHtml: string }
  | { readonly refused: string };

export function drillSite({ plan, site, dr, primary, drUnseen }: Deployment, at: SiteOption): DrillSite {
  if (at === 'dr') {
    if (drUnseen !== undefined) throw new NotFoundError(`${dr.region} cannot be reached: ${drUnseen}`);
    return {
      clients: dr,
      functionName: `${drillFunctionName(site.name)}:${DRILL_ALIAS}`,
      bucket: site.bucket,
      madeBy: 'deploy the stack of this site with a release that has it',
    };
  }
  if (!plan.resources)
    throw new NotFoundError('the recovery plan does not name what is in the primary Region: deploy again');
  const functionName = `${inRegionDrillFunctionName(plan.deployment)}:${DRILL_ALIAS}`;
  return {
    clients: primary,
    functionName,
    bucket: plan.resources.artifactBucket,
    madeBy: 'give `inRegionRecovery` to the IdentityServerRecovery of this deployment, and deploy its stack',
  };
}

export async function previewOf(site: DrillSite, event: DrillEvent): Promise<RestorePreview> {
  const result = await explained(site, () =>
    callFunction<DrillResult>(site.clients, site.functionName, { ...event, planOnly: true }),
  );
  if (result.outcome !== 'PREVIEW')
    throw new ExecutionError(`${site.functionName} answered no preview: ${result.outcome}`);
  return result;
}

/** @returns the ARN of the execution, by which it can be followed again */
export const startDrill = (site: DrillSite, event: DrillEvent): Promise<string> =>
  explained(site, () => startExecution(site.clients.lambda(), site.functionName, event));

/**
 * An execution that was started before, by its ARN.
 *
 * @throws NotFoundError where it is none of the site: nothing would ever be heard of it
 */
export function followed({ functionName, clients }: DrillSite, executionArn: string): string {
  const [name] = functionName.split(':');
  const [, , , region, , , ofFunction] = executionArn.split(':');
  if (region === clients.region && ofFunction === name) return executionArn;
  throw new NotFoundError(
    `\`--follow\` must be an execution of ${name} in ${clients.region}, got one of ${ofFunction} in ${region}: ` +
      'give the `--site`, `--region` and `--deployment` with which it was started',
  );
}

/** The function is a part of the deployment: that it is missing has a reason that can be said. */
async function explained<T>({ functionName, clients, madeBy }: DrillSite, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof ResourceNotFoundException)) throw error;
    throw new NotFoundError(`there is no function ${functionName} in ${clients.region}: ${madeBy}`, { cause: error });
  }
}

export async function followDrill(
  { clients, bucket }: DrillSite,
  executionArn: string,
  progress: Progress,
): Promise<Ended> {
  const started = Date.now();
  const clock = setInterval(() => progress.now('under way', `${Math.round((Date.now() - started) / 1000)} s`), 1000);
  try {
    const result = await followExecution<DrillResult>(clients.lambda(), executionArn, ({ name, failure }) =>
      progress.done(failure === undefined ? `done: ${name}` : `FAILED: ${name}: ${failure}`),
    );
    if (result.outcome === 'REFUSED') return { refused: result.reason };
    if (result.outcome !== 'REPORTED') throw new ExecutionError(`${executionArn} was no drill and no recovery`);
    const prefix = reportPrefix(result);
    const report = await readReport(clients.s3(), bucket, prefix);
    if (!report) throw new ExecutionError(`there is no report s3://${bucket}/${prefix}report.json`);
    const location = `s3://${bucket}/${prefix}`;
    return { report, reportJson: `${location}report.json`, reportHtml: `${location}report.html` };
  } catch (error) {
    if (!(error instanceof ResourceNotFoundException)) throw error;
    throw new NotFoundError(
      `there is no execution ${executionArn}: Lambda forgets each 30 days after its end; reports are kept in s3://${bucket}`,
      { cause: error },
    );
  } finally {
    clearInterval(clock);
    progress.now('under way');
  }
}
