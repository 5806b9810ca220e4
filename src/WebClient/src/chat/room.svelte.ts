import { call } from '../lib/http';
import { randomId } from '../lib/randomId';
import { fold } from './fold';
import type { Link } from './link';
import { PeopleState } from './people.svelte';
import { parseJson, readEvent, readPage, readPresent, readRoom, type HistoryPage, type Room, type RoomEvent } from './protocol';
import { Timeline, type Pending } from './timeline';
import { TypingState } from './typing.svelte';

const pageLength = 50;
const longestCatchUp = 500;
/** More lines than this are let go of while the reader is at the end, where nobody sees them. */
const keptLines = 400;

type Phase = 'joining' | 'ready' | 'refused' | 'failed';

/** One room that was opened in this visit: its timeline, the people in it, and what is on its way. */
export class RoomState {
  readonly id: string;
  readonly people = new PeopleState();
  readonly typing = new TypingState();
  room = $state.raw<Room | null>(null);
  phase = $state<Phase>('joining');
  loadingOlder = $state(false);
  olderFailed = $state(false);
  events = $state.raw<readonly RoomEvent[]>([]);
  pending = $state.raw<readonly Pending[]>([]);
  atStart = $state(false);
  /** Messages of others that arrived while nobody looked. */
  unread = $state(0);
  /** The last seq that was on screen before the reader went away; null when there is nothing to mark. */
  readUpTo = $state<number | null>(null);
  /** The newest live message of somebody else, for the screen reader. */
  announced = $state.raw<RoomEvent | null>(null);
  draft = $state('');
  /** How many messages were sent from here in this visit. */
  sent = $state(0);

  readonly items = $derived(fold(this.events, this.readUpTo));

  readonly #timeline: Timeline;
  readonly #me: string;
  #link: Link | null = null;
  /** On this link, the lines that waited have been sent: a new one may follow them. */
  #flushed = false;
  #catchingUp = false;
  #asking = false;
  /** Set by the page: the reader sees this room's end. */
  watched = false;

  constructor(id: string, me: string) {
    this.id = id;
    this.#me = me;
    this.#timeline = new Timeline(me);
  }

  get title(): string {
    return this.room?.title ?? this.id;
  }

