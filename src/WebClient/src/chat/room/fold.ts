import { density } from '../../lib/looks.svelte';
import { linesShown } from '../../lib/format/formatted';
import { RowList, type ListRow } from '../../lib/rowList';
import { changed, requoted, toMessage, type Message } from '../model/merge';
import { quoted, type Quoted } from './quoted';
import type { Line } from '../compose/outbox.svelte';
import type { Author, RoomEvent } from '../model/protocol';
import { isSaid } from '../model/acts';
import { lookAbove, presenceBelow, presenceRow, type PresenceRow } from './presence';

export type MessageRow = ListRow & {
  kind: 'message';
  message: Message;
  /** Begins what its author says in a row: the author and the time stand above it. */
  first: boolean;
  /** On its way to the log; null: it is in the log. */
  line: Line | null;
};
/** Somebody was given a role, or the room was changed. */
export type ActRow = ListRow & { kind: 'act'; event: RoomEvent };

/** What the server refused of mine, as one small row. */
export type FailedRow = ListRow & { kind: 'failed'; lines: readonly Line[] };

/** What the timeline draws, top to bottom. */
export type Row = (ListRow & { kind: 'day'; at: string }) | (ListRow & { kind: 'unread' }) | MessageRow | PresenceRow | ActRow | FailedRow;

/** A longer silence, or the next ten minutes of the clock, begin a new group: a talkative bot would have its name in sight once an hour. */
const groupWithin = 5 * 60_000;
const headerEvery = 10 * 60_000;
/** Comings and goings beyond this many begin another line, so that one more costs no more in a room where nothing else happens. */
const mostFolded = 50;
/** More refused lines than this are folded into one row: what others say stands above them, and would be out of sight. */
const mostFailed = 2;
/** Whoever wants to change an older line of theirs goes to it. */
const mostLookedBack = 200;
/** What waits stands behind everything that the log has. */
const waitingOrder = Number.MAX_SAFE_INTEGER / 2;

/**
 * Turns a run of events into rows: sets days apart, groups what one author says in a row, folds comings and goings, draws the line above what is
 * new. Each event is looked at once, when it joins the run at either end, together with the one row that it stands beside.
 */
export class Fold {
  readonly rows = new RowList<Row>(estimate);
  /** Asked each time: the display name may change. */
  readonly #me: () => Author;
  /** Edits, deletions and reactions, by the message that they are about: it may be read later than they are. */
  readonly #changes: Map<number, RoomEvent[]>;
  /** What was written on this page, by its id: the seq that the log gave it, null before. Its row keeps its key, so it is not drawn anew. */
  readonly #written: Map<string, number | null>;
  #lines: readonly Line[] = [];
  /** How many rows at the end are lines on their way. */
  #waiting = 0;
  /** The last seq read before; null: there is no line. */
  #line: number | null = null;
  /** It has its place, or had it in what was let go of. */
  #hasLine = false;
  #messages = 0;

  constructor(me: () => Author, changes = new Map<number, RoomEvent[]>(), written = new Map<string, number | null>()) {
    this.#me = me;
    this.#changes = changes;
    this.#written = written;
  }

  /** Nothing was said yet: comings and goings are no conversation. */
  get isQuiet(): boolean {
    return this.#messages === 0 && this.#waiting === 0;
  }

  /** Behind this seq stands the line above what was new when the reader came; null: there is none. */
  get line(): number | null {
    return this.#line;
  }

  /** The row of the line; null: there is none, or it was let go of. */
  get lineRow(): Row | null {
    const index = this.#lineIndex();
    return index === null ? null : (this.rows.at(index) ?? null);
  }

  /** The message of this number as it stands now; null: it is not here. */
  find(seq: number): MessageRow | null {
    const index = this.#indexOf(seq);
    const row = index === null ? undefined : this.rows.at(index);
    return row?.kind === 'message' && row.line === null ? row : null;
  }

