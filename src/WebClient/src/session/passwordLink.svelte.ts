import type { Answer } from '../lib/http';
import { SecretLink } from './secretLink.svelte';
import type { Me } from './session.svelte';

/** Whose password a link sets. `expiresAt`: RFC 3339. */
export interface Owner {
  user: string;
  name: string;
  expiresAt: string;
}

/** A one-time link, made by `password-link` on the server: `/p#{secret}`. */
export class PasswordLink extends SecretLink<Owner> {
  constructor(secret: string) {
    super('/api/password-links/look', secret);
  }

  /** `send` signs in with the new password; by then the link may have ended. */
  async use(send: (secret: string) => Promise<Answer<Me>>): Promise<Answer<Me>> {
    const answer = await send(this.secret);
    if (!answer.ok && answer.problem.status === 404) this.phase = 'gone';
    return answer;
  }
}
