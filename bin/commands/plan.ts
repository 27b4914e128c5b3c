import type { Command } from 'commander';
import { ExitStatus, run } from '../output';
import { addPlanOptions, type PlanOptions } from '../plan/options';

/** Exit status 0: feasible; 1: an objective cannot be met; 2: bad input. */
export function registerPlan(program: Command): void {
  const command = program
    .command('plan')
    .description(
      'say how the objectives will be met, with the arithmetic, before anything is deployed; needs no account',
    );
  addPlanOptions(command).action(async (options: PlanOptions) => {
    const { makePlan, renderPlan } = await import('../plan/make-plan');
    await run(
      options,
      () => makePlan(options),
      (output) => ({
        text: renderPlan(output).trimEnd(),
        status: output.infeasible.length === 0 ? ExitStatus.ok : ExitStatus.no,
      }),
    );
  });
}
