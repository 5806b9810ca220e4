import { isRecord } from '../lib/http';
import { browserStorage } from '../lib/storage';
import type { Me } from './session.svelte';

const name = 'webmessenger.me';

/**
 * Who was signed in here last, so that the page can be opened while the server is away. It is no right to anything: the cookie is, and the server asks for
 * it. It goes with the sign-out. `src/app/first.ts` looks whether it is there.
 */
export const lastKnown = {
  read(): Me | null {
    try {
      const value: unknown = JSON.parse(browserStorage.read(name) ?? 'null');
      if (!isRecord(value) || typeof value['account'] !== 'string' || typeof value['user'] !== 'string' || typeof value['sessionId'] !== 'string') return null;
      const { account, user, sessionId } = value;
      return {
        account,
        user,
        name: typeof value['name'] === 'string' ? value['name'] : user,
        kind: value['kind'] === 'guest' ? 'guest' : 'person',
        email: null,
        administrator: false,
        sessionId,
      };
    } catch {
      return null;
    }
  },

  /** Only what opening the chat takes: no e-mail address, no rights. */
  write({ account, user, name: shown, kind, sessionId }: Me): void {
    browserStorage.write(name, JSON.stringify({ account, user, name: shown, kind, sessionId }));
  },

  forget(): void {
    browserStorage.write(name, null);
  },
};
