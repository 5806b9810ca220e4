import type { Link } from '../link/link';
import { notNow, parseJson, readReading, type Reading } from '../model/protocol';

const saidEvery = 1_000;

type Saying = Pick<Link, 'subscribe' | 'publish'>;

export interface ReadPositionsUser {
  readonly me: string;
  told(room: string, reading: Reading): void;
  /** The server has heard that the reader went back, or wants to hear nothing of it. */
  wentBack(room: string): void;
}

/** How far the account has read: told to the server at most once a second for each room, and heard from the account's other devices. */
export class ReadPositions {
  readonly #user: ReadPositionsUser;
  #link: Saying | null = null;
  /** What the server has not been told yet, by topic. */
  readonly #unsaid = new Map<string, { seq: number; epoch: string; back?: true }>();
  /** What was said and is not answered. */
  readonly #underWay = new Set<object>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(user: ReadPositionsUser) {
    this.#user = user;
  }

  /** `isLive`: the positions come with what is unread, and need not be said twice. */
  async attach(link: Saying, isLive: boolean): Promise<void> {
    // A server that knows no read positions refuses; then each browser keeps its own.
    if (!isLive && (await link.subscribe(`users/${this.#user.me}/read/+`, 1)) !== 'granted') return;
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
    if (reading && rest[0]) this.#user.told(rest[0], reading);
  }

  read(room: string, seq: number, epoch: string): void {
    this.#note(`users/${this.#user.me}/read/${room}`, { seq, epoch });
  }

  /** Of what this account and somebody say to each other. */
  readWith(user: string, seq: number, epoch: string): void {
    this.#note(`users/${this.#user.me}/conversations/${user}/read`, { seq, epoch });
  }

  #note(topic: string, position: { seq: number; epoch: string }): void {
    this.#unsaid.set(topic, position);
    if (this.#timer === undefined) this.#say();
  }

  /**
   * What comes after this is unread again. What was read before and not said yet does not count any more. Said at once, for the reader has done it:
   * a page that they close or load again in the same second would forget it.
   */
  goBack(room: string, seq: number, epoch: string): void {
    this.#unsaid.set(`users/${this.#user.me}/read/${room}`, { seq, epoch, back: true });
    clearTimeout(this.#timer);
    this.#say();
  }

  #say(): void {
    this.#timer = undefined;
    const link = this.#link;
    if (!link || this.#unsaid.size === 0) return;
    for (const [topic, position] of this.#unsaid) {
      // Said twice, going back would undo what another device has read in between.
      if (this.#underWay.has(position)) continue;
      this.#underWay.add(position);
      void link.publish(topic, JSON.stringify(position)).then((answer) => {
        this.#underWay.delete(position);
        // Refused for good is refused; what was lost, or came at a bad moment, is said again, unless more has been read since.
        if (answer === 'lost' || (!answer.ok && answer.code === notNow) || this.#unsaid.get(topic) !== position) return;
        this.#unsaid.delete(topic);
        if (position.back) this.#user.wentBack(topic.slice(topic.lastIndexOf('/') + 1));
      });
    }
    this.#timer = setTimeout(() => this.#say(), saidEvery);
  }
}
