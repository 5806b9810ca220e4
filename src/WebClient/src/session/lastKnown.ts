import { isRecord } from '../lib/http';
import type { Me } from './session.svelte';

const name = 'webmessenger.me';

/**
 * Who was signed in here last, so that the page can be opened while the server is away. It is no right to anything: the cookie is, and the server asks for
 * it. It goes with the sign-out. `src/first.ts` looks whether it is there.
 */
export const lastKnown = {
  read(): Me | null {
    try {
      const value: unknown = JSON.parse(localStorage.getItem(name) ?? 'null');
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
    try {
      localStorage.setItem(name, JSON.stringify({ account, user, name: shown, kind, sessionId }));
    } catch {
      // This browser keeps nothing: without the server there will be nothing to show either.
    }
  },

  forget(): void {
    try {
      localStorage.removeItem(name);
    } catch {
      // Nothing was kept.
    }
  },
};
