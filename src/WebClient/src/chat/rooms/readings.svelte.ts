import { SvelteMap } from 'svelte/reactivity';
import type { Reading } from '../model/protocol';
import { isBack, newerReading, type Counted } from '../model/reading';
import type { Opened, OpenRooms } from './openRooms.svelte';

type All = Pick<OpenRooms<Opened>, 'get' | 'ids'>;

/** How far the account has read in each of its rooms, or conversations, and how much is unread there: an open room counts itself, of the others the server tells. */
export class Readings {
  readonly #told = new SvelteMap<string, Counted>();
  readonly #opened: All;

  readonly #isSilent: (room: string) => boolean;
  /** By room, the seq that the reader has gone back to: until the server says so, what it says is of before. */
  readonly #goneBack = new Map<string, number>();

  /** In all that are not silent. */
  readonly unread = $derived.by(() => {
    const rooms = new Set([...this.#told.keys(), ...this.#opened.ids()]);
    return [...rooms].reduce((sum, room) => sum + (this.#isSilent(room) ? 0 : this.unreadIn(room)), 0);
  });

  /** Of what is unread in those: what names or answers the reader. */
  readonly mentions = $derived.by(() => [...this.#told.keys()].reduce((sum, room) => sum + (this.#isSilent(room) ? 0 : this.mentionsIn(room)), 0));

  /** `isSilent`: the reader does not want to be called for that room, or ignores whom they talk to there. */
  constructor(opened: All, isSilent: (room: string) => boolean = () => false) {
    this.#opened = opened;
    this.#isSilent = isSilent;
  }

  /** What the server has told of a room. */
  of(room: string): Counted | null {
    return this.#told.get(room) ?? null;
  }

  unreadIn(room: string): number {
    const opened = this.#opened.get(room);
    if (opened?.gone) return 0;
    // One that could not be read yet has counted nothing.
    return opened?.phase === 'ready' ? opened.unread : (this.#told.get(room)?.unread ?? 0);
  }

  /** The server counts a moment later than an open room does. */
  mentionsIn(room: string): number {
    return Math.min(this.#told.get(room)?.mentions ?? 0, this.unreadIn(room));
  }

  /** The reader wants what comes after this to be unread again. */
  goBack(room: string, seq: number, epoch: string): void {
    this.#goneBack.set(room, seq);
    const { head, mentions } = this.#told.get(room) ?? { head: 0, mentions: 0 };
    this.#told.set(room, { seq, epoch, unread: this.unreadIn(room), head, ...(mentions !== undefined && { mentions }) });
  }

  /** The reader has seen everything up to here, on this page. */
  readHere(room: string, seq: number, epoch: string): void {
    this.#goneBack.delete(room);
    const { head, said } = this.#told.get(room) ?? { head: 0 };
    this.#told.set(room, { seq, epoch, unread: 0, head: Math.max(seq, head), ...(said !== undefined && { said }) });
  }

  /** The server has heard that the reader went back: what it says from here on is of after it. */
  wentBack(room: string): void {
    this.#goneBack.delete(room);
  }

  /** By a list that was asked for: what was told meanwhile is newer, and a list that came late is nobody's going back. */
  listed(room: string, reading: Reading, head = 0): void {
    if (!isBack(this.#told.get(room), reading)) this.told(room, reading, head);
  }

  /** By the server; `head`: the newest seq, up to which it has counted. */
  told(room: string, reading: Reading, head = 0): void {
    const goneBack = this.#goneBack.get(room);
    if (goneBack !== undefined && reading.seq > goneBack) return;
    this.#goneBack.delete(room);
    const known = this.#told.get(room);
    const newer = newerReading(known, reading, head);
    this.#told.set(room, newer);
    const opened = this.#opened.get(room);
    if (isBack(known, reading)) opened?.goBack(reading.seq);
    opened?.toldReading(newer, head);
  }

  forget(room: string): void {
    this.#told.delete(room);
    this.#goneBack.delete(room);
  }
}
