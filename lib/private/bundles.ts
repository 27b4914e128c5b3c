import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { bundleOf } from './bundle-layout';

/** The functions that this package ships, by their folder below `lambda`. */
export type Bundle =
  | 'baseline'
  | 'export'
  | 'export-turn'
  | 'restore'
  | 'check'
  | 'drill'
  | 'reaper'
  | 'watch'
  | 'watch-points'
  | 'count'
  | 'tell'
  | 'restore-testing'
  | 'drift';

/** The only place that knows where the bundles are. Works from the sources (`lib/`) and from the package (`dist/lib/`). */
export function bundledCode(name: Bundle): { readonly code: Code; readonly handler: string } {
  const { folder, module, handler } = bundleOf(name);
  const path = join(packageRoot(__dirname), 'dist', 'lambda', folder);
  if (!existsSync(join(path, `${module}.js`))) {
    throw new Error(
      `The bundle of the ${name} function is missing (${path}): in a checkout run \`npm run build:functions\` first`,
    );
  }
  return { code: Code.fromAsset(path), handler: `${module}.${handler}` };
}

function packageRoot(folder: string): string {
  if (existsSync(join(folder, 'package.json'))) return folder;
  const parent = dirname(folder);
  if (parent === folder) throw new Error(`No package.json above ${__dirname}: the package is not installed whole`);
  return packageRoot(parent);
}
