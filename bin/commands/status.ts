import type { Command } from 'commander';
import { ExitStatus, run, showProgress } from '../archive/command';
import { findDeployment } from '../recovery/find-deployment';
import { type DeploymentOptions, withDeploymentOptions } from '../recovery/options';
import { renderStatus } from '../recovery/status/render';
import { see } from '../recovery/status/see';
import { judgeStatus } from '../recovery/status/status';

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
          showProgress('looking at both sites');
          return judgeStatus(await see(await findDeployment(options), new Date()));
        },
        (status) => ({
          text: renderStatus(status, process.stdout),
          status: status.status === 'green' ? ExitStatus.ok : ExitStatus.no,
        }),
      ),
    );
}
