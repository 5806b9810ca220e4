import type { Link } from '../link/link';
import { notNow, parseJson, readReading, type Reading } from '../model/protocol';

const saidEvery = 1_000;

export interface ReadPositionsUser {
  readonly me: string;
  /** Null: of the inbox. */
  told(room: string | null, reading: Reading): void;
}

/** How far the account has read: told to the server at most once a second for each room, and heard from the account's other devices. */
export class ReadPositions {
  readonly #user: ReadPositionsUser;
  #link: Link | null = null;
  /** What the server has not been told yet, by topic. */
  readonly #unsaid = new Map<string, { seq: number; epoch: string }>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(user: ReadPositionsUser) {
    this.#user = user;
  }

  /** `isLive`: the positions in rooms come with what is unread in them, and need not be said twice. */
  async attach(link: Link, isLive: boolean): Promise<void> {
    const inbox = `users/${this.#user.me}/read`;
    const subscribed = await link.subscribe(isLive ? inbox : [inbox, `${inbox}/+`], 1);
    // A server that knows no read positions refuses; then each browser keeps its own.
    if (subscribed !== 'granted') return;
    this.#link = link;
    this.#say();
  }

  detach(): void {
    this.#link = null;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** `rest`: what follows `users/{me}/read` in the topic. */
  receive(rest: string[], payload: string): void {
    const reading = readReading(parseJson(payload));
    if (reading) this.#user.told(rest[0] ?? null, reading);
  }

  /** Null: of the inbox. */
  read(room: string | null, seq: number, epoch: string): void {
    this.#unsaid.set(room === null ? `users/${this.#user.me}/read` : `users/${this.#user.me}/read/${room}`, { seq, epoch });
    if (this.#timer === undefined) this.#say();
  }

  #say(): void {
    this.#timer = undefined;
    const link = this.#link;
    if (!link || this.#unsaid.size === 0) return;
    for (const [topic, position] of this.#unsaid) {
      void link.publish(topic, JSON.stringify(position)).then((answer) => {
        // Refused for good is refused; what was lost, or came at a bad moment, is said again, unless more has been read since.
        if (answer !== 'lost' && (answer.ok || answer.code !== notNow) && this.#unsaid.get(topic) === position) this.#unsaid.delete(topic);
      });
    }
    this.#timer = setTimeout(() => this.#say(), saidEvery);
  }
}