  /** What a message answers, as it stands now; null: it answers nothing. */
  quoteOf(message: Message): Quoted | null {
    const { replyTo } = message;
    return replyTo === null ? null : quoted(message, this.find(replyTo)?.message ?? null, this.#changes.get(replyTo) ?? []);
  }

  /** The newest of the last lines that the log has and that passes. */
  findLast(passes: (message: Message) => boolean): Message | null {
    for (let index = this.rows.length - 1; index >= Math.max(0, this.rows.length - mostLookedBack); index--) {
      const row = this.rows.at(index)!;
      if (row.kind === 'message' && row.line === null && passes(row.message)) return row.message;
    }
    return null;
  }

  append(events: readonly RoomEvent[]): void {
    const lines = this.#lines;
    this.setWaiting([]);
    for (const event of events) {
      if (isChange(event)) this.#change(event);
      else this.#add(event);
    }
    this.setWaiting(lines);
  }

  /** Events right before all that are here. */
  prepend(events: readonly RoomEvent[]): void {
    const above = new Fold(this.#me, this.#changes, this.#written);
    above.#line = this.#line;
    for (const event of events) if (isChange(event)) this.#note(event);
    for (const event of events) if (!isChange(event)) above.#add(event);
    this.#joinTo(above);
    this.rows.unshift(above.rows.slice(0, above.rows.length));
    this.#messages += above.#messages;
    this.#hasLine ||= above.#hasLine;
    lookAbove(this.rows, above.rows.length);
    this.#group(above.rows.length);
  }

  /** Lets go of what lies before this seq. */
  dropBefore(seq: number): void {
    let count = 0;
    for (let row = this.rows.at(0); row && row.order < seq && lastSeq(row) < seq; row = this.rows.at(++count)) {
      if (row.kind === 'message') this.#messages--;
    }
    this.rows.remove(0, count);
    const reaching = this.rows.at(0);
    // It would be read again with the page above, and stand there twice.
    if (reaching?.kind === 'presence') this.#keepFrom(reaching, seq);
    for (const [of, changes] of this.#changes) this.#keepChangesFrom(of, changes, seq);
    const first = this.rows.at(0);
    const at = first && (startOf(first) ?? startOf(this.rows.at(1) ?? first));
    if (first && at && first.kind !== 'day') this.rows.insert(0, { kind: 'day', key: `day-${first.order}`, order: first.order, at });
    this.#group(1);
  }

  #keepFrom(row: PresenceRow, seq: number): void {
    const events = row.events.filter((event) => event.seq >= seq);
    if (events.length < row.events.length) this.rows.replace(0, presenceRow(events, `presence-${events[0]!.seq}`));
  }

  #keepChangesFrom(of: number, changes: RoomEvent[], seq: number): void {
    const kept = changes.filter((event) => event.seq >= seq);
    if (kept.length === 0) this.#changes.delete(of);
    else this.#changes.set(of, kept);
  }

  clear(): void {
    const lines = this.#lines;
    this.rows.clear();
    this.#changes.clear();
    for (const id of this.#written.keys()) this.#written.set(id, null);
    [this.#waiting, this.#messages, this.#hasLine] = [0, 0, false];
    this.setWaiting(lines);
  }

  /** `after`: the last seq that was read before; null takes the line away. */
  setLine(after: number | null): void {
    if (after === this.#line) return;
    if (this.#hasLine) this.#removeLine();
    this.#line = after;
    if (after === null) return;
    for (let index = this.rows.indexOfOrder(after + 1); index < this.rows.length - this.#waiting; index++) {
      const row = this.rows.at(index)!;
      if (row.kind !== 'message' || row.order <= after) continue;
      this.#hasLine = true;
      this.rows.insert(index, unreadRow(row.order));
      this.#group(index + 1);
      return;
    }
  }

  /** What I wrote and the log does not have yet stands at the end, in the shape that it will have there; behind it what was refused, if it is much. */
  setWaiting(lines: readonly Line[]): void {
    const heights = new Map<string, number>();
    for (let index = this.rows.length - this.#waiting; index < this.rows.length; index++) heights.set(this.rows.at(index)!.key, this.rows.height(index));
    this.rows.remove(this.rows.length - this.#waiting, this.#waiting);
    this.#waiting = 0;
    this.#lines = lines;
    // The log has it already, and its row stands there under the same key.
    const missing = lines.filter((line) => typeof this.#written.get(line.id) !== 'number');
    const failed = missing.filter((line) => line.state === 'failed');
    const isFolded = failed.length > mostFailed;
    for (const line of missing) {
      this.#written.set(line.id, null);
      if (isFolded && line.state === 'failed') continue;
      const message = toMessage(eventOf(line, this.#me()));
      const [key, order] = [`own-${line.id}`, waitingOrder + this.#waiting];
      const row: MessageRow = { kind: 'message', key, order, message, first: this.#begins(this.rows.length, message), line };
      this.rows.push(row, heights.get(key));
      this.#waiting++;
    }
    if (!isFolded) return;
    this.rows.push({ kind: 'failed', key: 'failed', order: waitingOrder + this.#waiting, lines: failed }, heights.get('failed'));
    this.#waiting++;
  }

  #add(event: RoomEvent): void {
    const isAct = isSaid(event);
    const isMessage = event.type === 'message' || event.type === 'removed';
    if (!isAct && !isMessage && event.type !== 'join' && event.type !== 'leave') return;
    const last = this.rows.at(this.rows.length - 1);
    if (last === undefined || dayOf(endOf(last)) !== dayOf(event.at)) this.rows.push({ kind: 'day', key: `day-${event.seq}`, order: event.seq, at: event.at });
    if (isAct) this.rows.push({ kind: 'act', key: `act-${event.seq}`, order: event.seq, event });
    else if (isMessage) this.#addMessage(event);
    else this.#addPresence(event);
  }

  #addMessage(event: RoomEvent): void {
    if (!this.#hasLine && this.#line !== null && event.seq > this.#line) {
      this.#hasLine = true;
      this.rows.push(unreadRow(event.seq));
    }
    const message = (this.#changes.get(event.seq) ?? []).reduce<Message>((so, change) => changed(so, change, this.#me().user), toMessage(event));
    this.rows.push({ kind: 'message', key: this.#keyOf(event), order: event.seq, message, first: this.#begins(this.rows.length, message), line: null });
    this.#messages++;
  }

  #keyOf({ id, seq, from }: RoomEvent): string {
    // Ids are remembered for a week, so an old one may be used again: the first seq keeps the key.
    if (id === null || from.user !== this.#me().user) return `m-${seq}`;
    const known = this.#written.get(id);
    if (typeof known === 'number' && known !== seq) return `m-${seq}`;
    // Also of an earlier page: its line may be on disk still, and would stand here beside it until the server has said so again.
    this.#written.set(id, seq);
    return known === undefined ? `m-${seq}` : `own-${id}`;
  }

  #addPresence(event: RoomEvent): void {
    const index = this.rows.length - 1;
    const last = this.rows.at(index);
    if (last?.kind === 'presence' && last.events.length < mostFolded) this.rows.replace(index, presenceBelow(this.rows, index, [...last.events, event], last.key));
    else this.rows.push(presenceBelow(this.rows, index + 1, [event], `presence-${event.seq}`));
  }

  /** What it is about is drawn anew, if it is here. */
  #change(event: RoomEvent): void {
    this.#note(event);
    const index = this.#indexOf(event.of!);
    const row = index === null ? undefined : this.rows.at(index);
    if (row?.kind === 'message') this.rows.replace(index!, { ...row, message: changed(row.message, event, this.#me().user) });
    if (event.type === 'delete' || (event.type === 'edit' && !event.over)) this.#requote(event);
  }

  /** Few lines are answered, and fewer of those change: all rows are looked at. */
  #requote(event: RoomEvent): void {
    for (let index = this.rows.indexOfOrder(event.of!); index < this.rows.length; index++) {
      const row = this.rows.at(index)!;
      const message = row.kind === 'message' ? requoted(row.message, event) : null;
      if (row.kind === 'message' && message !== row.message) this.rows.replace(index, { ...row, message: message! });
    }
  }

  #note(event: RoomEvent): void {
    const before = this.#changes.get(event.of!);
    // Pages are read backwards: what comes with an older one happened earlier.
    this.#changes.set(event.of!, before ? lasting([...before, event].sort((a, b) => a.seq - b.seq)) : [event]);
  }

  #indexOf(seq: number): number | null {
    for (let index = this.rows.indexOfOrder(seq); this.rows.at(index)?.order === seq; index++) if (this.rows.at(index)!.kind === 'message') return index;
    return null;
  }

  /** Takes away or joins what would stand twice where the rows above meet the first ones here. */
  #joinTo(above: Fold): void {
    const last = above.rows.at(above.rows.length - 1);
    const first = this.rows.at(0);
    if (!last || !first) return;
    if (above.#hasLine && this.#hasLine) this.#removeLine();
    if (first.kind === 'day' && dayOf(first.at) === dayOf(endOf(last))) this.rows.remove(0);
    const next = this.rows.at(0);
    if (last.kind !== 'presence' || next?.kind !== 'presence' || last.events.length + next.events.length > mostFolded) return;
    // The lower one's key: it may be what the reader looks at.
    this.rows.replace(0, presenceRow([...last.events, ...next.events], next.key));
    above.rows.remove(above.rows.length - 1);
  }

  /** It stands before the first message behind the place that was read, unless that was let go of. */
  #removeLine(): void {
    const index = this.#lineIndex();
    if (index !== null) {
      this.rows.remove(index);
      this.#group(index);
    }
    this.#hasLine = false;
  }

  #lineIndex(): number | null {
    if (this.#line === null) return null;
    for (let index = this.rows.indexOfOrder(this.#line + 1); this.rows.at(index) && this.rows.at(index)!.kind !== 'message'; index++) {
      if (this.rows.at(index)!.kind === 'unread') return index;
    }
    return null;
  }

  /** Whether a message at this place begins a group looks at its neighbour alone, so that rows far away never change. */
  #begins(index: number, message: Message): boolean {
    let before = this.rows.at(index - 1);
    for (let above = index - 2; before?.kind === 'presence' && before.came.length + before.left.length === 0; above--) before = this.rows.at(above);
    return before?.kind !== 'message' || !continues(before.message, message);
  }

  /** The next message from this row on has another neighbour above it than before. */
  #group(index: number): void {
    let row = this.rows.at(index);
    while (row?.kind === 'presence' || row?.kind === 'act') row = this.rows.at(++index);
    if (row?.kind !== 'message') return;
    const first = this.#begins(index, row.message);
    if (first !== row.first) this.rows.replace(index, { ...row, first });
  }
}

/** An edit, a deletion or a reaction. */
function isChange(event: RoomEvent): boolean {
  return event.of !== null && event.type !== 'message';
}

/** Of what was replaced or deleted no words are kept. */
function lasting(changes: RoomEvent[]): RoomEvent[] {
  const end = changes.find((event) => event.type === 'delete');
  if (end) return [end];
  const edit = changes.findLast((event) => event.type === 'edit' && !event.over);
  return changes.filter((event) => event.type !== 'edit' || event === edit);
}

function continues(before: Message, message: Message): boolean {
  const [then, now] = [Date.parse(before.at), Date.parse(message.at)];
  return (
    !before.action &&
    !message.action &&
    before.from.user === message.from.user &&
    before.from.name === message.from.name &&
    before.from.kind === message.from.kind &&
    before.via === message.via &&
    now - then < groupWithin &&
    Math.floor(then / headerEvery) === Math.floor(now / headerEvery)
  );
}

function unreadRow(order: number): Row {
  return { kind: 'unread', key: 'unread', order };
}

function eventOf(line: Line, me: Author): RoomEvent {
  const at = new Date(line.at).toISOString();
  return { type: 'message', room: '', seq: 0, epoch: '', id: line.id, at, from: me, text: line.text, replyTo: line.replyTo, of: null, emoji: '', ...(line.action && { action: true }) };
}

function lastSeq(row: Row): number {
  return row.kind === 'presence' ? row.events.at(-1)!.seq : row.order;
}

function startOf(row: Row): string | null {
  return row.kind === 'message' ? row.message.at : row.kind === 'presence' ? row.events[0]!.at : row.kind === 'act' ? row.event.at : row.kind === 'day' ? row.at : null;
}

function endOf(row: Row): string {
  return row.kind === 'presence' ? row.events.at(-1)!.at : (startOf(row) ?? '');
}

/** Local days since some day. A `Date` for each line would be most of what folding costs, so the last two answers are kept. */
const known: { day: number; from: number; until: number }[] = [];

function dayOf(at: string): number {
  // Only a server that is no server of ours says no time.
  const time = Date.parse(at) || 0;
  for (const one of known) if (time >= one.from && time < one.until) return one.day;
  const date = new Date(time);
  const from = new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
  const until = new Date(date.getFullYear(), date.getMonth(), date.getDate() + 1).getTime();
  known.unshift({ day: from, from, until });
  known.length = Math.min(known.length, 2);
  return from;
}

/** Good enough for a scroll bar; the rows in sight are measured. */
function estimate(row: Row): number {
  if (row.kind === 'presence') return row.came.length + row.left.length === 0 ? 0 : 29;
  if (row.kind === 'act') return 29;
  if (row.kind !== 'message') return 50;
  const { text } = row.message;
  if (density.current === 'compact') return 2 + 23 * Math.min(linesShown, 1 + Math.floor(text.length / 90));
  return 34 + (row.first ? 36 : 0) + 23 * Math.min(linesShown, Math.floor(text.length / 70));
}
