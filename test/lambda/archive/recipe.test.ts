// The script of docs/archive-format.md restores a point with nothing of this project.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, linkSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { DirectoryVolume, exportVolume, MemoryStore } from '../../../lambda/archive';
import { describeTree, temporaryFolder } from './support/trees';

const has = (program: string) => spawnSync(program, ['--version']).status === 0;

/** The two things that the script asks of the AWS CLI, with a folder for the bucket. */
const AWS = `#!/bin/sh
case "$2" in
  ls) for file in "$BUCKET/\${3#s3://bucket/}"*; do echo "2099-01-05 10:00:00 1 \${file##*/}"; done ;;
  cp) mkdir -p "$(dirname "$5")" && cp "$BUCKET/\${4#s3://bucket/}" "$5" ;;
esac
`;

test('the script of the format page restores a point', (t) => run(t));

async function run(t: { skip: (reason: string) => void }) {
  if (!has('zstd') || !has('jq')) return t.skip('zstd or jq is not installed here');
  const root = join(temporaryFolder(), 'repository');
  mkdirSync(join(root, 'conf/read-only'), { recursive: true });
  writeFileSync(join(root, 'conf/deployment.toml'), 'hostname = "is.example.com"\n');
  writeFileSync(join(root, 'conf/empty'), '');
  writeFileSync(join(root, 'conf/ -odd "name"\n'), 'odd');
  writeFileSync(join(root, 'large'), Buffer.from(Array.from({ length: 9_000_000 }, (_, i) => (i * i) >> 7)));
  linkSync(join(root, 'large'), join(root, 'large-too'));
  symlinkSync('../é', join(root, 'conf/link'));
  // Newlines at the end, what looks like an escape, and bytes that are no UTF-8: of files, directories and both ends of links.
  for (const [index, odd] of ['\n', '\\udcff', '\u{1f600}\n\n', 'e\u0301', '-rf', '\\\\', '"']
    .map((name) => Buffer.from(name))
    .concat(['ff', '80', 'c0af', '61fe0a', 'edb3bf', '5cffc3a9', 'f09f98'].map((hex) => Buffer.from(hex, 'hex')))
    .entries()) {
    const at = (folder: string) => Buffer.concat([Buffer.from(`${root}/odd/${folder}`), odd]);
    if (index === 0) mkdirSync(join(root, 'odd'));
    writeFileSync(at('file'), odd);
    mkdirSync(at('directory'));
    writeFileSync(Buffer.concat([at('directory'), Buffer.from('/in')]), odd);
    symlinkSync(odd, at('symlink'));
    linkSync(at('file'), at('hard'));
    chmodSync(at('directory'), 0o750);
  }
  chmodSync(join(root, 'conf/deployment.toml'), 0o600);
  chmodSync(join(root, 'conf/read-only'), 0o555);
  const store = new MemoryStore();
  await exportVolume({ volume: new DirectoryVolume(root), store, volumeName: 'r', mountedAt: 'repository' });

  const folder = temporaryFolder();
  for (const [key, body] of store.objects) {
    mkdirSync(dirname(join(folder, 'bucket/a', key)), { recursive: true });
    writeFileSync(join(folder, 'bucket/a', key), body);
  }
  mkdirSync(join(folder, 'bin'));
  writeFileSync(join(folder, 'bin/aws'), AWS, { mode: 0o755 });
  const page = readFileSync(join(__dirname, '../../../docs/archive-format.md'), 'utf8');
  const script = /```sh\n([^]*?)```/.exec(page)![1]!;
  const target = join(folder, 'restored');
  execFileSync('sh', ['-c', script, 'sh', 's3://bucket/a', target], {
    env: { PATH: `${join(folder, 'bin')}:${process.env['PATH']}`, BUCKET: join(folder, 'bucket') },
  });
  // Without times and owners.
  const withoutTimes = (tree: string) => describeTree(tree).map((line) => line.replace(/ \d+:\d+ -?\d+/, ''));
  assert.deepEqual(withoutTimes(target).slice(1), withoutTimes(root).slice(1));
}
