/** What the commands on a deployment share: which deployment, and where its sites are. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { awsRegion, notEmpty } from '../arguments';

export interface DeploymentOptions {
  readonly json?: boolean;
  /** The DR Region. */
  readonly region?: string;
  readonly primaryRegion?: string;
  /** Of the shared AWS configuration, where the primary Region is in another account. */
  readonly primaryProfile?: string;
  readonly siteName?: string;
  readonly deployment?: string;
}

export const withDeploymentOptions = (command: Command): Command =>
  command
    .option('--region <region>', 'the DR Region (default: that of the AWS configuration)', awsRegion)
    .option('--deployment <name>', 'the deployment (default: the only one of the site)', name)
    .option('--site-name <name>', 'the DR site (default: the only one of the Region)', name)
    .option('--primary-region <region>', 'where production runs (default: as the recovery plan says)', awsRegion)
    .option(
      '--primary-profile <profile>',
      'AWS profile for there, where that is another account than of the DR site',
      notEmpty,
    )
    .option('--json', 'print JSON');

/** Part of keys in the bucket. */
function name(text: string): string {
  if (!/^[a-z0-9][a-z0-9-]*$/.test(text)) {
    throw new InvalidArgumentError('It must be lower-case letters, digits and hyphens.');
  }
  return text;
}

/** Whence `drill` and `recover --site` take the files. */
export const volumesFromOption = () =>
  new Option(
    '--volumes-from <source>',
    'the files from the archive, or from recovery points of AWS Backup (with --site)',
  )
    .choices(['archive', 'backup'])
    .default('archive');
