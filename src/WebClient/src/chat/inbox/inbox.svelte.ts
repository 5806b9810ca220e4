import type { Link, Subscribed } from '../link/link';
import { readReset, readWhisper, type Reading, type Whisper } from '../model/protocol';
import type { Copy } from '../../store/store';

/** Asked for on a device that knows nothing yet. */
const firstOnes = 100;
const keptWhispers = 200;
/** Shown over the page at once; the others are in the inbox. */
export const shownOnTop = 3;

/** Milliseconds after a connection in which what was missed comes. */
const missedFor = 3_000;

export interface InboxUser {
  readonly me: string;
  read(seq: number, epoch: string): void;
  keep(topic: string, copy: (() => Omit<Copy, 'account'> | null) | null): void;
}

/** What was said to this account alone, also while no page was open. */
export class Inbox {
  /** Under this name it is kept here; the topic goes by the user name, which may change. */
  static readonly topic = 'inbox';

  whispers = $state.raw<readonly Whisper[]>([]);
  /** The newest seq that was seen, here or on another device. */
  #read = $state(0);
  /** Everything up to here has had its time on top of the page, in this visit or an earlier one. It may be unread all the same. */
  #shown = $state(0);
  /** The newest that a page in sight has drawn on top: another tab does not begin with it again. */
  #drawn = 0;
  /** Waved away before an older one was. */
  #putAway = $state.raw<ReadonlySet<number>>(new Set());
  /** Behind this seq stands the line above what was new when the reader came to the inbox. */
  line = $state<number | null>(null);
  /** The one that the reader has asked to see in its place. */
  wanted = $state<number | null>(null);

  readonly unread = $derived(this.whispers.filter((whisper) => whisper.seq > this.#read).length);
  readonly onTop = $derived(this.whispers.filter((whisper) => whisper.seq > this.#read && whisper.seq > this.#shown && !this.#putAway.has(whisper.seq)));

  readonly #user: InboxUser;
  readonly #restored: Promise<void>;
  #epoch: string | null = null;
  #last = 0;
  /** By `performance.now()`: what comes until then was said while nobody looked. */
  #missedUntil = 0;

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

  receive(value: unknown): void {
    const reset = readReset(value);
    if (reset) this.#startAnew(reset.epoch);
    const whisper = readWhisper(value);
    if (!whisper || (whisper.epoch === this.#epoch && whisper.seq <= this.#last)) return;
    if (this.#epoch !== null && whisper.epoch !== this.#epoch) this.#startAnew(whisper.epoch);
    this.#epoch = whisper.epoch;
    this.#last = whisper.seq;
    this.whispers = [...this.whispers.slice(1 - keptWhispers), whisper];
    // A newer one takes the place of the oldest, which does not come back. Of what was missed the newest is enough: the number beside the inbox tells the rest.
    const most = performance.now() < this.#missedUntil ? 1 : shownOnTop;
    if (this.onTop.length > most) this.#shown = this.onTop.at(-1 - most)!.seq;
    this.#keep();
  }

  /** It is on top of a page that is in sight. */
  drawn(seq: number): void {
    if (seq <= this.#drawn) return;
    this.#drawn = seq;
    this.#keep();
  }

  /** It was seen on top of the page long enough, or waved away; it stays unread until the inbox is opened. */
  putAway(seq: number): void {
    this.#putAway = new Set([...this.#putAway, seq]);
    if (this.onTop.length > 0) return;
    this.#shown = this.#last;
    this.#putAway = new Set();
    this.#keep();
  }

  /** The reader goes to the inbox for this one. */
  show(seq: number): void {
    this.wanted = seq;
    this.putAway(seq);
  }

  /** The reader comes to the inbox. */
  open(): void {
    this.line = this.unread > 0 ? this.#read : null;
    this.readAll();
  }

  readAll(): void {
    if (this.#epoch === null || this.#last <= this.#read) return;
    this.#read = this.#last;
    this.#keep();
    this.#user.read(this.#last, this.#epoch);
  }

  toldReading(reading: Reading): void {
    if (this.#epoch === null || reading.epoch === this.#epoch) this.#read = Math.max(this.#read, reading.seq);
  }

  #startAnew(epoch: string): void {
    [this.#epoch, this.#last, this.#read, this.#shown, this.#drawn] = [epoch, 0, 0, 0, 0];
    this.#putAway = new Set();
    this.whispers = [];
    [this.line, this.wanted] = [null, null];
    this.#keep();
  }

  #restore(copy: Copy | null): void {
    if (!copy || this.#epoch !== null) return;
    this.#epoch = copy.epoch;
    this.whispers = copy.events.map(readWhisper).filter((whisper) => whisper !== null);
    this.#last = this.whispers.at(-1)?.seq ?? 0;
    this.#read = Math.max(this.#read, copy.read ?? 0);
    this.#shown = Math.max(copy.shown ?? 0, this.#last - 1);
  }

  #keep(): void {
    this.#user.keep(Inbox.topic, () => (this.#epoch === null ? null : { topic: Inbox.topic, epoch: this.#epoch, oldest: 1, events: [...this.whispers], read: this.#read, room: null, shown: Math.max(this.#shown, this.#drawn) }));
  }
}
