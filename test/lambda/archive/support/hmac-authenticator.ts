import { createHmac } from 'node:crypto';
import type { Authenticator, KeyedMac } from '../../../../lambda/archive';

/** Signs with a secret of this process, as KMS does with one of its own. */
export class HmacAuthenticator implements Authenticator {
  signatures = 0;

  constructor(
    readonly secret = 'production',
    readonly acceptUnsigned = false,
    readonly key = 'mrk-1',
  ) {}

  sign(message: string): Promise<KeyedMac> {
    this.signatures += 1;
    return Promise.resolve({ algorithm: 'HMAC_SHA_256', key: this.key, value: this.#macOf(message) });
  }

  verify(message: string, { key, value }: KeyedMac): Promise<string | undefined> {
    if (key !== this.key) return Promise.resolve(`another key, ${key}`);
    return Promise.resolve(value === this.#macOf(message) ? undefined : 'its MAC is wrong');
  }

  #macOf(message: string): string {
    return createHmac('sha256', this.secret).update(message).digest('base64');
  }
}
