import type { Command } from 'commander';
import { ExitStatus, run, showProgress } from '../output';
import { type DeploymentOptions, withDeploymentOptions } from '../recovery/options';

/** Exit status 0: everything is green; 1: something is red, or could not be seen; 2: bad input, or nothing was found. */
export function registerStatus(program: Command): void {
  withDeploymentOptions(program.command('status'))
    .description(
      'say whether a deployment can be recovered now: the newest usable point of each component at each site, its age, the last drill',
    )
    .action((options: DeploymentOptions) =>
      run(
        options,
        async () => {
          const { findDeployment } = await import('../recovery/find-deployment');
          const { see } = await import('../recovery/status/see');
          const { judgeStatus } = await import('../recovery/status/status');
          showProgress('looking at both sites');
          return judgeStatus(await see(await findDeployment(options), new Date()));
        },
        async (status) => {
          const { renderStatus } = await import('../recovery/status/render');
          return {
            text: renderStatus(status, process.stdout),
            status: status.status === 'green' ? ExitStatus.ok : ExitStatus.no,
          };
        },
      ),
    );
}
