/** Where the bundle of a function is: known to what builds it and to what deploys it. */
export interface BundlePlace {
  /** Below `dist/lambda`: what is deployed, one asset. */
  readonly folder: string;
  /** The file there that has the handler, without `.js`. */
  readonly module: string;
  /** Its name in that file. */
  readonly handler: string;
  /** What it is built of, below `lambda`. */
  readonly source: string;
}

/** Functions that share a bundle, and what each is called in it. */
const WATCHING: Readonly<Record<string, string>> = {
  drift: 'drift',
  'restore-testing': 'restoreTesting',
  tell: 'tell',
  watch: 'watch',
  'watch-points': 'watchPoints',
};

/**
 * One folder a function, but for the one that counts rows: it logs in to the databases as `check` does, and the drivers of four
 * engines are the most that the package weighs. Those that watch and tell are one file: four times the same clients of AWS would
 * be half a megabyte more to publish.
 *
 * @param name folder below `lambda`
 */
export function bundleOf(name: string): BundlePlace {
  const watching = WATCHING[name];
  if (watching !== undefined)
    return { folder: 'watching', module: 'index', handler: watching, source: 'shared/watching.ts' };
  const own = { handler: 'handler', source: `${name}/handler.ts` };
  return name === 'count' ? { folder: 'check', module: 'count', ...own } : { folder: name, module: 'index', ...own };
}
