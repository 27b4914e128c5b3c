import { type ExportSettings, ExportSession } from '../export/session';
import { type RestoreSettings, RestoreSession } from '../restore/session';
import { VerifySession } from '../verify/session';
import { DirectoryVolume } from '../volume';
import type { Session } from './effect';

/** A session as a thread is told to make it. */
export type SessionRequest =
  | { readonly kind: 'export'; readonly root: string; readonly settings: ExportSettings }
  | { readonly kind: 'restore'; readonly settings: RestoreSettings }
  | { readonly kind: 'verify' };

export function createSession(request: SessionRequest): Session {
  switch (request.kind) {
    case 'export':
      return new ExportSession(new DirectoryVolume(request.root), request.settings);
    case 'restore':
      return new RestoreSession(request.settings);
    case 'verify':
      return new VerifySession();
  }
}
