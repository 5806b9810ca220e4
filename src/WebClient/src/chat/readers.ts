import { session, type Me } from '../session/session.svelte';
import type { Copies } from '../store/copies';
import type { Drafts } from '../store/drafts';
import type { Outbox } from './compose/outbox.svelte';
import type { Lists } from './lists';
import type { RoomEvent } from './model/protocol';
import type { IgnoredPeople } from './people/ignored.svelte';
import type { LogReader } from './room/openLog.svelte';
import type { Readings } from './rooms/readings.svelte';
import type { ReadPositions } from './rooms/readPositions';
import type { RoomDirectory } from './rooms/roomDirectory.svelte';
import type { Saved } from './saved/saved.svelte';
import type { Conversations } from './talk/conversations.svelte';

/** What there is around a room or a conversation. */
export interface Surroundings {
  readonly me: Me;
  readonly outbox: Outbox;
  readonly ignored: IgnoredPeople;
  readonly drafts: Drafts;
  readonly copies: Copies;
  readonly directory: RoomDirectory;
  readonly conversations: Conversations;
  readonly readings: Readings;
  readonly talkReadings: Readings;
  readonly positions: ReadPositions;
  readonly saved: Saved;
  readonly lists: Lists;
}

/** The account as the reader of what it opens: how far it has read, what it writes, and what is kept of all that. */
export class Readers {
  readonly #around: Surroundings;

  constructor(around: Surroundings) {
    this.#around = around;
  }

  inRooms(): LogReader {
    const { directory, readings, positions } = this.#around;
    const goBack = (room: string, seq: number, epoch: string) => {
      readings.goBack(room, seq, epoch);
      positions.goBack(room, seq, epoch);
    };
    const read = (room: string, seq: number, epoch: string) => {
      readings.readHere(room, seq, epoch);
      positions.read(room, seq, epoch);
    };
    return { ...this.#anywhere(), mine: { ...this.#mine(), goBack }, listRead: directory.known, read };
  }

  with(user: string): LogReader {
    const { conversations, ignored, positions, talkReadings } = this.#around;
    const anywhere = this.#anywhere();
    const isTold = talkReadings.of(user) !== null || conversations.find(user) === null;
    const read = (_: string, seq: number, epoch: string) => {
      talkReadings.readHere(user, seq, epoch);
      positions.readWith(user, seq, epoch);
    };
    return {
      ...anywhere,
      mine: this.#mine(),
      listRead: isTold ? conversations.known : conversations.read(),
      read,
      // Of whom nothing is heard, it is not heard either what he deletes.
      keep: (topic, copy, now) => anywhere.keep(topic, ignored.has(user) ? null : copy, now),
    };
  }

  #mine() {
    const { saved } = this.#around;
    return {
      isSaved: (topic: string, seq: number) => saved.has(topic, seq),
      turnSaved: (topic: string, seq: number) => saved.turn(topic, seq),
    };
  }

  #anywhere() {
    const { me, outbox, ignored, drafts, copies, lists } = this.#around;
    return {
      me: me.user,
      author: () => session.me ?? me,
      outbox,
      ignored,
      drafts,
      keep: (...args: Parameters<Copies['keep']>) => copies.keep(...args),
      // No list shows what was replaced or deleted.
      replaced: (topic: string, change: RoomEvent) => lists.follow(topic, change),
    };
  }
}
