import type { Copy } from '../../store/store';
import type { Link, Subscribed } from '../link/link';
import { settled } from '../model/merge';
import { isNews, readReset } from '../model/protocol';
import type { Told } from '../model/told';

/** Asked for on a device that knows nothing yet. */
const firstOnes = 20;
/** Shown over the page at once; the others are in their conversations. */
export const shownOnTop = 3;

/** Milliseconds after a connection in which what was missed comes. */
const missedFor = 3_000;

export interface InboxUser {
  readonly me: string;
  /** It was seen in its conversation, here or on another device. */
  isRead(told: Told): boolean;
  /** It was there when the visit began. */
  wasThere(told: Told): boolean;
  keep(topic: string, copy: (() => Omit<Copy, 'account'> | null) | null): void;
}

/** What comes to this account alone, in all its conversations: where it has been heard to, and what of it is new enough to be shown over the page. */
export class Inbox {
  /** Under this name its place is kept here; the topic goes by the user name, which may change. No words are kept with it. */
  static readonly topic = 'inbox';

  /** What others have said, the newest few. */
  #said = $state.raw<readonly Told[]>([]);
  /** Everything up to here has had its time on top of the page, or is of an earlier visit. It may be unread all the same. */
  #shown = $state(0);
  /** Waved away before an older one was. */
  #putAway = $state.raw<ReadonlySet<number>>(new Set());

  readonly onTop = $derived.by(() => this.#said.filter((told) => this.#isNew(told) && !this.#user.isRead(told)).slice(-shownOnTop));

  readonly #user: InboxUser;
  readonly #restored: Promise<void>;
  #epoch: string | null = null;
  #last = 0;
  /** By `performance.now()`: what comes until then was said while nobody looked. */
  #missedUntil = 0;
  readonly #since = Date.now();

  constructor(user: InboxUser, copy: Promise<Copy | null>) {
    this.#user = user;
    this.#restored = copy.then((found) => this.#restore(found));
  }

  /** Refused means that the connection is somebody else's: the cookie has changed, or the user name has. */
  async attach(link: Link): Promise<Subscribed> {
    await this.#restored;
    this.#missedUntil = performance.now() + missedFor;
    const from = this.#epoch === null ? { last: firstOnes } : { after: this.#last, epoch: this.#epoch };
    return link.subscribe(`users/${this.#user.me}`, 1, from);
  }

  /** `told`: what the value says of a conversation; null: nothing. */
  receive(value: unknown, told: Told | null): void {
    const reset = readReset(value);
    if (reset) this.#startAnew(reset.epoch);
    if (!told || (told.epoch === this.#epoch && told.seq <= this.#last)) return;
    if (this.#epoch !== null && told.epoch !== this.#epoch) this.#startAnew(told.epoch);
    this.#epoch = told.epoch;
    this.#last = told.seq;
    this.#take(told);
    this.#keep();
  }

  /** It was seen on top of the page long enough, or waved away, or gone to; unread is what nobody has seen in its conversation. */
  putAway(seq: number): void {
    this.#putAway = new Set([...this.#putAway, seq]);
    if (this.onTop.length > 0) return;
    this.#shown = this.#last;
    this.#putAway = new Set();
  }

  /** What was said before the visit, the numbers tell. Where the clock of this device is ahead, the list decides alone. */
  #isNew(told: Told): boolean {
    if (told.seq <= this.#shown || this.#putAway.has(told.seq)) return false;
    return Date.parse(told.event.at) >= this.#since || !this.#user.wasThere(told);
  }

  #take(told: Told): void {
    const { user, event } = told;
    if (event.type === 'edit' || event.type === 'delete') {
      const changed = this.#said.map((one) => (one.user === user ? { ...one, event: settled(one.event, event) } : one));
      this.#said = changed.filter((one) => one.event.type === 'message');
    }
    // Whoever has answered has read it, on whatever device.
    const isOwn = event.from.user === this.#user.me && event.from.kind !== 'bot';
    if (isOwn && event.type === 'message') this.#said = this.#said.filter((one) => one.user !== user);
    if (!isNews(this.#user.me, event)) return;
    // Of what was missed the newest is enough: the numbers beside the conversations tell the rest.
    const isMissed = performance.now() < this.#missedUntil;
    const before = isMissed ? [] : this.onTop.slice(1 - shownOnTop);
    // A newer one takes the place of the oldest, which does not come back.
    this.#said = [...before, told];
  }

  #startAnew(epoch: string): void {
    [this.#epoch, this.#last, this.#shown] = [epoch, 0, 0];
    this.#putAway = new Set();
    this.#said = [];
    this.#keep();
  }

  #restore(copy: Copy | null): void {
    if (!copy || this.#epoch !== null) return;
    this.#epoch = copy.epoch;
    // An earlier version of the page kept the words themselves.
    this.#last = this.#shown = copy.last ?? copy.events.at(-1)?.seq ?? 0;
    this.#keep();
  }

  #keep(): void {
    this.#user.keep(Inbox.topic, () => (this.#epoch === null ? null : { topic: Inbox.topic, epoch: this.#epoch, oldest: 1, events: [], read: null, room: null, last: this.#last }));
  }
}
