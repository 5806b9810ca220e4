import { forgetFormatted } from '../../lib/format/formatted';
import { OnceAFrame } from '../../lib/frame';
import type { Copy } from '../../store/store';
import type { Line, Outbox } from '../compose/outbox.svelte';
import { isNews, readPage, type Author, type HistoryPage, type Room, type RoomEvent } from '../model/protocol';
import { Seen } from '../model/seen';
import { Timeline } from '../model/timeline';
import type { Message } from '../model/merge';
import { Fold, type MessageRow } from './fold';
import type { Quoted } from './quoted';

/** More lines than this are let go of while the reader is at the end, where nobody sees them. */
const keptLines = 10_000;
/** How many of them are kept for the next visit. */
const copiedLines = 200;

export interface LogUser {
  readonly me: string;
  readonly topic: string;
  /** As the others see me now. */
  author(): Author;
  readonly outbox: Outbox;
  /** Somebody has said or done something. */
  met(author: Author): void;
  /** What is known of the log has changed, and is to be kept. `now`: something was deleted, and must not be found here any more. */
  keep(now: boolean): void;
  /** An edit or a deletion, heard or read: words of the log that stand elsewhere in the page follow it. */
  replaced?(change: RoomEvent): void;
  /** What is known was let go of, and what was replaced or deleted since is not told. */
  skipped?(): void;
}

/** What is known of one room's log: its events, the rows that they make, and what of them is unread. All three change in one step, and are drawn once a frame. */
export class RoomLog {
  /** Joining: nothing is known yet. Refused: nothing may be known any more. */
  phase = $state<'joining' | 'ready' | 'refused' | 'failed'>('joining');
  /** Counts the changes of what is drawn, once a frame however much has come. */
  version = $state(0);
  atStart = $state(false);
  /** Messages of others beyond what has been read. Said once a frame: lists and the title are drawn by it. */
  unread = $state(0);