  /** On every new connection: become present, read what was missed, send what was not acknowledged. */
  async attach(link: Link): Promise<void> {
    this.#link = link;
    this.#flushed = false;
    this.people.expectAnew();
    const subscribed = await link.subscribe(`rooms/${this.id}/#`, 1);
    if (this.#link !== link || subscribed === 'lost') return;
    if (subscribed === 'refused') {
      this.phase = 'refused';
      return;
    }
    await this.#catchUp();
    if (this.#link !== link) return;
    this.people.settle();
    this.#flushed = true;
    for (const line of this.#timeline.pending) if (line.state === 'sending') this.#publish(line);
  }

  detach(): void {
    this.#link = null;
  }

  leave(): void {
    this.#link?.unsubscribe(`rooms/${this.id}/#`);
    this.detach();
  }

  async readRoom(): Promise<void> {
    const answer = await call<unknown>('GET', `/api/rooms/${this.id}`);
    if (answer.ok) this.room = readRoom(answer.value) ?? this.room;
    else if (answer.problem.status === 404 || answer.problem.status === 403) this.phase = 'refused';
  }

  /** Below `rooms/{room}`: `rest` is what follows the room's name in the topic. */
  receive(rest: string, payload: string): void {
    const [level, user] = rest.split('/');
    if (rest === '') this.#receiveEvent(readEvent(parseJson(payload)));
    else if (level === 'presence' && user) this.people.set(user, payload === '' ? null : readPresent(parseJson(payload)));
    else if (level === 'typing') this.#receiveTyping(parseJson(payload));
    else if (level === 'info') this.#receiveInfo(payload);
  }

  send(text: string): void {
    const line: Pending = { id: randomId(), text, at: Date.now(), state: 'sending', reason: null };
    this.#timeline.send(line);
    this.typing.said();
    this.readUpTo = null;
    this.sent++;
    this.#draw();
    this.#publish(line);
  }

  retry(id: string): void {
    const line = this.#timeline.retry(id);
    this.#draw();
    if (line) this.#publish(line);
  }

  discard(id: string): void {
    this.#timeline.discard(id);
    this.#draw();
  }

  sayTyping(): void {
    if (this.#link && this.typing.shouldSay()) this.#link.publishLoosely(`rooms/${this.id}/typing`);
  }

  /** Answers whether there is more above than before. */
  async loadOlder(): Promise<boolean> {
    const first = this.#timeline.first;
    if (this.loadingOlder || this.phase !== 'ready' || first === null || this.#timeline.atStart) return false;
    this.loadingOlder = true;
    const page = await this.#readPage(`before=${first}&limit=${pageLength}`);
    this.olderFailed = page === null;
    if (page && !this.#timeline.addOlder(page)) {
      this.#timeline.restart();
      await this.#catchUp();
    }
    this.loadingOlder = false;
    this.#draw();
    return this.#timeline.first !== first;
  }

  /** The reader looks at the end of the timeline. */
  markRead(): void {
    this.watched = true;
    this.unread = 0;
    if (this.events.length > keptLines * 1.5) {
      this.#timeline.trim(keptLines);
      this.#draw();
    }
  }

  /** The reader went to another room, or scrolled up, or hid the tab. */
  lookAway(): void {
    if (!this.watched) return;
    this.watched = false;
    this.readUpTo = this.#timeline.last;
  }

  async tryAgain(): Promise<void> {
    this.phase = 'joining';
    if (this.#link) await this.attach(this.#link);
  }

  /** It was refused, and its owner may have let this account in since. Until that is known, the page stays as it is. */
  async askAgain(): Promise<void> {
    if (this.phase !== 'refused' || this.#asking) return;
    this.#asking = true;
    const answer = await call<unknown>('GET', `/api/rooms/${this.id}`);
    if (answer.ok) {
      this.room = readRoom(answer.value) ?? this.room;
      if (this.#link) await this.attach(this.#link);
    }
    this.#asking = false;
  }

  #receiveEvent(event: RoomEvent | null): void {
    if (!event) return;
    const joined = this.#timeline.receive(event);
    if (event.type === 'message') this.typing.stopped(event.from.user);
    if (joined && event.type === 'message' && event.from.user !== this.#me) {
      this.announced = event;
      if (!this.watched) this.unread++;
    }
    if (this.#timeline.hasGap) void this.#catchUp();
    this.#draw();
  }

  #receiveTyping(value: unknown): void {
    const user = (value as { user?: unknown } | null | undefined)?.user;
    if (typeof user === 'string' && user !== this.#me) this.typing.heard(user);
  }

  #receiveInfo(payload: string): void {
    const info = payload === '' ? null : readRoom(parseJson(payload));
    if (info) this.room = { ...info, member: this.room?.member ?? true, mine: this.room?.mine ?? false };
  }

  /** Reads on from the newest event known, until what arrived live joins. Far behind, it starts over from the newest page. */
  async #catchUp(): Promise<void> {
    if (this.#catchingUp) return;
    this.#catchingUp = true;
    try {
      do {
        const last = this.#timeline.last;
        let page = await this.#readPage(last === null ? `limit=${pageLength}` : `after=${last}&limit=${longestCatchUp}`);
        const behind = page && last !== null && (page.head - last > longestCatchUp || page.epoch !== this.#timeline.epoch);
        if (behind) page = await this.#readPage(`limit=${pageLength}`);
        if (!page) {
          if (this.phase === 'joining') this.phase = 'failed';
          return;
        }
        const before = this.#timeline.last;
        const wasEpoch = this.#timeline.epoch;
        this.#timeline.addNewer(page);
        this.phase = 'ready';
        this.#countMissed(page, last);
        this.#draw();
        // A server that cannot fill the hole must not be asked for ever; the next event asks again.
        if (this.#timeline.last === before && this.#timeline.epoch === wasEpoch) return;
      } while (this.#timeline.hasGap);
    } finally {
      this.#catchingUp = false;
    }
  }

  #countMissed(page: HistoryPage, last: number | null): void {
    if (this.watched || last === null) return;
    this.unread += page.events.filter((event) => event.seq > last && event.type === 'message' && event.from.user !== this.#me).length;
  }

  async #readPage(query: string): Promise<HistoryPage | null> {
    const answer = await call<unknown>('GET', `/api/rooms/${this.id}/events?${query}`);
    return answer.ok ? readPage(answer.value) : null;
  }

  #publish(line: Pending): void {
    const link = this.#link;
    if (!link || !this.#flushed) return;
    const command = JSON.stringify({ type: 'message', text: line.text, id: line.id });
    void link.publish(`rooms/${this.id}`, command).then((answer) => {
      if (answer.ok) this.#timeline.acknowledged(line.id);
      else this.#timeline.failed(line.id, { code: answer.code, text: answer.text });
      this.#draw();
    });
  }

  #draw(): void {
    this.events = this.#timeline.events;
    this.pending = this.#timeline.pending;
    this.atStart = this.#timeline.atStart;
  }
}
