import { call } from '../../lib/http';
import type { Kind } from '../../lib/kind';
import type { Copy } from '../../store/store';
import { t } from '../../i18n/i18n.svelte';
import type { Link } from '../link/link';
import type { Message } from '../model/merge';
import { changedBy, parseJson, readEvent, readPeople, readReset, readRoom, type People, type Room, type RoomEvent } from '../model/protocol';
import { looksAfter, nextAt, quietUntil, whyNotWrite, type Held } from '../model/rules';
import { NameableMembers } from '../people/members.svelte';
import { PeopleState } from '../people/people.svelte';
import { RolesState } from '../people/roles.svelte';
import { actionsFor, mayEdit, type Action } from './may';
import { OpenLog, type LogReader, type Words } from './openLog.svelte';
import { Pins } from './pins.svelte';

/** One room that was opened in this visit: becomes present in it on each connection, and hears what is said, who is there, and that it is over. */
export class RoomState extends OpenLog {
  override readonly rolls = true;
  readonly people = new PeopleState();
  readonly roles: RolesState;
  /** Who can be named though they are not here. */
  readonly members: NameableMembers;
  readonly pins: Pins;
  readonly peopled = this;
  room = $state.raw<Room | null>(null);
  /** The tile, or the data topic, that the reader has asked to see; null: none. */
  shown = $state<string | null>(null);
  /** The account is in it no more, and did not leave from here. */
  gone = $state<'removed' | 'deleted' | 'lost' | null>(null);

  /** What its reader wants of its quiet, until that is done. */
  quietAsked = $state<'keep' | 'end' | null>(null);

  /** When its reader said something here last, in milliseconds since 1970; 0: that is not known. */
  #saidAt = $state(0);
  /** How many roles and changes of the room were told in this visit, and when the last one was, in milliseconds since 1970. */
  #acts = 0;
  #actedAt = 0;
  #asking = false;
  /** Its reader was in it, now or in an earlier visit. What a public room has said is read before it lets anybody in. */
  #wasIn = false;

  /** `copy`: what an earlier visit knew of it. */
  constructor(id: string, user: LogReader, room: Room | null, copy: Promise<Copy | null>) {
    super({ id, topic: `rooms/${id}`, path: `/api/rooms/${id}`, address: `/rooms/${id}` }, user, copy);
    this.room = room;
    this.roles = new RolesState(id);
    this.members = new NameableMembers(id);
    this.pins = new Pins(id);
  }

  get title(): string {
    return this.room?.title ?? this.id;
  }

  get words(): Words {
    const room = this.title;
    return {
      messages: t('chat.messages', { room }),
      around: t('around.messages', { room }),
      earlier: t('around.here'),
      beginning: t('chat.beginning', { room }),
      empty: t('chat.empty'),
      emptyHint: this.whyNotWrite(this.user.author().kind) ? '' : t('chat.emptyHint'),
      placeholder: t('composer.placeholder', { room }),
    };
  }

  actionsFor(message: Message, kind: Kind): Action[] {
    return actionsFor(message, { me: this.user.me, kind, room: this.room, roleOf: (user) => this.roles.of(user) }, Date.now());
  }

  whyNotWrite(kind: Kind): ReturnType<typeof whyNotWrite> {
    return whyNotWrite(this.room, kind);
  }

  override get kept(): NonNullable<Room['kept']> | null {
    return this.room?.kept ?? null;
  }

  get muted(): Held | null {
    return this.room?.muted ?? null;
  }

  /** Until when moderators alone write; null: it is not kept quiet. */
  get quiet(): string | null {
    return quietUntil(this.room);
  }

  get hosts(): boolean {
    return looksAfter(this.room) && !this.room?.rules?.archived;
  }

  get me(): string {
    return this.user.me;
  }

