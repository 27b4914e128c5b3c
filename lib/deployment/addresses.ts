/** Which texts of `deployment.toml` lead a server to somebody else, and what they become where it must meet nobody. */
import { isReferenceIn } from './references';

/** Never resolves, anywhere: RFC 2606 keeps `.invalid` for this. */
export const UNREACHABLE = 'isolated.invalid';

/** `scheme://user@host`; of a list of addresses in one text each is found. */
const URL_HOST = /([a-z][a-z0-9+.-]*:)?\/\/(?:[^\s/@,]*@)?(\[[^\]\s]*\]|(?:\$\w*\{[^{}]*\}|[^\s/:,?#;'"<>|{}])+)/gi;

/** A key of which a value is an address: `hostname`, `receiver_url`, `ConnectionURL`, `bootstrap_servers`. */
const ADDRESS_KEY =
  /(?:^|[_.a-z])(?:host|hostname|hosts|url|urls|uri|endpoint|endpoints|address|server|servers|brokers?)$/i;

/** Keys of names that look like addresses. */
const NAME_KEY =
  /(?:issuer|audience|dialect|claim|namespace|entity_?id|context|scope|type|alias|path|mail|mail_?address)(?:_?uris?|_?urls?)?$/i;

/** `db`, `db.example.com`, `10.0.0.1`, `host:8080`, `a:1,b:2` */
const HOSTS = /^(?:\[[0-9a-f:]+\]|[\w*?-]+(?:\.[\w*?-]+)*)(?::\d+)?(?:\s*,\s*[\w-]+(?:\.[\w-]+)*(?::\d+)?)*$/i;

/** What a switch or a number says under such a key. */
const NO_HOST = /^(?:true|false|\d+)$/i;

/** The server itself, in its own words too. */
const LOOPBACK =
  /^(?:localhost|127(?:\.\d+){3}|\[?::1\]?|0\.0\.0\.0|\$\{carbon\.(?:host|local\.ip)\}|\$ref\{[^{}]*\})$/i;

/** Whether every address in the text is the server itself, or one of `allowed`. */
export const isServerAddress = (text: string, allowed: ReadonlySet<string>): boolean => {
  const hosts = [...text.matchAll(URL_HOST)].map(([, , host]) => host);
  return hosts.length === 0 ? isSafe(text.trim(), allowed) : hosts.every((host) => isSafe(host, allowed));
};

/** Whether the text holds a URL that leads elsewhere. */
export const isOutward = (text: string, allowed: ReadonlySet<string>): boolean =>
  [...text.matchAll(URL_HOST)].some(([, scheme, host]) => scheme !== undefined && !isSafe(host, allowed));

/**
 * What stands in place of an address that leads elsewhere; undefined where the text is none, or leads nowhere else.
 *
 * @param ownName host name of the server in production, which becomes the server itself
 */
export function changeAddress(
  key: string,
  text: string,
  allowed: ReadonlySet<string>,
  ownName?: string,
): string | undefined {
  const isAddress = ADDRESS_KEY.test(key) && !NAME_KEY.test(key);
  const instead = (host: string) => (isSafe(host, allowed) ? host : host === ownName ? 'localhost' : UNREACHABLE);
  // A name may be an `http` URL; nobody names anything by the protocols of servers.
  const connects =
    new RegExp(URL_HOST.source, 'i').test(text) && /^(?!https?:|urn:|file:)[a-z][a-z0-9+.-]*:/i.test(text.trim());
  if (!isAddress && !connects) return undefined;
  const moved = text.replace(URL_HOST, (whole, _scheme: string | undefined, host: string) =>
    instead(host) === host ? whole : whole.slice(0, whole.length - host.length) + instead(host),
  );
  if (moved !== text) return moved;
  if (new RegExp(URL_HOST.source, 'i').test(text) || text.trim() === '') return undefined;
  // Without a scheme: hosts, or what only production's environment knows.
  const isRuntime = /\$(?:env|secret|sys)\{/.test(text);
  if (!isRuntime && (isReferenceIn(text) || !HOSTS.test(text.trim()) || NO_HOST.test(text.trim()))) return undefined;
  const hosts = text.split(',').map((each) => each.trim().replace(/:\d+$/, ''));
  if (!isRuntime && hosts.every((host) => isSafe(host, allowed))) return undefined;
  return text.trim() === ownName ? 'localhost' : UNREACHABLE;
}

const isSafe = (host: string, allowed: ReadonlySet<string>) =>
  LOOPBACK.test(host) || host === UNREACHABLE || allowed.has(host);
