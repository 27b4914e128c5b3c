/** What a recovery keeps, and what people have to do with it. */
import type { DurableContext } from '@aws/durable-execution-sdk-js';
import { configurationChanges, type NewEndpoint } from '../../lib/deployment/configuration-changes';
import type { RecoveryPlanDocument } from '../../lib/planning/plan-document';
import type { ConfigureEvent, ConfigureResult } from '../restore/contract';
import type { ConfigurationChange, KeptArtifacts, KeptDatabase, KeptRecovery, StepReport } from './contract';
import { nextSteps, notes } from './next-steps';
import type { Progress } from './run';
import { secretAt } from './secret-at';
import { describeError, Journal } from './steps';
import type { Surroundings } from './surroundings';

export interface Kept {
  readonly recovery: KeptRecovery;
  readonly steps: readonly StepReport[];
}

/** Never throws: what could not be found out is said in the notes. */
export async function keepRecovery(
  context: DurableContext,
  surroundings: Surroundings,
  progress: Progress,
): Promise<Kept> {
  const { settings, aws } = surroundings;
  const { plan } = progress;
  const databases = plan === undefined ? [] : keptDatabases(plan, progress, settings.region);
  const artifacts = plan === undefined ? undefined : keptArtifacts(plan, progress, surroundings);
  const endpoints = databases.map(({ component, host, port }) => ({
    host,
    port,
    datasources: plan?.databases.find(({ name }) => name === component)?.datasources ?? [],
  }));
  const journal = new Journal(aws.clock);
  const { changes, problem } = await changesOf(context, journal, surroundings, plan, endpoints, artifacts);
  const unrestored = progress.restored.filter(({ usableAt }) => usableAt === undefined);
  const kept = { databases, ...(artifacts === undefined ? {} : { artifacts }), configurationChanges: changes };
  return {
    steps: journal.steps,
    recovery: {
      ...kept,
      notes: notes(plan, problem),
      nextSteps: nextSteps({
        kept,
        settings,
        deployment: surroundings.deployment,
        recoveryId: surroundings.drillId,
        unrestored: unrestored.map(({ component }) => component),
      }),
    },
  };
}

function keptDatabases(plan: RecoveryPlanDocument, { outcomes }: Progress, region: string): KeptDatabase[] {
  return plan.databases.flatMap((database) => {
    const { name, kind, datasources } = database;
    const outcome = outcomes.find(({ made }) => made?.component === name);
    if (outcome?.endpoint === undefined || outcome.made === undefined) return [];
    return [
      {
        component: name,
        kind,
        identifier: outcome.made.identifier,
        ...outcome.endpoint,
        ...outcome.availability,
        secretArn: secretAt(database, region, plan),
        datasources: datasources.map(({ datasource }) => datasource),
      },
    ];
  });
}

function keptArtifacts(
  plan: RecoveryPlanDocument,
  { restored }: Progress,
  { settings, drillId }: Surroundings,
): KeptArtifacts | undefined {
  const path = `${settings.restoreRoot}/${drillId}`;
  const volumes = plan.volumes
    .filter(({ name }) => restored.some(({ component, usableAt }) => component === name && usableAt !== undefined))
    .map(({ name, mountedAt }) => ({
      component: name,
      mountedAt,
      path: mountedAt === '' ? path : `${path}/${mountedAt}`,
    }));
  return volumes.length === 0 ? undefined : { fileSystemId: settings.restoreFileSystemId, path, volumes };
}

/** From the restored `deployment.toml`, where it is on a volume. */
async function changesOf(
  context: DurableContext,
  journal: Journal,
  { settings, drillId }: Surroundings,
  plan: RecoveryPlanDocument | undefined,
  endpoints: readonly NewEndpoint[],
  artifacts: KeptArtifacts | undefined,
): Promise<{ readonly changes: readonly ConfigurationChange[]; readonly problem?: string }> {
  if (plan === undefined || endpoints.length === 0) return { changes: [] };
  const path = plan.restoreDependencies.deploymentTomlPath;
  const without = (problem: string) => ({ changes: configurationChanges(endpoints), problem });
  if (artifacts === undefined) return without(`no volume was restored that could hold ${path}`);
  try {
    const { result } = await journal.invoke<ConfigureEvent, ConfigureResult>(
      context,
      'compare deployment.toml',
      settings.restoreFunction,
      { action: 'configure', target: `${drillId}/${path}`, endpoints },
    );
    return result.found ? { changes: result.changes } : without(`${path} is on none of the restored volumes`);
  } catch (error) {
    return without(describeError(error));
  }
}
