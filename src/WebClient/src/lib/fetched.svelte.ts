import { backoff } from './backoff';
import type { Answer, Problem } from './http';
import { Retry } from './retry.svelte';

/** Something that a page shows of the server's. If the server does not give it, it is asked again by itself until it does, and at once by a button. */
export class Fetched<T> {
  /** The last that came; null: nothing yet. */
  value = $state.raw<T | null>(null);
  /** What the last attempt had against it. */
  problem = $state.raw<Problem | null>(null);
  readonly #ask: () => Promise<Answer<T>>;
  #asked = 0;
  /** The newest that was answered. */
  #answered = 0;
  readonly #retry = new Retry((failures) => Math.max(backoff(failures), (this.problem?.retryAfter ?? 0) * 1_000));

  constructor(ask: () => Promise<Answer<T>>) {
    this.#ask = ask;
  }

  /** Asks anew, also for what is there. Settles with the first attempt. */
  read = (): Promise<void> => {
    const asked = ++this.#asked;
    return this.#retry.run(async () => {
      const answer = await this.#ask();
      // What was asked for later has come already, and may be something else.
      if (asked < this.#answered) return 'done';
      this.#answered = asked;
      this.problem = answer.ok ? null : answer.problem;
      if (!answer.ok) return 'again';
      this.value = answer.value;
      return 'done';
    });
  };

  /** Nobody looks at it any more. */
  stop(): void {
    this.#retry.stop();
  }
}
