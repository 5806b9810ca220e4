import type { Kind } from '../../lib/kind';
import { Retry } from '../../lib/retry.svelte';
import { UnderWay } from '../../lib/underWay.svelte';
import type { About, Act, Copy } from '../../store/store';
import { Composing, type Composed } from '../compose/composing.svelte';
import type { Line, Outbox } from '../compose/outbox.svelte';
import type { Link } from '../link/link';
import type { Message } from '../model/merge';
import { isNews, isOthersEdit, type Author, type Reading, type Room, type RoomEvent } from '../model/protocol';
import type { IgnoredPeople } from '../people/ignored.svelte';
import type { PeopledRoom } from '../people/people.svelte';
import { TypingState } from '../people/typing.svelte';
import { Around, type Place } from './around.svelte';
import { History } from './history';
import type { Action } from './may';
import type { MyMessages } from './myMessages';
import { Reader } from './reader.svelte';
import { RoomLog } from './roomLog.svelte';

export interface LogReader {
  readonly me: string;
  /** As the others see me now. */
  author(): Author;
  readonly outbox: Outbox;
  readonly ignored: IgnoredPeople;
  /** What they have begun to write, and what it is about. */
  readonly drafts: { about(topic: string): About | null; turn(topic: string, about: About | null): void };
  /** The reader has seen everything up to here. */
  read(id: string, seq: number, epoch: string): void;
  /** What is known of it has changed, and is to be kept. Null: it is not this account's any more. */
  keep(topic: string, copy: (() => Omit<Copy, 'account'> | null) | null, now?: boolean): void;
  /** The list that it stands in has been asked for: what the server knows of the account's reading is known. */
  readonly listRead: Promise<void>;
  /** An edit or a deletion in the log of `topic`: its words that stand elsewhere in the page follow it. */
  replaced?(topic: string, change: RoomEvent): void;
  /** What the reader alone sees of messages. */
  readonly mine?: MyMessages;
}

/** What the timeline says around the lines. */
export interface Words {
  /** The name of the list, for screen readers. */
  messages: string;
  /** The name of another part of it. */
  around: string;
  /** Of a part that does not reach the newest. */
  earlier: string;
  beginning: string;
  empty: string;
  emptyHint: string;
  /** In the empty composer, where there is room for it. */
  placeholder: string;
}

export interface LogPlace {
  /** Of the room, or the other's user name. */
  id: string;
  topic: string;
  /** Below which the API has it. */
  path: string;
  /** The address of its page. */
  address: string;
}

/**
 * Where something is said, opened in this visit: a room, or what two say to each other. Knows what was said, how far its reader has come and what
 * they are writing; how it is heard live, each of the two knows for itself.
 */
export abstract class OpenLog {
  readonly id: string;
  readonly topic: string;
  readonly address: string;
  readonly typing = new TypingState();
  readonly composing: Composing;
  readonly log: RoomLog;
  readonly history: History;
  readonly reader: Reader;
  /** The newest live message or edit of somebody else, for the screen reader; null: what it said was deleted. */
  announced = $state.raw<RoomEvent | null>(null);
  /** Another part of the log is shown than its end; null: the end is. */
  around = $state.raw<Around | null>(null);
  /** How many messages were sent from here in this visit. */
  sent = $state(0);

  abstract readonly people: { nameOf(user: string): string | null; isAmbiguous(user: string, name: string): boolean; met(author: Author): void };
  /** The room whose people these are; null: of two, there is nothing more to know. */
  abstract readonly peopled: PeopledRoom | null;
  /** Dice are thrown here. */
  readonly rolls: boolean = false;
  abstract readonly title: string;
  abstract readonly words: Words;
  /** The newest seq that a list told of; 0: none. */
  protected abstract readonly head: number;

  protected readonly user: LogReader;
  /** What earlier visits and the list know is known. */
  protected readonly known: Promise<unknown>;
  protected readonly steps = new UnderWay();
  protected link: Link | null = null;
  readonly #path: string;
  /** The step that a page read ahead of the connection begins, and the connection takes over. */
  #ahead: symbol | null = null;
  /** Becoming present and reading what was missed. */
  readonly #opening = new Retry();
  readonly #gap = new Retry();
  #stopped = false;

