import { session, type Me } from '../../session/session.svelte';
import type { Line, Outbox } from '../compose/outbox.svelte';
import type { Author } from '../model/protocol';
import { actingOn } from './acting';
import type { MessageRow } from './fold';
import { Hand } from './hand.svelte';
import type { Action } from './may';
import type { OpenLog } from './openLog.svelte';
import type { Quoted } from './quoted';
import type { RoomLog } from './roomLog.svelte';
import { Walk, type Walked } from './walk';

/** Of those on whom nothing is done; always the same, so that nothing is drawn anew. */
const none: readonly never[] = [];

export interface Viewed {
  room: OpenLog;
  /** The part of the room's log that is shown. */
  log: RoomLog;
  me: Me;
  outbox: Outbox;
  online: () => boolean;
}

/** What the rows of one list of messages have in common: whose they are, what is being done with them, and where the reader's hand and keys are. */
export class LogView {
  readonly room: OpenLog;
  readonly log: RoomLog;
  readonly outbox: Outbox;
  readonly hand: Hand;
  /** Somebody whose card is open. */
  card = $state.raw<Author | null>(null);
  /** The lines that were refused are shown one by one. */
  failedOpen = $state(false);
  readonly #me: Me;
  readonly #online: () => boolean;
  readonly #acts = $derived.by(() => actingOn(this.room.pending));
  readonly author = $derived.by<Author>(() => ({ user: this.#me.user, name: (session.me ?? this.#me).name, kind: this.#me.kind }));
  /** The reader may write here. */
  readonly writes = $derived.by(() => this.room.whyNotWrite(this.#me.kind) === null);
  #walk: Walk | null = null;

  constructor({ room, log, me, outbox, online }: Viewed) {
    [this.room, this.log, this.#me, this.outbox, this.#online] = [room, log, me, outbox, online];
    this.hand = new Hand(room, me.user);
  }

  get me(): string {
    return this.#me.user;
  }

  get online(): boolean {
    return this.#online();
  }

  /** The list is drawn: the keys walk in it. */
  walkIn(drawn: Omit<Walked, 'rows' | 'current'>): void {
    this.#walk = new Walk({ ...drawn, rows: () => this.log.rows, current: () => this.hand.current });
  }

  /** A bot that has the reader's account is another client. */
  isOwn({ user, kind }: Author): boolean {
    return user === this.#me.user && kind !== 'bot';
  }

  /** What the reader has done with the message and the log does not have yet. */
  actsOn({ order }: MessageRow): readonly Line[] {
    return this.#acts.get(order) ?? none;
  }

  /** Asked when they are to be shown: time goes by. */
  actionsOf({ message }: MessageRow): readonly Action[] {
    return this.room.actionsFor(message, this.#me.kind);
  }

  quoteOf({ message }: MessageRow): Quoted | null {
    return message.replyTo !== null && this.log.version >= 0 ? this.log.quoteOf(message) : null;
  }

  nameOf = (user: string): string | null => this.room.people.nameOf(user);

  /** The reader is at this message: the arrows go on from here. */
  stand({ key, order }: { key: string; order: number }): void {
    this.hand.current = { key, order };
  }

  focus(row: MessageRow): void {
    this.stand(row);
    this.#walk?.focus(row);
  }

  pressed = (event: KeyboardEvent): void => {
    // Whoever presses keys here means the row that they are in, wherever the mouse was left.
    if (this.hand.focused !== null) this.hand.over = null;
    const answer = this.#walk?.press(event) ?? null;
    if (answer === 'leave') this.room.composing.calls++;
    else if (answer) this.stand(answer);
  };
}
