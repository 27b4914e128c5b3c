import { isReferenceIn } from '../../../lib/deployment/references';
import type { ParsedDatabase } from '../../../lib/deployment/parse';
import type { DatasourceEntry } from '../../../lib/planning/plan-document';
import { type Check, failed, passed, skipped, someOf, type Finding } from '../check';

/** The restored `deployment.toml` declares the databases that the plan protects, no more and no others. */
export const declaredDatabases: Check = {
  name: 'declared-databases',
  targets: ({ event, tree, keys }) => [
    {
      component: tree.volumeOf(event.restoreDependencies.deploymentTomlPath)?.name ?? 'deployment',
      run: async () => {
        const configuration = await keys.configuration();
        switch (configuration.kind) {
          case 'on-no-volume':
            return skipped(`no volume of this deployment holds ${configuration.path}`);
          case 'missing':
            return failed(`${configuration.path} is not among the restored files: restore an older export`, {});
          case 'parsed':
            return judge(configuration.deployment.databases, event.plannedDatasources, configuration.path);
        }
      },
    },
  ],
};

/** Decides, from what the restored file declares and what the plan protects. */
export function judge(declared: readonly ParsedDatabase[], planned: readonly DatasourceEntry[], path: string): Finding {
  const problems = differencesFromPlan(declared, planned);
  const names = new Set(planned.map(({ datasource }) => datasource));
  const compared = { inFile: declared.length, inPlan: names.size, different: problems.length };
  return problems.length > 0
    ? failed(
        `the restored ${path} declares other databases than the deployed plan: ${someOf(problems)}. Deploy again if ` +
          'deployment.toml was changed, else restore an older export',
        compared,
      )
    : passed(`${path} declares the ${names.size} databases of the plan`, compared);
}

/** How what a file declares differs from what the plan protects; a sentence each. */
export function differencesFromPlan(
  declared: readonly ParsedDatabase[],
  planned: readonly DatasourceEntry[],
): string[] {
  const problems = planned.flatMap((plan) => {
    const database = declared.find(({ datasource }) => datasource === plan.datasource);
    return database === undefined ? [`${plan.datasource} of the plan is not in the file`] : differences(plan, database);
  });
  const names = new Set(planned.map(({ datasource }) => datasource));
  const unplanned = declared.filter(({ datasource }) => !names.has(datasource)).map(({ datasource }) => datasource);
  return [...problems, ...unplanned.map((name) => `${name} of the file is not in the plan, so nothing protects it`)];
}

function differences(plan: DatasourceEntry, { datasource, type, databaseName }: ParsedDatabase): string[] {
  const differ = (what: string, inFile: string | undefined, inPlan: string) =>
    // What only a running server knows was resolved when the plan was made.
    inFile === undefined || inFile === inPlan || isReferenceIn(inFile) || inPlan === ''
      ? []
      : [`${what} of ${datasource} is ${inFile} in the file, ${inPlan} in the plan`];
  return [
    ...differ('type', type === 'unknown' ? undefined : type, plan.type),
    ...differ('name', databaseName, plan.databaseName),
  ];
}