  /** What is on its way, and not in the timeline yet. */
  readonly pending = $derived.by((): readonly Line[] => this.#user.outbox.lines.filter((line) => line.topic === this.#user.topic));

  readonly timeline = new Timeline({
    appended: (events) => this.#appended(events),
    prepended: (events) => this.#prepended(events),
    droppedBefore: (seq) => this.#droppedBefore(seq),
    cleared: () => this.#cleared(),
  });
  readonly seen = new Seen();
  /** Set by the page: nobody stands further above, so the oldest lines may be let go of. */
  followed = true;
  readonly #fold = new Fold(() => this.#user.author());
  readonly #frame = new OnceAFrame(() => this.#showFrame());
  readonly #user: LogUser;

  constructor(user: LogUser) {
    this.#user = user;
  }

  /** What the timeline draws. It changes in place: `version` says when to look again. */
  get rows(): Fold['rows'] {
    return this.#fold.rows;
  }

  /** Nothing was said here yet. */
  get isQuiet(): boolean {
    return this.atStart && this.#fold.isQuiet;
  }

  /** Behind this seq stands the line above what is new to the reader; null: there is none. */
  get line(): number | null {
    return this.#fold.line;
  }

  /** The row of that line. */
  get lineRow(): { key: string; order: number } | null {
    return this.#fold.lineRow;
  }

  /** As of now; `unread` is as of the last frame. */
  countUnread(): number {
    return this.seen.unread(this.timeline.first);
  }

  /** A live event. Answers whether it joined what is known. */
  receive(event: RoomEvent): boolean {
    if (isReplaced(event)) this.#forget(event);
    const joined = this.timeline.receive(event);
    if (isReplaced(event)) this.#user.replaced?.(event);
    this.#echo(event);
    this.changed(isReplaced(event));
    return joined;
  }

  /** Of a part that does not go on to the end: what an event does to what is here. Others add nothing. */
  apply(event: RoomEvent): void {
    if (event.of === null || event.epoch !== this.timeline.epoch) return;
    this.#fold.append([event]);
    this.draw();
  }

  /** The newest page, or one that goes on from what is known. */
  addNewer(page: HistoryPage): void {
    if (this.seen.isOfAnother(page.epoch)) {
      this.seen.forget();
      this.setLine(null);
    }
    const changes = page.events.filter(isReplaced);
    for (const change of changes) this.#forget(change);
    this.timeline.addNewer(page);
    for (const change of changes) this.#user.replaced?.(change);
    page.events.forEach((event) => this.#echo(event));
    if (changes.length > 0) this.#user.keep(true);
  }

  /** A page from further above. Answers false when the log is another one by now. */
  addOlder(page: HistoryPage): boolean {
    if (!this.timeline.addOlder(page)) return false;
    this.changed();
    return true;
  }

  /** The run has changed: what follows from it is brought in line, and drawn with the next frame. */
  changed(now = false): void {
    this.atStart = this.timeline.atStart;
    const { last, epoch } = this.timeline;
    // Of a conversation that nobody has begun, there is no epoch.
    if (last !== null && epoch) this.#user.outbox.reached(this.#user.topic, epoch, last);
    this.#user.keep(now);
    this.draw();
  }

  /** `after`: the last seq that was read before; null takes the line away. */
  setLine(after: number | null): void {
    this.#fold.setLine(after);
    this.draw();
  }

  /** Something to be drawn has changed. */
  draw(): void {
    this.#frame.request();
  }

  /** Nothing is drawn any more. */
  stop(): void {
    this.#frame.cancel();
  }

  /** What an earlier visit knew, unless the server has said more by now. Answers whether it was taken. */
  restore(copy: Copy | null): copy is Copy {
    const page = copy && readPage({ ...copy, first: copy.oldest });
    // An earlier version of the page may have kept less of an event.
    if (!page || page.events.length === 0 || page.events.length !== copy.events.length || this.phase !== 'joining') return false;
    this.timeline.addNewer(page);
    if (copy.read !== null) this.seen.readUpTo(copy.read, copy.epoch);
    this.phase = 'ready';
    this.changed();
    if (this.countUnread() > 0) this.setLine(this.seen.seq);
    return true;
  }

  /** The end of it, for the next visit; null: there is nothing to keep. */
  copy(room: Room | null): Omit<Copy, 'account'> | null {
    const { epoch, oldest, events } = this.timeline;
    if (epoch === null || this.phase !== 'ready') return null;
    return { topic: this.#user.topic, epoch, oldest, events: events.slice(-copiedLines), read: this.seen.seq, room };
  }

  /** The message of this number and its row; null: it is not here. */
  find(seq: number): MessageRow | null {
    return this.#fold.find(seq);
  }

  /** What a message answers, as it stands now. */
  quoteOf(message: Message): Quoted | null {
    return this.#fold.quoteOf(message);
  }

  /** What was said last of what passes, if it is not long ago. */
  last(passes: (message: Message) => boolean): Message | null {
    // What was said last is on its way, and cannot be changed before the log has it.
    if (this.#user.outbox.lines.some((line) => line.topic === this.#user.topic && line.state !== 'failed' && !line.act)) return null;
    return this.#fold.findLast(passes);
  }

  /** Its words are about to be replaced: nothing holds on to them. */
  #forget(event: RoomEvent): void {
    const { of, type } = event;
    const message = of === null ? null : this.#fold.find(of)?.message;
    if (message) forgetFormatted(message.text);
    if (of !== null && type === 'delete') {
      this.seen.remove(of);
      void this.#user.outbox.gone(this.#user.topic, of);
    }
  }

  /** Our own message has arrived as an event: it takes the waiting line's place. Others may use the same id. */
  #echo(event: RoomEvent): void {
    if (event.id !== null && event.from.user === this.#user.me) this.#user.outbox.echoed(event.id);
  }

  #showFrame(): void {
    if (this.followed && this.timeline.events.length > keptLines * 1.5) {
      this.timeline.trim(keptLines);
      this.atStart = this.timeline.atStart;
    }
    // What is done with a message is drawn there; where that is not here, what became of it stands at the end.
    this.#fold.setWaiting(this.pending.filter(({ act, state }) => !act || (state === 'failed' && this.#fold.find(act.of) === null)));
    this.unread = this.countUnread();
    this.version++;
  }

  #appended(events: readonly RoomEvent[]): void {
    this.#fold.append(events);
    for (const event of events) {
      this.#user.met(event.from);
      if (isNews(this.#user.me, event)) this.seen.append(event.seq);
    }
  }

  #prepended(events: readonly RoomEvent[]): void {
    this.#fold.prepend(events);
    for (const event of events) this.#user.met(event.from);
    this.seen.prepend(events.filter((event) => isNews(this.#user.me, event)).map((event) => event.seq));
  }

  #droppedBefore(seq: number): void {
    this.#fold.dropBefore(seq);
    this.seen.dropBefore(seq);
  }

  #cleared(): void {
    this.#fold.clear();
    this.seen.clear();
    this.#user.skipped?.();
  }
}

function isReplaced({ type }: RoomEvent): boolean {
  return type === 'delete' || type === 'edit';
}
