import {
  GenerateMacCommand,
  type KMSClient,
  KMSInvalidMacException,
  type MacAlgorithmSpec,
  VerifyMacCommand,
} from '@aws-sdk/client-kms';
import type { Authenticator, KeyedMac } from '../archive/authenticity';

export interface KmsAuthenticatorOptions {
  /** ARNs or ids of HMAC keys in the client's Region; the first signs, all are trusted. */
  readonly keys: readonly string[];
  readonly acceptUnsigned?: boolean;
}

const ALGORITHM = 'HMAC_SHA_256' satisfies MacAlgorithmSpec;

/** What KMS has said of a manifest holds for good: the same text, key and MAC. So a watch that looks every minute asks once. */
const REMEMBERED = 10_000;

/** Keys in KMS: nobody can copy them, and whoever may verify with one may not therefore sign with it. */
export class KmsAuthenticator implements Authenticator {
  readonly acceptUnsigned: boolean;
  readonly #keys: readonly string[];
  readonly #answers = new Map<string, string | undefined>();

  constructor(
    private readonly client: Pick<KMSClient, 'send'>,
    { keys, acceptUnsigned = false }: KmsAuthenticatorOptions,
  ) {
    this.acceptUnsigned = acceptUnsigned;
    this.#keys = keys;
  }

  async sign(message: string): Promise<KeyedMac> {
    const KeyId = this.#keys[0]!;
    const { Mac } = await this.client
      .send(new GenerateMacCommand({ KeyId, MacAlgorithm: ALGORITHM, Message: Buffer.from(message) }))
      .catch(refused('sign', KeyId));
    return { algorithm: ALGORITHM, key: idOf(KeyId), value: Buffer.from(Mac!).toString('base64') };
  }

  async verify(message: string, mac: KeyedMac): Promise<string | undefined> {
    // By its id, never by what the manifest says alone: anybody has a key of their own.
    const KeyId = this.#keys.find((key) => idOf(key) === mac.key);
    if (KeyId === undefined)
      return `the manifest was signed with the key ${mac.key}, which is not one that is trusted here`;
    const question = JSON.stringify([KeyId, mac.value, message]);
    if (!this.#answers.has(question)) {
      if (this.#answers.size >= REMEMBERED) this.#answers.clear();
      this.#answers.set(question, await this.#ask(KeyId, message, mac));
    }
    return this.#answers.get(question);
  }

  async #ask(KeyId: string, message: string, { value }: KeyedMac): Promise<string | undefined> {
    const Mac = Buffer.from(value, 'base64');
    // KMS takes none that is empty.
    if (Mac.length === 0) return WRONG;
    try {
      await this.client.send(
        new VerifyMacCommand({ KeyId, MacAlgorithm: ALGORITHM, Message: Buffer.from(message), Mac }),
      );
      return undefined;
    } catch (error) {
      if (error instanceof KMSInvalidMacException) return WRONG;
      return refused('verify', KeyId)(error);
    }
  }
}

const WRONG = 'the manifest is not what was signed: its MAC is wrong';

/** Of a multi-Region key it is the same in each Region. */
const idOf = (key: string) => key.slice(key.lastIndexOf('/') + 1);

/** That it cannot be told is no answer: nothing is taken for authentic, and nothing for forged. */
const refused =
  (what: string, key: string) =>
  (error: unknown): never => {
    const { name, message } = error as Error;
    throw new Error(`KMS cannot ${what} manifests with ${key} (${name}: ${message})`, { cause: error });
  };

/** Environment: `MAC_KEYS` (ARNs in the own Region, by commas), `ACCEPT_UNSIGNED` (`true`). Undefined: manifests are not signed. */
export function authenticatorOf(
  environment: Readonly<Record<string, string | undefined>>,
  client: () => Pick<KMSClient, 'send'>,
): KmsAuthenticator | undefined {
  const keys = macKeysOf(environment);
  if (keys.length === 0) return undefined;
  return new KmsAuthenticator(client(), { keys, acceptUnsigned: environment['ACCEPT_UNSIGNED'] === 'true' });
}

export const macKeysOf = (environment: Readonly<Record<string, string | undefined>>): string[] =>
  (environment['MAC_KEYS'] ?? '').split(',').filter((key) => key !== '');
