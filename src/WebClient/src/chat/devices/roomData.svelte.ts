import { OnceAFrame } from '../../lib/frame';
import { call, isRecord, type Problem } from '../../lib/http';
import type { Link, Published } from '../link/link';
import { DataTopic, keptBytes, keptOfDescription, type Said } from './dataTopic.svelte';
import type { Entity } from './entity';
import { describedBy, describes, entitiesOf, mostEntities } from './entities';
import { formOf } from './undescribed';

/** Topics that are held, and how many of those that the server keeps no value of: who invents topics takes no place from the others. */
export const mostTopics = 2_000;
export const mostPassing = 500;
const pageLength = 500;
/** Characters of values that one reading of the list brings, about: the list has them whole, and the page keeps the beginnings. */
export const mostListed = 8_000_000;
/** Milliseconds. What has a tile is found anew no more often, however fast descriptions change. */
export const reshapedEvery = 250;

/** What it needs of a room that is open. */
export interface DataRoom {
  readonly id: string;
}

type Phase = 'reading' | 'ready' | 'failed';

/** Who looks had the right to, and has it no longer. */
const ended: Problem = { status: 403, code: 'not_allowed', message: '', fields: {}, retryAfter: null };

/**
 * The data topics of one room, for as long as somebody looks: what is published is heard, and what the server keeps is read once, with
 * its times. Whatever was heard is newer than what is read.
 */
export class RoomData {
  phase = $state<Phase>('reading');
  problem = $state.raw<Problem | null>(null);
  /** Another number: a topic is new or gone, or something was described. */
  shape = $state(0);
  #more = $state(false);
  readonly #room: DataRoom;
  readonly #prefix: string;
  readonly #topics = new Map<string, DataTopic>();
  readonly #described = new Map<string, Entity[] | null>();
  readonly #dirty = new Set<DataTopic>();
  readonly #frame = new OnceAFrame(() => this.#flush());
  #reshaped = false;
  #shapedAt = -Infinity;
  #later: ReturnType<typeof setTimeout> | undefined;
  /** Entities of all descriptions. */
  #parts = 0;
  #passing = 0;
  #lookers = 0;
  /** By which it is heard. */
  #link: Link | null = null;
  /** By which is published, by who may not read, too. */
  #given: Link | null = null;
  /** Counts connections: what was begun on an earlier one is given up. */
  #round = 0;
  /** Counts what came, and what was there before anything was heard by this connection. */
  #order = 0;
  #readOrder = 0;
  /** What was cleared while the list is read: a page that was written before may still have it. */
  readonly #cleared = new Set<string>();
  #isReading = false;
  #listed = 0;

