/** cfn-lint over synthesized templates, in a Python environment of its own. */
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { pythonEnvironment } from '../local/venv';

/** What it says of the templates, and its exit status; W3005 apart: the CDK writes dependencies that a reference already says. */
export async function cfnLint(
  templates: readonly string[],
  ignored: readonly string[] = [],
): Promise<{ readonly findings: string; readonly status: number | null }> {
  // Of its thousands of modules, the few that it loads are compiled when it does.
  process.env.PIP_NO_COMPILE = '1';
  const python = await pythonEnvironment(() => {}, { requirements: 'requirements-test.txt' });
  const { status, stdout, stderr } = spawnSync(
    join(dirname(python), 'cfn-lint'),
    [`--ignore-checks=${['W3005', ...ignored].join(',')}`, '--', ...templates],
    { encoding: 'utf8' },
  );
  return { findings: stdout + stderr, status };
}
