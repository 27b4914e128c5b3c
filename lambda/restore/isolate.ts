import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DeploymentTomlError } from '../../lib/deployment/errors';
import { isolatedConfiguration } from '../../lib/deployment/isolated-configuration';
import type { NewEndpoint } from '../../lib/deployment/configuration-changes';
import type { IsolateResult } from './contract';

/**
 * Writes the `deployment.toml` with which a booted copy meets nothing of production beside the restored tree, which stays as
 * it was restored.
 *
 * @throws where there is none, or it cannot be isolated
 */
export async function isolateFile(
  source: string,
  name: string,
  destination: string,
  endpoints: readonly NewEndpoint[],
): Promise<IsolateResult> {
  const text = await readFile(source, 'utf8');
  const { text: isolated, changed, left, references, port } = isolate(text, name, endpoints);
  await mkdir(dirname(destination), { recursive: true, mode: 0o755 });
  await writeFile(destination, isolated);
  return { port, changed: changed.map(({ key }) => key), left, references };
}

function isolate(text: string, name: string, endpoints: readonly NewEndpoint[]) {
  try {
    return isolatedConfiguration(text, name, endpoints);
  } catch (error) {
    // The words of an isolation name sections and keys alone; those of the parser quote the file, which holds passwords.
    if (error instanceof DeploymentTomlError && error.message.includes(': cannot be isolated from production: '))
      throw error;
    // eslint-disable-next-line preserve-caught-error -- a cause would carry the quotation with it
    throw new Error(`${name} cannot be read as deployment.toml`);
  }
}
