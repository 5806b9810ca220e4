import type { Published, Refused } from '../link/link';
import type { Command } from './entity';
import { payloadOf } from './tile';

/** Milliseconds in which a device should have said what it did. */
export const answersWithin = 5_000;
/** Milliseconds for which it is said that something was sent to what never answers. */
export const sentShownFor = 4_000;

/**
 * `waits`: it was told, and has not answered. `silent`: nor in time. `sent`: it was told, and never answers.
 * `unknown`: what to send is none that this page knows.
 */
type Phase = 'idle' | 'sent' | 'waits' | 'silent' | 'lost' | 'unknown';

export type Publish = (topic: string, payload: string, qos: 0 | 1 | 2, retain: boolean) => Promise<Published>;

/** What one thing was told to do, and what became of it. */
export class Work {
  #phase = $state<Phase>('idle');
  refused = $state.raw<Refused | null>(null);
  /** Why the last value that was given was not sent; empty: it was. */
  wrong = $state('');
  /** What it was last told, for as long as it has not answered. */
  wanted = $state<string | null>(null);
  /** How often it had answered before it was told. */
  #before = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #publish: Publish;

  constructor(publish: Publish) {
    this.#publish = publish;
  }

  /** `answers`: how often it has answered so far. */
  phase(answers: number): Phase {
    return (this.#phase === 'waits' || this.#phase === 'silent') && answers > this.#before ? 'idle' : this.#phase;
  }

  /** `answers`: how often it has answered so far; null: it never says what it did. */
  async tell(command: Command, value: string, answers: number | null): Promise<void> {
    const payload = payloadOf(command, value);
    clearTimeout(this.#timer);
    this.refused = null;
    this.wrong = '';
    this.wanted = value;
    this.#phase = payload === null ? 'unknown' : answers === null ? 'idle' : 'waits';
    if (payload === null) return;
    this.#before = answers ?? 0;
    if (answers !== null) this.#timer = setTimeout(() => this.#phase === 'waits' && (this.#phase = 'silent'), answersWithin);
    // At QoS 1 at least: whether it was refused is said by the acknowledgement.
    const published = await this.#publish(command.topic, payload, command.qos === 2 ? 2 : 1, command.retain);
    if (published !== 'lost' && published.ok) return void (answers === null && this.#showSent());
    clearTimeout(this.#timer);
    this.#phase = published === 'lost' ? 'lost' : 'idle';
    if (published !== 'lost') this.refused = published;
  }

  /** Nothing is sent, since the value is none that it takes. */
  reject(why: string): void {
    this.refused = null;
    this.wrong = why;
  }

  #showSent(): void {
    clearTimeout(this.#timer);
    this.#phase = 'sent';
    this.#timer = setTimeout(() => this.#phase === 'sent' && (this.#phase = 'idle'), sentShownFor);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
