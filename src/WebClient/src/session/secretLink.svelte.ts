import { backoff } from '../lib/backoff';
import { call, type Problem } from '../lib/http';
import { Retry } from '../lib/retry.svelte';

/** Missing: the address has no secret (any more). Gone: it is used up, too old, or never was. */
type Phase = 'looking' | 'missing' | 'gone' | 'failed' | 'open';

/** A link whose address ends in a secret. `Found`: what the server says of it. Looking at it uses nothing up. */
export class SecretLink<Found> {
  phase = $state<Phase>('looking');
  found = $state.raw<Found | null>(null);
  problem = $state.raw<Problem | null>(null);

  protected readonly secret: string;
  readonly #path: string;
  readonly #retry = new Retry((failures) => Math.max(backoff(failures), (this.problem?.retryAfter ?? 0) * 1_000));

  constructor(path: string, secret: string) {
    this.#path = path;
    this.secret = secret;
    if (secret === '') this.phase = 'missing';
  }

  /** Until the server says what the link is. Settles with the first attempt. */
  async look(): Promise<void> {
    if (this.phase === 'missing') return;
    this.phase = 'looking';
    await this.#retry.run(async () => {
      const answer = await call<Found>('POST', this.#path, { secret: this.secret });
      this.problem = answer.ok ? null : answer.problem;
      this.found = answer.ok ? answer.value : null;
      this.phase = answer.ok ? 'open' : answer.problem.status === 404 ? 'gone' : 'failed';
      return this.phase === 'failed' ? 'again' : 'done';
    });
  }

  /** Nobody looks at it any more. */
  stop(): void {
    this.#retry.stop();
  }
}

/** The link in the address of a page, looked at at once, and in its place another one that is put there. */
export class OpenedLink<Link extends SecretLink<unknown>> {
  current: Link;
  readonly #make: (secret: string) => Link;

  constructor(make: (secret: string) => Link) {
    this.#make = make;
    this.current = $state.raw(this.#opened());
  }

  /** The address has changed behind its `#`. */
  changed = (): void => {
    if (location.hash === '') return;
    this.stop();
    this.current = this.#opened();
  };

  /** Nobody looks at the page any more. */
  stop = (): void => this.current.stop();

  #opened(): Link {
    const link = this.#make(takeSecret());
    void link.look();
    return link;
  }
}

/** The secret of the address, which is then without it: not in the history, not in a screenshot, not copied with the address. */
export function takeSecret(): string {
  const secret = location.hash.slice(1);
  if (location.hash !== '') history.replaceState(null, '', location.pathname + location.search);
  return secret;
}
