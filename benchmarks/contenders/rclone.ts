/** rclone: an object a file; and as the way to S3 of `tar | zstd | upload`. */
import { REGION } from '../server/server';
import { versionOf } from '../tools';
import type { Archive, Contender } from './contender';

const environment = ({ endpoint, credentials }: Archive) => ({
  RCLONE_CONFIG_BENCH_TYPE: 's3',
  RCLONE_CONFIG_BENCH_PROVIDER: 'Other',
  RCLONE_CONFIG_BENCH_ENDPOINT: endpoint,
  RCLONE_CONFIG_BENCH_REGION: REGION,
  RCLONE_CONFIG_BENCH_ACCESS_KEY_ID: credentials.accessKeyId,
  RCLONE_CONFIG_BENCH_SECRET_ACCESS_KEY: credentials.secretAccessKey,
});

export function rclone(): Contender | undefined {
  const version = versionOf('rclone', 'version');
  if (version === undefined) return undefined;
  const sync = (archive: Archive, from: string, to: string) => ({
    program: 'rclone',
    arguments: ['sync', '--links', '--fast-list', '--transfers', '32', '--checkers', '64', from, to],
    env: environment(archive),
  });
  const place = ({ bucket }: Archive) => `bench:${bucket}/files`;
  return {
    name: 'rclone',
    version,
    keeps: 'content',
    incremental: true,
    slow: true,
    export: (tree, archive) => sync(archive, tree, place(archive)),
    restore: (archive, target) => sync(archive, place(archive), target),
  };
}

/** The shell's way, with all cores for zstd, and parts that are large enough for the upload to keep up. */
export function tar(): Contender | undefined {
  const [version, zstd, uploader] = [
    versionOf('tar', '--version'),
    versionOf('zstd', '-V'),
    versionOf('rclone', 'version'),
  ];
  if (version === undefined || zstd === undefined || uploader === undefined) return undefined;
  const shell = (archive: Archive, script: string, ...args: readonly string[]) => ({
    program: 'bash',
    arguments: ['-c', `set -eo pipefail; ${script}`, 'bash', ...args],
    env: environment(archive),
  });
  const place = ({ bucket }: Archive) => `bench:${bucket}/tree.tar.zst`;
  return {
    name: 'tar | zstd | upload',
    version: `${version}, ${/v[\d.]+/.exec(zstd)?.[0] ?? zstd}, ${uploader}`,
    keeps: 'everything',
    incremental: false,
    export: (tree, archive) =>
      shell(archive, 'tar -C "$1" -c . | zstd -q -T0 -3 | rclone rcat --s3-chunk-size 32M "$2"', tree, place(archive)),
    restore: (archive, target) =>
      shell(archive, 'mkdir "$1"; rclone cat "$2" | zstd -q -dc | tar -C "$1" -xp', target, place(archive)),
    verify: (archive) => shell(archive, 'rclone cat "$1" | zstd -q -t', place(archive)),
  };
}
