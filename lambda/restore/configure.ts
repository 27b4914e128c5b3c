import { readFile } from 'node:fs/promises';
import { configurationChanges, type NewEndpoint } from '../../lib/deployment/configuration-changes';
import { parseDeployment, type ParsedDatabase } from '../../lib/deployment/parse';
import type { ConfigureResult } from './contract';

/**
 * What a restored `deployment.toml` must say differently; the file itself stays as it was restored.
 *
 * @param name stands in messages
 */
export async function changesOfFile(
  path: string,
  name: string,
  endpoints: readonly NewEndpoint[],
): Promise<ConfigureResult> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  });
  return text === undefined
    ? { found: false, changes: [] }
    : { found: true, changes: configurationChanges(endpoints, databasesOf(text, name)) };
}

function databasesOf(text: string, name: string): readonly ParsedDatabase[] {
  try {
    return parseDeployment(text, name).databases;
  } catch {
    // Without the parser's words, and without them as a cause: they quote the file, which holds passwords.
    throw new Error(`${name} cannot be read as deployment.toml`);
  }
}
