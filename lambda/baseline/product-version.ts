import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The readme of a distribution begins with `WSO2 Identity Server 7.1.0` between two lines. Undefined: it does not say. */
export function productVersionOf(isHome: string): string | undefined {
  try {
    const head = readFileSync(join(isHome, 'README.txt'), 'utf8').slice(0, 1000);
    return /^WSO2 Identity Server (\d+\.\d+\.\d+(?:[.-][A-Za-z0-9.-]+)?)\s*$/m.exec(head)?.[1];
  } catch {
    return undefined;
  }
}
