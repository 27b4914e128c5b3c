/** This project's command, bundled as it is published. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { REGION } from '../server/server';
import { type Archive, awsEnvironment, type Contender } from './contender';

export const OURS = 'wso2is-recovery';
const root = join(__dirname, '..', '..');
export const OUR_COMMAND = join(root, 'dist', 'bin', 'wso2is-recovery.js');

export function ours(): Contender {
  if (!existsSync(OUR_COMMAND)) throw new Error(`${OUR_COMMAND} is not there: run \`npm run build:functions\``);
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const command = (archive: Archive, ...args: string[]) => ({
    program: process.execPath,
    arguments: [OUR_COMMAND, ...args, '--endpoint-url', archive.endpoint],
    env: awsEnvironment(archive, REGION),
  });
  const place = ({ bucket }: Archive) => `s3://${bucket}/archives/bench`;
  return {
    name: OURS,
    version: `${version} on Node ${process.versions.node}`,
    keeps: 'everything',
    incremental: true,
    export: (tree, archive) => command(archive, 'export', tree, place(archive)),
    restore: (archive, target) => command(archive, 'restore', place(archive), target),
    verify: (archive) => command(archive, 'verify', '--read-data', place(archive)),
  };
}
