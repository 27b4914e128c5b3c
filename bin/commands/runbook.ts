import type { Command } from 'commander';
import { ExitStatus, run } from '../output';
import { type DeploymentOptions, withDeploymentOptions } from '../recovery/options';

/** Exit status 0: printed; 2: bad input, or nothing was found. */
export function registerRunbook(program: Command): void {
  withDeploymentOptions(program.command('runbook'))
    .description('print what to do in a disaster, in order, with the names of the deployment (Markdown)')
    .action((options: DeploymentOptions) =>
      run(
        options,
        async () => {
          const { runbook } = await import('../../lib/runbook/runbook');
          const { findDeployment } = await import('../recovery/find-deployment');
          const { plan, site } = await findDeployment(options);
          return { formatVersion: 1, deployment: plan.deployment, runbook: runbook(plan, site.bucket) };
        },
        (result) => ({ text: result.runbook.trimEnd(), status: ExitStatus.ok }),
      ),
    );
}
