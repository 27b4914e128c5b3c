// Bundles the Lambda functions and the commands: what is deployed is exactly what is tested and published.
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

const root = join(__dirname, '..');
const common = {
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'cjs',
  logLevel: 'warning',
  legalComments: 'none',
} as const;

/** What runs in the worker threads of the archive engine: a file of its own beside each bundle that starts them. */
const ARCHIVE_THREAD = join(root, 'lambda/archive/crew/thread.ts');
const STARTS_THREADS = ['lambda/export', 'lambda/restore', 'bin'];

async function main() {
  const functions = readdirSync(join(root, 'lambda')).filter((name) =>
    existsSync(join(root, 'lambda', name, 'handler.ts')),
  );
  rmSync(join(root, 'dist/lambda'), { recursive: true, force: true });
  await Promise.all([
    ...functions.map((name) =>
      build({
        ...common,
        entryPoints: [join(root, 'lambda', name, 'handler.ts')],
        outfile: join(root, 'dist/lambda', name, 'index.js'),
        minify: true,
        keepNames: true,
        // pg looks for its optional native binding; nobody installs it here.
        external: ['pg-native'],
      }),
    ),
    ...STARTS_THREADS.map((folder) =>
      build({
        ...common,
        entryPoints: [ARCHIVE_THREAD],
        outfile: join(root, 'dist', folder, 'archive-thread.js'),
      }),
    ),
    ...['wso2is-recovery', 'app']
      .filter((name) => existsSync(join(root, 'bin', `${name}.ts`)))
      .map((name) =>
        build({
          ...common,
          entryPoints: [join(root, 'bin', `${name}.ts`)],
          outfile: join(root, 'dist/bin', `${name}.js`),
          // What the user's own project provides, and the library as it is published.
          external: ['aws-cdk-lib', 'aws-cdk-lib/*', 'constructs', 'pg-native'],
        }),
      ),
  ]);
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
