/** Whether a booted copy of Identity Server is healthy and issues a token. */
import { request } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BootEvent } from './boot-contract';
import type { CheckOutcome, CheckResult } from './contract';

export interface BootSurroundings {
  readonly readSecret: (arn: string) => Promise<string | undefined>;
  readonly nowMs: () => number;
  /** Between two questions, milliseconds. Default: 5 s, of which a server that takes a minute does not suffer. */
  readonly pauseMs?: number;
}

/** Never throws: what went wrong is an outcome. */
export async function checkBoot(event: BootEvent, surroundings: BootSurroundings): Promise<CheckResult> {
  const health = await timed('boot-health', surroundings, () => becomesHealthy(event, surroundings));
  if (event.tokenSecretArn === undefined) return { checks: [health] };
  const arn = event.tokenSecretArn;
  const token = await timed('boot-token', surroundings, () =>
    health.status === 'PASSED'
      ? issuesToken(event, arn, surroundings)
      : Promise.resolve(failed('no token was asked for: the server did not become healthy', {})),
  );
  return { checks: [health, token] };
}

type Finding = Pick<CheckOutcome, 'status' | 'reason' | 'compared'>;

const failed = (reason: string, compared: CheckOutcome['compared']): Finding => ({
  status: 'FAILED',
  reason,
  compared,
});

async function becomesHealthy(event: BootEvent, { nowMs, pauseMs = 5000 }: BootSurroundings): Promise<Finding> {
  const { healthPath, timeoutSeconds } = event;
  const startedMs = nowMs();
  const leftMs = () => startedMs + 1000 * timeoutSeconds - nowMs();
  let attempts = 0;
  let seen: string;
  for (;;) {
    attempts++;
    try {
      const { status } = await ask(event, { method: 'GET', path: healthPath }, Math.max(1, Math.ceil(leftMs())));
      if (status === 200) {
        const seconds = Math.round((nowMs() - startedMs) / 1000);
        return {
          status: 'PASSED',
          reason: `the restored copy answered ${healthPath} with 200 after ${seconds} s`,
          compared: { status, seconds, attempts },
        };
      }
      seen = `status ${status}`;
    } catch (error) {
      seen = messageOf(error);
    }
    if (leftMs() <= pauseMs) break;
    await sleep(pauseMs);
  }
  return failed(
    `the restored copy did not answer ${healthPath} with 200 within ${timeoutSeconds} s (last: ${seen}): its log says why`,
    { attempts, last: seen },
  );
}

async function issuesToken(event: BootEvent, arn: string, { readSecret }: BootSurroundings): Promise<Finding> {
  const client = clientOf(await readSecret(arn));
  if (client === undefined) {
    return failed('the secret of the test client must be JSON with `clientId` and `clientSecret`: write it so', {});
  }
  const basic = [client.clientId, client.clientSecret].map(encodeURIComponent).join(':');
  const { status, body } = await ask(
    event,
    {
      method: 'POST',
      path: '/oauth2/token',
      headers: {
        authorization: `Basic ${Buffer.from(basic).toString('base64')}`,
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: 'grant_type=client_credentials',
    },
    TOKEN_TIMEOUT_MS,
  );
  const answer = jsonOf(body);
  const token = answer?.['access_token'];
  const compared = { status, tokenCharacters: typeof token === 'string' ? token.length : 0 };
  if (status === 200 && typeof token === 'string' && token !== '') {
    return { status: 'PASSED', reason: 'the restored copy issued a token to the test client', compared };
  }
  // OAuth's own code (RFC 6749, 5.2) alone: a body may hold anything.
  const code = answer?.['error'];
  const why = typeof code === 'string' && /^[a-z_]{1,40}$/.test(code) ? ` (${code})` : '';
  return failed(`the restored copy issued no token: status ${status}${why}`, compared);
}

/** A server that serves issues a token in well under a second. */
const TOKEN_TIMEOUT_MS = 30_000;

/** More than a health report or a token needs; a body beyond it is cut. */
const LONGEST_BODY = 65_536;

interface Question {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** The certificate is for production's name: inside the isolated network the address says who answers. */
function ask({ address, port }: BootEvent, { body, ...question }: Question, timeoutMs: number) {
  return new Promise<{ readonly status: number; readonly body: string }>((resolve, reject) => {
    const signal = AbortSignal.timeout(timeoutMs);
    const sent = request(
      { hostname: address, port, ...question, rejectUnauthorized: false, agent: false, signal },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (part: string) => (text = (text + part).slice(0, LONGEST_BODY)));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }));
        response.on('error', reject);
      },
    );
    sent.on('error', (error) => reject(signal.aborted ? new Error('no answer in time') : error));
    sent.end(body);
  });
}

function clientOf(secret: string | undefined): { clientId: string; clientSecret: string } | undefined {
  const { clientId, clientSecret } = (secret === undefined ? undefined : jsonOf(secret)) ?? {};
  return typeof clientId === 'string' && typeof clientSecret === 'string' ? { clientId, clientSecret } : undefined;
}

function jsonOf(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

async function timed(check: string, { nowMs }: BootSurroundings, run: () => Promise<Finding>): Promise<CheckOutcome> {
  const startedMs = nowMs();
  const finding = await run().catch((error: unknown) => failed(`the check could not be made: ${messageOf(error)}`, {}));
  return { check, component: 'deployment', ...finding, durationMs: Math.round(nowMs() - startedMs) };
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message || error.name : String(error));
