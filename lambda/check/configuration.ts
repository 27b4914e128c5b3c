import { parseDeployment, type ParsedDeployment } from '../../lib/deployment/parse';
import type { RestoredTree } from './restored-tree';

/** The restored `deployment.toml`, or why there is none to look at. */
export type Configuration =
  | { readonly kind: 'parsed'; readonly path: string; readonly deployment: ParsedDeployment }
  | { readonly kind: 'on-no-volume'; readonly path: string }
  | { readonly kind: 'missing'; readonly path: string };

/** @throws where it cannot be parsed, without the words of the file: passwords are in it. */
export async function readConfiguration(tree: RestoredTree, path: string): Promise<Configuration> {
  if (tree.volumeOf(path) === undefined) return { kind: 'on-no-volume', path };
  const text = await tree.readText(path);
  return text === undefined ? { kind: 'missing', path } : { kind: 'parsed', path, deployment: parse(text, path) };
}

function parse(text: string, path: string): ParsedDeployment {
  try {
    return parseDeployment(text, path);
  } catch (error) {
    // Only where it fails, never the parser's words: they quote the file.
    const [, line] = /:(\d+)/.exec(error instanceof Error ? error.message : '') ?? [];
    // eslint-disable-next-line preserve-caught-error -- a cause would carry the quotation with it
    throw new Error(
      `the restored ${path} cannot be read as deployment.toml${line === undefined ? '' : ` (line ${line})`}: restore an older export`,
    );
  }
}
