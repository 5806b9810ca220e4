import { backoff } from '../lib/backoff';
import type { Answer, Problem } from '../lib/http';
import { call } from '../lib/http';
import { Retry } from '../lib/retry.svelte';
import type { Me } from './session.svelte';

/** Whose password a link sets. `expiresAt`: RFC 3339. */
export interface Owner {
  user: string;
  name: string;
  expiresAt: string;
}

/** Missing: the address has no secret (any more). Gone: it is used up, too old, or never was. */
type Phase = 'looking' | 'missing' | 'gone' | 'failed' | 'open';

/** A one-time link, made by `password-link` on the server: `/p#{secret}`. Looking at it uses nothing up. */
export class PasswordLink {
  phase = $state<Phase>('looking');
  owner = $state.raw<Owner | null>(null);
  problem = $state.raw<Problem | null>(null);

  readonly #secret: string;
  readonly #retry = new Retry((failures) => Math.max(backoff(failures), (this.problem?.retryAfter ?? 0) * 1_000));

  constructor(secret: string) {
    this.#secret = secret;
    if (secret === '') this.phase = 'missing';
  }

  /** Until the server says what the link is. Settles with the first attempt. */
  async look(): Promise<void> {
    if (this.phase === 'missing') return;
    this.phase = 'looking';
    await this.#retry.run(async () => {
      const answer = await call<Owner>('POST', '/api/password-links/look', { secret: this.#secret });
      this.problem = answer.ok ? null : answer.problem;
      this.owner = answer.ok ? answer.value : null;
      this.phase = answer.ok ? 'open' : answer.problem.status === 404 ? 'gone' : 'failed';
      return this.phase === 'failed' ? 'again' : 'done';
    });
  }

  /** Nobody looks at it any more. */
  stop(): void {
    this.#retry.stop();
  }

  /** `send` signs in with the new password; by then the link may have ended. */
  async use(send: (secret: string) => Promise<Answer<Me>>): Promise<Answer<Me>> {
    const answer = await send(this.#secret);
    if (!answer.ok && answer.problem.status === 404) this.phase = 'gone';
    return answer;
  }
}

/** The secret of the address, which is then without it: not in the history, not in a screenshot, not copied with the address. */
export function takeSecret(): string {
  const secret = location.hash.slice(1);
  if (location.hash !== '') history.replaceState(null, '', location.pathname + location.search);
  return secret;
}