  /** `copy`: what an earlier visit knew of it. */
  constructor({ id, topic, path, address }: LogPlace, user: LogReader, copy: Promise<Copy | null>) {
    [this.id, this.topic, this.#path, this.address] = [id, topic, path, address];
    this.user = user;
    this.log = new RoomLog({
      me: user.me,
      topic,
      author: () => user.author(),
      outbox: user.outbox,
      met: (author) => this.people.met(author),
      keep: (now) => this.keep(now),
      replaced: (change) => this.#follow(change),
      skipped: () => this.#skipped(),
    });
    this.known = Promise.all([copy.then((found) => this.#restore(found)), user.listRead]);
    this.history = new History(this.log, { path, known: this.known, head: () => this.head, isOut: () => this.isOut });
    const { drafts } = user;
    this.composing = new Composing({
      about: () => drafts.about(topic),
      turn: (about) => drafts.turn(topic, about),
      // Of a conversation that nobody has begun, there is none.
      epoch: () => (this.log.version >= 0 && this.log.timeline.epoch) || null,
      find: (seq) => (this.log.version >= 0 ? composed(this.log.find(seq)?.message ?? null) : null),
      read: async (seq) => composed(await this.history.one(seq)),
    });
    this.reader = new Reader(this.log, {
      me: user.me,
      catchingUp: this.steps,
      saw: (seq, epoch) => {
        user.read(id, seq, epoch);
        this.keep();
      },
    });
  }

  get mine(): MyMessages | undefined {
    return this.user.mine;
  }

  /** What comes after this is unread again: said here, or on another device. */
  goBack(seq: number): void {
    this.reader.goBack(seq);
    this.keep();
  }

  /** What the reader can do with a message, as far as this page knows. */
  abstract actionsFor(message: Message, kind: Kind): Action[];
  /** How long what was said is kept; null: for ever. */
  get kept(): { days?: number; messages?: number } | null {
    return null;
  }

  /** Why somebody of this kind cannot write here; null: they can. */
  abstract whyNotWrite(kind: Kind): 'archived' | 'muted' | 'quiet' | 'moderators' | 'guests' | 'noGuests' | 'gone' | null;
  abstract isPinned(seq: number): boolean;
  abstract pin(seq: number): void;
  protected abstract mayEdit(message: Message): boolean;
  /** Becomes present and reads what was missed; ends the step. */
  protected abstract open(link: Link, step: symbol): Promise<void>;

  get phase(): RoomLog['phase'] {
    return this.log.phase;
  }

  get unread(): number {
    return this.log.unread;
  }

  get pending(): readonly Line[] {
    return this.log.pending;
  }

  get ignored(): IgnoredPeople {
    return this.user.ignored;
  }

  /** It is not known yet what was missed. */
  get catchingUp(): boolean {
    return this.steps.any;
  }

  /** The account is in it no more. */
  protected get isOut(): boolean {
    return false;
  }

  /** Shows the newest page while the connection is still being made. How far was read is not known before that is there: nothing is taken for seen. */
  readAhead(): void {
    this.expect();
    this.history.readAhead();
  }

  /** The connection is on its way: what was missed may come before it is read. */
  expect(): void {
    const before = this.#ahead;
    this.#ahead = this.steps.begin();
    if (before !== null) this.steps.end(before);
  }

  /** On every new connection: become present, read what was missed. Order matters: what comes live begins right behind what was read. */
  attach(link: Link): Promise<void> {
    this.link = link;
    return this.#opening.run(async () => {
      if (this.#hasFailed()) this.log.phase = 'joining';
      const step = this.steps.begin();
      if (this.#ahead !== null) this.steps.end(this.#ahead);
      this.#ahead = null;
      // Where the connection is lost, or another one has taken its place, `detach` has forgotten the step, or will.
      await this.open(link, step);
      return this.#hasFailed() ? 'again' : 'done';
    });
  }

  #hasFailed(): boolean {
    return this.phase === 'failed';
  }

  detach(): void {
    this.link = null;
    this.steps.forget();
    this.#ahead = null;
    for (const retry of [this.#opening, this.#gap]) retry.stop();
    this.typing.clear();
  }

  /** It is heard no more. */
  leave(): void {
    this.detach();
  }

  /** Nobody is signed in any more: nothing is read, kept or drawn from here on. */
  stop(): void {
    this.#stopped = true;
    this.goToEnd();
    this.history.stop();
    this.leave();
    this.log.stop();
  }

  /** Read further on another device, or counted by the server. */
  toldReading(reading: Reading, head: number): void {
    this.reader.told(reading, head);
  }

  /** Shows this message in its place, wherever in the log that is. */
  goTo(seq: number): void {
    this.show({ seq });
  }

  /** Shows the end again. */
  goToEnd(): void {
    this.around?.stop();
    this.around = null;
  }

  show(place: Place): void {
    this.goToEnd();
    const { me, outbox } = this.user;
    this.around = new Around(this.#path, place, { me, outbox, author: () => this.user.author(), met: (author) => this.people.met(author) });
    void this.around.read();
  }

  /** `action`: what I do, as `/me` has it. `dice`: what I throw. */
  send(text: string, action = false, dice?: string): void {
    this.goToEnd();
    this.user.outbox.write(this.topic, text, { replyTo: this.composing.reply?.seq ?? null, action, dice });
    this.composing.leave();
    this.typing.said();
    this.log.setLine(null);
    this.sent++;
  }

  act(act: Act): void {
    this.user.outbox.act(this.topic, act);
  }

  /** What is being changed is changed. */
  change(text: string): void {
    const { edit } = this.composing;
    this.composing.leave();
    if (edit && edit.text !== text) this.act({ command: 'edit', of: edit.seq, text });
    this.typing.said();
  }

  /** The last line that I may still change goes into the composer. Answers whether there is one. */
  changeLast(): boolean {
    const last = this.log.last((message) => this.mayEdit(message));
    if (!last) return false;
    this.composing.change(last.seq);
    return true;
  }

  sayTyping(): void {
    if (this.link && this.typing.shouldSay()) this.link.publishLoosely(`${this.topic}/typing`);
  }

  async tryAgain(): Promise<void> {
    if (this.link) return this.attach(this.link);
    this.log.phase = 'joining';
    this.readAhead();
  }

  /** A live event, in the order of the log. */
  protected take(event: RoomEvent): void {
    const joined = this.reader.receive(event);
    if (this.around) this.#tellAround(this.around, event);
    if (event.type === 'message') this.typing.stopped(event.from.user);
    this.taken(event, joined);
    if (this.catchingUp) return;
    const isForReader = isNews(this.user.me, event) || isOthersEdit(this.user.me, event);
    if (joined && isForReader && !this.ignored.has(event.from.user)) this.announced = event;
    this.fillGap();
  }

  /** Each live event, whether it joined what is known or not. */
  protected taken(_event: RoomEvent, _joined: boolean): void {}

  /** What was missed was read. */
  protected missedRead(): void {}

  /** An edit or a deletion, heard or read: wherever in the page its words stand. */
  #follow(change: RoomEvent): void {
    const { of } = change;
    if (of !== null && (this.announced?.seq === of || this.announced?.of === of)) this.announced = null;
    this.around?.change(change);
    this.composing.follow(change);
    this.user.replaced?.(this.topic, change);
  }

  /** So much was missed, or the log is another, that nobody tells what was replaced: nothing is shown as it was. */
  #skipped(): void {
    this.announced = null;
    this.composing.forget();
    if (this.around) this.show(this.around.place);
  }

  /** It has followed an edit or a deletion already. */
  #tellAround(around: Around, event: RoomEvent): void {
    around.atHead = false;
    if (event.type !== 'edit' && event.type !== 'delete') around.change(event);
  }

  /** What was missed is known when the last step has ended, in whichever order they do. */
  protected end(step: symbol): void {
    if (!this.steps.end(step) || this.phase !== 'ready') return;
    this.reader.caughtUp();
    this.composing.lookAgain();
  }

  /** The log is another one than we knew. */
  protected startAnew(): void {
    this.log.timeline.restart();
    this.readMissed();
  }

  protected fillGap(): void {
    // While it fails, each further event would ask again.
    if (this.log.timeline.hasGap && !this.#gap.trying && this.#gap.failures === 0) this.readMissed();
  }

  protected readMissed(): void {
    void this.#gap.run(async () => {
      const step = this.steps.begin();
      const answer = await this.history.catchUp();
      this.end(step);
      this.missedRead();
      return answer === 'failed' ? 'again' : 'done';
    });
  }

  #restore(copy: Copy | null): void {
    if (this.log.restore(copy)) this.restored(copy.room);
  }

  /** An earlier visit's words are here, and what it knew of the room. */
  protected restored(_room: Room | null): void {}

  /** How it is described, to be kept with what was said. */
  protected get description(): Room | null {
    return null;
  }

  protected keep(now = false): void {
    if (!this.#stopped) this.user.keep(this.topic, () => this.log.copy(this.description), now);
  }
}

/** Of what was deleted, its place alone is told. */
function composed(event: RoomEvent | null): Composed | null {
  return event && { name: event.from.name, text: event.text, deleted: event.type !== 'message' || (event as Partial<Message>).deleted === true };
}