  readonly #found: readonly Entity[] = $derived.by(() => (this.shape >= 0 ? entitiesOf(this.#topics, this.#described) : []));
  /** What is in the room, without what only says how others are worked. */
  readonly entities: readonly Entity[] = $derived(this.#found.slice(0, mostEntities));

  constructor(room: DataRoom) {
    this.#room = room;
    this.#prefix = `rooms/${room.id}/data/`;
  }

  /** There are more topics, or tiles, than are held. */
  get more(): boolean {
    return this.#more || this.#found.length > mostEntities;
  }

  /**
   * Somebody looks, by this connection; null: there is none just now, and what is known stays.
   * Answers what to do when they do not any more.
   *
   * @param mayRead Whether who looks may read the room's data. What they could read is forgotten when they may not any more.
   */
  look(link: Link | null, mayRead = true): () => void {
    this.#lookers++;
    if (!mayRead) this.#refuse();
    else if (link !== this.#link || this.problem === ended) this.#attach(link);
    this.#given = link;
    return () => {
      // Whoever comes next has the same connection, mostly.
      if (--this.#lookers === 0) queueMicrotask(() => this.#lookers === 0 && this.#stop());
    };
  }

  /** Its newest value, which is followed by what is drawn with it. Null: it has none. */
  read(topic: string): DataTopic | null {
    const found = this.#topics.get(topic);
    if (found) void found.version;
    // It may come.
    else void this.shape;
    return found ?? null;
  }

  /** All topics, in no order. */
  all(): readonly DataTopic[] {
    void this.shape;
    return [...this.#topics.values()];
  }

  publish(topic: string, payload: string, qos: 0 | 1 | 2, retain: boolean): Promise<Published> {
    return this.#given?.publish(this.#prefix + topic, payload, { qos, retain }) ?? Promise.resolve('lost');
  }

  async again(): Promise<void> {
    if (this.#link) await this.#read(this.#round);
  }

  #attach(link: Link | null): void {
    this.#detach();
    if (this.phase === 'failed') [this.phase, this.problem] = ['reading', null];
    this.#link = link;
    if (link) void this.#open(link, this.#round);
  }

  #detach(): void {
    this.#round++;
    if (!this.#link) return;
    this.#link.unsubscribe([`${this.#prefix}#`]);
    // Another room may have been opened meanwhile, by the same connection.
    if (this.#link.heardData === this.#heard) this.#link.heardData = null;
    this.#link = null;
  }

  #stop(): void {
    this.#detach();
    this.#given = null;
    this.#frame.cancel();
    this.#topics.clear();
    this.#described.clear();
    this.#dirty.clear();
    this.#cleared.clear();
    this.#passing = this.#parts = 0;
    [this.phase, this.problem, this.#more] = ['reading', null, false];
    this.#reshape();
  }

  #refuse(): void {
    if (this.problem === ended) return;
    this.#stop();
    [this.phase, this.problem] = ['failed', ended];
  }

  readonly #heard = (topic: string, payload: Uint8Array, retained: boolean): void => {
    if (!topic.startsWith(this.#prefix)) return;
    try {
      this.#hear(topic.slice(this.#prefix.length), { payload, size: payload.length, at: Date.now(), order: ++this.#order, retained });
    } catch (error) {
      // Thrown on, it would stop the MQTT library from reading, and the talk with it.
      console.error(error);
    }
  };

  async #open(link: Link, round: number): Promise<void> {
    link.heardData = this.#heard;
    this.#readOrder = ++this.#order;
    this.#cleared.clear();
    this.#isReading = true;
    // At QoS 0: a flood of values must not close the connection that the talk goes by.
    // What is kept comes by the list, in pages and with its times.
    const answer = await link.subscribe(`${this.#prefix}#`, 0, undefined, { rap: true, rh: 2 });
    if (round !== this.#round) return;
    if (answer === 'granted') return this.#read(round);
    this.phase = 'failed';
    this.problem = answer === 'lost' ? null : { status: 403, code: 'not_allowed', message: '', fields: {}, retryAfter: null };
  }

  /** Where there is more than a page, what describes comes first: it says what the rest is. */
  async #read(round: number): Promise<void> {
    if (this.phase === 'failed') this.phase = 'reading';
    this.#isReading = true;
    [this.problem, this.#more, this.#listed] = [null, false, 0];
    const first = await this.#page('', '', round);
    const isRead = first === null || (first !== false && (await this.#pages('homeassistant/', '', round)) && (await this.#pages('', first, round)));
    if (round !== this.#round) return;
    this.phase = isRead ? 'ready' : 'failed';
    // What was cleared while there was no connection is in no answer.
    if (isRead && !this.#more) for (const one of [...this.#topics.values()]) if (one.retained && one.seenIn !== round) this.#drop(one);
    this.#isReading = !isRead;
    if (isRead) this.#cleared.clear();
    this.#flush();
    if (this.#reshaped) this.#reshape();
  }

  async #pages(prefix: string, from: string, round: number): Promise<boolean> {
    let next: string | null | false = from;
    while (typeof next === 'string' && this.#topics.size < mostTopics && this.#listed < mostListed) next = await this.#page(prefix, next, round);
    if (typeof next === 'string') this.#more = true;
    return next !== false;
  }

  /** Answers where the next page begins; null: there is none. False: it did not come. */
  async #page(prefix: string, cursor: string, round: number): Promise<string | null | false> {
    const asked = new URLSearchParams({ limit: String(pageLength), history: 'true', prefix, ...(cursor === '' ? {} : { cursor }) });
    const answer = await call<unknown>('GET', `/api/rooms/${this.#room.id}/data?${asked.toString()}`);
    if (round !== this.#round) return false;
    if (!answer.ok) {
      this.problem = answer.problem;
      return false;
    }
    const { values, next } = (answer.value ?? {}) as { values?: unknown; next?: unknown };
    for (const value of Array.isArray(values) ? values : []) this.#take(value);
    this.#flush();
    return typeof next === 'string' ? next : null;
  }

  #take(value: unknown): void {
    if (!isRecord(value) || typeof value['topic'] !== 'string' || typeof value['value'] !== 'string') return;
    this.#listed += value['value'].length;
    if (this.#cleared.has(value['topic'])) return;
    const one = this.#of(value['topic'], true);
    if (!one) return;
    one.seenIn = this.#round;
    one.readHistory(value['history']);
    // Heard since: that is newer. That a value is kept, it may not have said.
    if (one.heardIn === this.#round) {
      if (one.size > 0) one.retained = true;
      return;
    }
    const payload = value['encoding'] === 'base64' ? fromBase64(value['value']) : new TextEncoder().encode(value['value']);
    const at = Date.parse(typeof value['at'] === 'string' ? value['at'] : '');
    const form = formOf(one);
    const isOther = one.take({ payload, size: payload.length, at: Number.isNaN(at) ? Date.now() : at, order: this.#readOrder, retained: true });
    this.#changed(one, isOther, form);
  }

  #hear(topic: string, said: Said): void {
    // Cleared.
    if (said.retained && said.size === 0) {
      const known = this.#topics.get(topic);
      if (known) this.#drop(known);
      if (this.#isReading && this.#cleared.size < mostTopics) this.#cleared.add(topic);
      return this.#frame.request();
    }
    if (said.retained) this.#cleared.delete(topic);
    const one = this.#of(topic, said.retained);
    if (!one) return;
    const form = formOf(one);
    const isOther = one.hear(said, performance.now());
    one.seenIn = one.heardIn = this.#round;
    this.#changed(one, isOther, form);
    this.#frame.request();
  }

  /** Null: there is no place for it. */
  #of(topic: string, isKept: boolean): DataTopic | null {
    const known = this.#topics.get(topic);
    if (known) return known;
    if (this.#topics.size >= mostTopics || (!isKept && this.#passing >= mostPassing)) {
      this.#more = true;
      return null;
    }
    if (!isKept) this.#passing++;
    const made = new DataTopic(topic, !isKept, describes(topic) ? keptOfDescription : keptBytes);
    this.#topics.set(topic, made);
    this.#reshaped = true;
    return made;
  }

  /** `form`: what it was before, by `formOf`. */
  #changed(one: DataTopic, isOther: boolean, form: string): void {
    this.#dirty.add(one);
    if (!describes(one.topic)) this.#reshaped ||= formOf(one) !== form;
    // Devices publish their descriptions again and again: what is the same changes nothing.
    else if (isOther) this.#describe(one);
  }

  #describe({ topic, json }: DataTopic): void {
    this.#forget(topic);
    const found = describedBy(topic, json, this.#prefix);
    const held = found?.slice(0, mostEntities - this.#parts) ?? null;
    if (found && held && held.length < found.length) this.#more = true;
    this.#described.set(topic, held);
    this.#parts += held?.length ?? 0;
    this.#reshaped = true;
  }

  #forget(topic: string): void {
    this.#parts -= this.#described.get(topic)?.length ?? 0;
    this.#described.delete(topic);
  }

  #drop(one: DataTopic): void {
    this.#topics.delete(one.topic);
    this.#forget(one.topic);
    if (this.#passing > 0 && one.isPassing) this.#passing--;
    this.#dirty.add(one);
    this.#reshaped = true;
  }

  #flush(): void {
    for (const one of this.#dirty) one.version++;
    this.#dirty.clear();
    if (!this.#reshaped) return;
    const wait = this.#shapedAt + reshapedEvery - performance.now();
    if (wait <= 0) this.#reshape();
    else this.#later ??= setTimeout(() => this.#reshape(), wait);
  }

  #reshape(): void {
    clearTimeout(this.#later);
    this.#later = undefined;
    this.#shapedAt = performance.now();
    this.#reshaped = false;
    this.shape++;
  }
}

function fromBase64(text: string): Uint8Array {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return new Uint8Array();
  }
}

const known = new WeakMap<DataRoom, RoomData>();

/** One for each room that is open, whoever looks. */
export function dataOf(room: DataRoom): RoomData {
  const found = known.get(room) ?? new RoomData(room);
  known.set(room, found);
  return found;
}
