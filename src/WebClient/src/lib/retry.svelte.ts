import { backoff } from './backoff';

/** `done`: the step came through, or will never; `again`: it failed in a way that time may heal. */
export type Tried = 'done' | 'again';

/**
 * Runs a step until it comes through: after a failure it pauses, longer each time and jittered, and tries again by itself, or at once when somebody asks
 * (`retryNow`) or the browser says that there is a network. One step at a time; starting another forgets the one before.
 */
export class Retry {
  /** How often it failed in a row; 0: it has come through, or is tried for the first time. What a "Try again" button is shown by. */
  failures = $state(0);
  /** The step is under way; else the next attempt is being waited for, or there is none. */
  trying = $state(false);

  #step: (() => Promise<Tried>) | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #pause: (failures: number) => number;

  /** `pause`: milliseconds before the next attempt, by the number of failures before this one. */
  constructor(pause: (failures: number) => number = backoff) {
    this.#pause = pause;
  }

  /** Settles with the first attempt, whatever comes of it. A step that throws has failed. */
  run(step: () => Promise<Tried>): Promise<void> {
    this.stop();
    this.#step = step;
    globalThis.addEventListener?.('online', this.retryNow);
    return this.#try(step);
  }

  retryNow = (): void => {
    if (this.#step === null || this.trying) return;
    clearTimeout(this.#timer);
    void this.#try(this.#step);
  };

  stop(): void {
    clearTimeout(this.#timer);
    globalThis.removeEventListener?.('online', this.retryNow);
    this.#step = null;
    this.failures = 0;
    this.trying = false;
  }

  async #try(step: () => Promise<Tried>): Promise<void> {
    this.trying = true;
    const tried = await step().catch((): Tried => 'again');
    if (this.#step !== step) return;
    if (tried === 'done') return this.stop();
    this.trying = false;
    this.#timer = setTimeout(this.retryNow, this.#pause(this.failures++));
  }
}
