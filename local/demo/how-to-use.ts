import { relative } from 'node:path';
import type { LocalAws } from '../local-aws';
import type { Deployed } from './deployed';

/** For `--keep`: what can be done with what is left running, as commands to paste. */
export function howToUse(
  aws: LocalAws,
  { regions, plan, drill, volumes, replicaBucket }: Deployed,
  configuration: string,
): string {
  const exports = [
    'AWS_ENDPOINT_URL',
    'AWS_ACCESS_KEY_ID',
    'AWS_SECRET_ACCESS_KEY',
    'AWS_CONFIG_FILE',
    'AWS_SHARED_CREDENTIALS_FILE',
  ]
    .map((name) => `  export ${name}=${aws.env[name]}`)
    .join('\n');
  return `
Everything is running, and ${regions.primary} is back. In another terminal, in this folder:

${exports}

  aws --region ${regions.dr} s3 ls s3://${replicaBucket} --recursive
  aws --region ${regions.primary} backup list-backup-jobs
  npx cdk diff --context config=${relative(process.cwd(), configuration)}
  aws --region ${regions.primary} lambda invoke --function-name ${volumes[0]?.exportFunction} /dev/stdout
  aws --region ${regions.dr} lambda invoke --invocation-type Event --cli-binary-format raw-in-base64-out \\
      --function-name ${drill.functionName} --qualifier ${drill.qualifier} \\
      --payload '{"deployment":"${plan.deployment}"}' /dev/stdout

The files of the volume: ${volumes.map(({ path }) => path).join(', ')}
Press Ctrl-C here to stop everything.
`;
}
