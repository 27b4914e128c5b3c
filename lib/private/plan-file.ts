import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Annotations, attachCustomSynthesis, Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { formatDuration } from '../planning/duration';
import type { PlanLine, Site } from '../planning/plan-document';
import { planTable } from '../planning/plan-table';
import type { PlanResult } from '../planning/plan-types';

/** Writes the plan with its arithmetic beside the synthesized templates, and says in a line what it promises. */
export function planFile(scope: Construct, deployment: string, plan: PlanResult): void {
  const name = `${Stack.of(scope).artifactId}.${deployment}.recovery-plan.txt`;
  attachCustomSynthesis(scope, {
    onSynthesize: ({ outdir }) => writeFileSync(join(outdir, name), planTable(plan)),
  });
  Annotations.of(scope).addInfoV2(
    'cdk-wso2is-recovery:plan',
    `recovery plan of ${deployment}: at worst ${worst(plan.lines, 'in-region')} are lost in the Region and ` +
      `${worst(plan.lines, 'dr-site')} at the DR site, for roughly ${plan.usdPerMonth.toFixed(2)} USD a month; ` +
      `the arithmetic is in ${name} of the cloud assembly`,
  );
}

const worst = (lines: readonly PlanLine[], site: Site) =>
  formatDuration(
    Math.max(
      ...lines
        .filter((line) => line.site === site && line.purpose === 'promise')
        .map(({ worstCaseSeconds }) => worstCaseSeconds),
    ),
  );