  /** When its reader may say something again, in milliseconds since 1970. */
  get nextAt(): number {
    return nextAt(this.room, this.#saidAt);
  }

  keepQuiet(): void {
    this.quietAsked = 'keep';
  }

  showTile(what: string): void {
    this.shown = what;
  }

  isPinned(seq: number): boolean {
    return this.pins.has(seq);
  }

  protected get head(): number {
    return this.room?.head ?? 0;
  }

  protected override get isOut(): boolean {
    return this.gone !== null;
  }

  protected override get description(): Room | null {
    return this.room;
  }

  protected mayEdit(message: Message): boolean {
    return mayEdit(message, this.user.me, this.room?.rules, Date.now());
  }

  protected async open(link: Link, step: symbol): Promise<void> {
    const [isAhead] = await Promise.all([this.history.takenAhead(), this.known]);
    if (this.link !== link) return;
    this.people.expectAnew();
    const [around, page] = await Promise.all([link.subscribe([`${this.topic}/people`, `${this.topic}/info`, `${this.topic}/typing`], 0), isAhead ? 'done' : this.history.catchUp()]);
    if (this.link !== link || around === 'lost') return;
    if (around === 'refused' || page === 'refused') return this.#refuse(step);
    const { last, epoch } = this.log.timeline;
    if (last === null || epoch === null) return this.end(step);
    if (!isAhead) await this.history.reachUnread();
    if (this.link !== link) return;
    const events = await link.subscribe(this.topic, 1, { after: last, epoch });
    if (this.link !== link || events === 'lost') return;
    if (events === 'refused') return this.#refuse(step);
    this.#wasIn = true;
    void this.roles.cameIn();
    this.members.cameIn();
    void this.pins.read();
    this.end(step);
  }

  /** Put out: what was said goes, what its reader has still to say stays for them to take along. */
  lose(how: NonNullable<RoomState['gone']>): void {
    this.gone = how;
    this.leave();
    this.people.clear();
    this.members.clear();
    this.#refuse();
  }

  override leave(): void {
    this.link?.unsubscribe([this.topic, `${this.topic}/people`, `${this.topic}/info`, `${this.topic}/typing`]);
    super.leave();
  }

  async readRoom(): Promise<void> {
    const acts = this.#acts;
    const answer = await call<unknown>('GET', `/api/rooms/${this.id}`);
    // The answer may be older than what was told meanwhile.
    if (answer.ok && acts !== this.#acts) return this.readRoom();
    if (answer.ok) this.room = readRoom(answer.value) ?? this.room;
    else if (answer.problem.status === 404 || answer.problem.status === 403) this.#refuse();
  }

  /** The list of rooms, asked for at `asOf`, says what an absence has missed. Null: it does not name the room. */
  described(listed: Room | null, asOf: number): void {
    if (listed === null || this.phase === 'refused') return;
    if (asOf > this.#actedAt) this.room = { ...listed, people: this.room?.people ?? listed.people };
    else void this.readRoom();
  }

  /** Below `rooms/{room}`: `rest` is what follows the room's name in the topic. */
  receive(rest: string, payload: string): void {
    if (rest === '') this.#receiveStream(parseJson(payload));
    else if (rest === 'people') this.#receivePeople(readPeople(parseJson(payload)));
    else if (rest === 'typing') this.#receiveTyping(parseJson(payload));
    else if (rest === 'info') this.#receiveInfo(payload);
  }

  /** Puts it on the room's list of pins, or takes it off. */
  pin(seq: number): void {
    this.act({ command: 'pin', of: seq, on: !this.pins.has(seq) });
  }

  /** It was refused, and its owner may have let this account in since. Until that is known, the page stays as it is. */
  async askAgain(): Promise<void> {
    // Whoever was put out of a public room does not come back into it by looking at the page.
    if (this.phase !== 'refused' || this.gone || this.#asking) return;
    this.#asking = true;
    const answer = await call<unknown>('GET', `/api/rooms/${this.id}`);
    if (answer.ok) {
      this.room = readRoom(answer.value) ?? this.room;
      if (this.link) await this.attach(this.link);
    }
    this.#asking = false;
  }

  #receiveStream(value: unknown): void {
    const reset = readReset(value);
    if (reset) return this.startAnew();
    const event = readEvent(value);
    if (event) this.take(event);
  }

  protected override taken(event: RoomEvent, joined: boolean): void {
    if (joined) this.#receiveAct(event);
    this.pins.heard(event);
    // The server's clock may go before this one.
    if (event.type === 'message' && event.from.user === this.user.me) this.#saidAt = Math.max(this.#saidAt, Math.min(Date.parse(event.at), Date.now()));
  }

  /** An act may be among it. */
  protected override missedRead(): void {
    void this.readRoom();
  }

  protected override restored(room: Room | null): void {
    this.room ??= room;
    this.#wasIn = true;
  }

  #receiveAct({ type, from, target, role, ...event }: RoomEvent): void {
    const isHeld = type === 'mute' || type === 'unmute';
    if (type !== 'role' && type !== 'policy' && !isHeld) return;
    this.#acts++;
    this.#actedAt = Date.now();
    if (isHeld && target?.user === this.user.me) void this.readRoom();
    if (type === 'policy') this.room = this.room && changedBy(this.room, event);
    // What the operator keeps at most, the server knows.
    if (event.retention) void this.readRoom();
    if (!target || !role) return;
    this.roles.given(target.user, role);
    // What this account may do by now, the server says; it gave its own role away, or has another.
    if (target.user === this.user.me || from.user === this.user.me) void this.readRoom();
  }

  #receivePeople(told: People | null): void {
    if (!told) return;
    for (const user of told.gone) this.typing.stopped(user);
    // A list that was asked for says everything, whatever was missed.
    if (this.people.hear(told) === 'missed') void this.link?.subscribe(`${this.topic}/people`, 0);
  }

  #receiveTyping(value: unknown): void {
    const user = (value as { user?: unknown } | null | undefined)?.user;
    if (typeof user === 'string' && user !== this.user.me && !this.ignored.has(user)) this.typing.heard(user);
  }

  #receiveInfo(payload: string): void {
    const info = payload === '' ? null : readRoom(parseJson(payload));
    if (info) this.room = { ...this.room, ...info, member: this.room?.member ?? true, mine: this.room?.mine ?? false, role: this.room?.role ?? null };
  }

  /** @param step What ends by it. Others go on: the account may be let in while they do. */
  #refuse(step?: symbol): void {
    if (this.phase === 'ready' && this.#wasIn) this.gone ??= 'lost';
    this.log.phase = 'refused';
    this.pins.clear();
    if (step !== undefined) this.steps.end(step);
    this.goToEnd();
    this.log.timeline.restart();
    this.log.changed();
    this.user.keep(this.topic, null);
  }
}
