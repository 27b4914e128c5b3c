import { openJks } from './jks';
import { type Keystore, KeystoreError, keystoreFormat } from './keystore';
import { openPkcs12 } from './pkcs12';

/**
 * Opens a keystore of either format that IS uses.
 *
 * @param keyPassword of the keys in it, where it differs (JKS alone: in PKCS#12 Java takes one for both)
 * @throws KeystoreError
 */
export function openKeystore(file: Buffer, password: string, keyPassword = password): Keystore {
  switch (keystoreFormat(file.subarray(0, 4))) {
    case 'JKS':
      return openJks(file, password, keyPassword);
    case 'PKCS#12':
      return openPkcs12(file, password);
    case 'JCEKS':
      throw new KeystoreError('unsupported', 'is a JCEKS keystore, which this release cannot open');
    case undefined:
      throw new KeystoreError('damaged', 'is no keystore (neither JKS nor PKCS#12)');
  }
}
