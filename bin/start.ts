#!/usr/bin/env node
/**
 * What `wso2is-recovery` begins with: has Node keep what it compiled, so that the next start need not compile it again (a quarter
 * of the time of small commands). In a folder of the user's own: what is loaded from there is run.
 */
import * as nodeModule from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';

const cacheHome = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
// What is kept is what the first run compiled, and never added to: so those have their own that run long before they begin.
const command = ['export', 'restore', 'verify'].find((name) => name === process.argv[2]) ?? 'others';
// Nothing is said where it cannot be written, and nothing lost. Node 20 has no such thing.
nodeModule.enableCompileCache?.(join(cacheHome, 'wso2is-recovery', command));

// What is loaded before that is not kept.
void import('./wso2is-recovery');
