// Bundles the Lambda functions and the commands: what is deployed is exactly what is tested and published.
//
// A file is replaced as a whole, and only where it changed: a demo or a deployment that runs beside a build reads it.
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { build, type BuildOptions, type Metafile, type Plugin } from 'esbuild';
import { bundleOf } from '../lib/private/bundle-layout';

const root = join(__dirname, '..');
const common = {
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'cjs',
  // Of the SDK only what is used: its other form is one piece, and takes half as long again to load.
  mainFields: ['module', 'main'] as string[],
  // What is loaded later comes by `require`: which finds `./engines/mysql` without its extension, and takes a module of Node as it
  // is, where `import('node:http')` asks for each of its exports, and has a client of WebSockets loaded for that (20 ms).
  supported: { 'dynamic-import': false },
  logLevel: 'warning',
  legalComments: 'none',
} as const;

/** What runs in the worker threads of the archive engine: a file of its own beside each bundle that starts them. */
const ARCHIVE_THREAD = join(root, 'lambda/archive/crew/thread.ts');
const STARTS_THREADS = ['lambda/export-turn', 'lambda/restore', 'lambda/baseline', 'bin'];

/** The drivers of databases, by the folder of the bundle that loads them. */
const ENGINES = 'lambda/check/databases/engines';
const LOADS_ENGINES = 'dist/lambda/check';

/** Its tables are half of the drivers that load it: one file beside them. */
const SHARED_BY_DRIVERS = 'iconv-lite';
const sharedByDrivers = fileBeside(SHARED_BY_DRIVERS, SHARED_BY_DRIVERS);

/** What the command begins with, and the command proper: files of their own, or the first would be compiled with all of it. */
const COMMAND_START = 'start';
const COMMAND = 'wso2is-recovery';
const COMMAND_PROPER = 'command';
const startsCommand = fileBeside(`./${COMMAND}`, COMMAND_PROPER);

/** Has a bundle load a module from a file beside it. */
function fileBeside(module: string, file: string): Plugin {
  const filter = new RegExp(`^${module.replaceAll('.', '\\.')}$`);
  return {
    name: `${file} beside the bundle`,
    setup: ({ onResolve }) => onResolve({ filter }, () => ({ path: `./${file}.js`, external: true })),
  };
}

async function main() {
  const functions = readdirSync(join(root, 'lambda')).filter((name) =>
    existsSync(join(root, 'lambda', name, 'handler.ts')),
  );
  // Some share a bundle, which is built once.
  const places = new Map(functions.map((name) => [bundleOf(name).source, bundleOf(name)]));
  removeAllBut(
    Array.from(places.values(), ({ folder }) => folder),
    join(root, 'dist/lambda'),
  );
  await Promise.all([
    ...Array.from(places, ([source, { folder, module }]) =>
      bundle({
        ...common,
        entryPoints: [join(root, 'lambda', source)],
        outfile: join(root, 'dist/lambda', folder, `${module}.js`),
        minify: true,
        keepNames: true,
        // Drivers are loaded when a database of their kind is there: each is a bundle of its own, below.
        external: ['./engines/*'],
      }),
    ),
    ...readdirSync(join(root, ENGINES)).map((file) =>
      bundle({
        ...common,
        entryPoints: [join(root, ENGINES, file)],
        outfile: join(root, LOADS_ENGINES, 'engines', file.replace(/\.ts$/, '.js')),
        minify: true,
        keepNames: true,
        // pg looks for its optional native binding; nobody installs it here.
        external: ['pg-native'],
        alias: { '@azure/identity': join(root, 'build/no-azure-identity.ts') },
        plugins: [sharedByDrivers],
      }),
    ),
    bundle({
      ...common,
      entryPoints: [require.resolve(SHARED_BY_DRIVERS)],
      outfile: join(root, LOADS_ENGINES, 'engines', `${SHARED_BY_DRIVERS}.js`),
      minify: true,
    }),
    ...STARTS_THREADS.map((folder) =>
      bundle({
        ...common,
        entryPoints: [ARCHIVE_THREAD],
        outfile: join(root, 'dist', folder, 'archive-thread.js'),
      }),
    ),
    bundle({
      ...common,
      entryPoints: [join(root, 'bin', `${COMMAND_START}.ts`)],
      outfile: join(root, 'dist/bin', `${COMMAND}.js`),
      minify: true,
      plugins: [startsCommand],
    }),
    ...[
      [COMMAND, COMMAND_PROPER],
      ['app', 'app'],
    ].map(([source, name]) =>
      bundle({
        ...common,
        entryPoints: [join(root, 'bin', `${source}.ts`)],
        outfile: join(root, 'dist/bin', `${name}.js`),
        minify: true,
        keepNames: true,
        // What the user's own project provides, and the library as it is published.
        external: ['aws-cdk-lib', 'aws-cdk-lib/*', 'constructs', 'pg-native'],
      }),
    ),
  ]);
  writeWhole(join(root, 'dist/bundles.json'), Buffer.from(JSON.stringify(all)));
}

/** What went into which bundle, of all of them: `build/third-party.ts` tells from it whose code is published. */
const all: Metafile = { inputs: {}, outputs: {} };

async function bundle(options: BuildOptions & { readonly outfile: string }): Promise<void> {
  const { outputFiles, metafile } = await build({ ...options, absWorkingDir: root, metafile: true, write: false });
  Object.assign(all.inputs, metafile.inputs);
  Object.assign(all.outputs, metafile.outputs);
  for (const { path, contents } of outputFiles!) writeWhole(path, contents);
}

function writeWhole(path: string, contents: Uint8Array): void {
  if (existsSync(path) && readFileSync(path).equals(contents)) return;
  mkdirSync(dirname(path), { recursive: true });
  const beside = `${path}.${process.pid}`;
  const isCommand = contents[0] === 0x23 && contents[1] === 0x21; // #!
  writeFileSync(beside, contents, { mode: isCommand ? 0o755 : 0o644 });
  renameSync(beside, path);
}

/** Functions that are no more. */
function removeAllBut(names: readonly string[], folder: string): void {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder))
    if (!names.includes(name)) rmSync(join(folder, name), { recursive: true, force: true });
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
