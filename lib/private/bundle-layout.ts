/** Where the bundle of a function is: known to what builds it and to what deploys it. */
export interface BundlePlace {
  /** Below `dist/lambda`: what is deployed, one asset. */
  readonly folder: string;
  /** The file there that has `handler`, without `.js`. */
  readonly module: string;
}

/**
 * One folder a function, but for the one that counts rows: it logs in to the databases as `check` does, and the drivers of four
 * engines are the most that the package weighs.
 *
 * @param name folder below `lambda`
 */
export function bundleOf(name: string): BundlePlace {
  return name === 'count' ? { folder: 'check', module: 'count' } : { folder: name, module: 'index' };
}
