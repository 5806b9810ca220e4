// The only file that knows IndexedDB.
import { openDB, type DBSchema, type IDBPDatabase } from 'idb';
import { forgetFavourites } from './favourites.svelte';
import { LeftOver } from './leftOver';
import type { Room, RoomEvent } from '../chat/model/protocol';
import type { Conversation } from '../chat/model/told';

/** What is to be done with a message of the topic. */
export type Act =
  | { command: 'edit'; of: number; text: string }
  | { command: 'delete'; of: number }
  | { command: 'reaction'; of: number; emoji: string; on: boolean }
  | { command: 'pin'; of: number; on: boolean };

/** A message that was written, or something done with one, that is not known to be in the log. */
export interface Waiting {
  /** The account that wrote it: never sent as anybody else. */
  account: string;
  /** `rooms/{room}` or `users/{user}`. */
  topic: string;
  /** Made here; under it the server stores the message once, however often it is sent. */
  id: string;
  text: string;
  replyTo: number | null;
  /** The text is what its author does. */
  action?: true;
  /** It is no text: dice are thrown. */
  dice?: string;
  /** It is no message: something is done with one. Its text is that of an edit. */
  act?: Act;
  /** Milliseconds since 1970, by this machine's clock. */
  at: number;
  /**
   * Why the server refused it, by MQTT 5 reason code, in words, and by the server's name for it where it has one; null while it waits to be sent.
   * `again`: when it may be sent again, in milliseconds since 1970 by this machine's clock.
   */
  refusal: { code: number; text: string; name?: string | null; again?: number | null } | null;
}

/** A waiting message on disk. `order` counts up over all tabs; null: there is no disk, and an earlier page has left it elsewhere. */
export interface Stored extends Waiting {
  order: number | null;
}

/** A line that the log has, or that was discarded, and that could not be taken off the disk. */
type Settled = Pick<Waiting, 'account' | 'id' | 'at'>;

/** The end of the log of a room or conversation, as it was last known here: a run without holes, so its newest seq is the cursor. */
export interface Copy {
  account: string;
  topic: string;
  epoch: string;
  /** The oldest seq that the server keeps. */
  oldest: number;
  events: RoomEvent[];
  /** The newest seq that was on screen. */
  read: number | null;
  room: Room | null;
  /** Of the list of rooms, which is kept like a log without events. */
  rooms?: Room[];
  /** Of the list of conversations, the same. */
  talks?: Conversation[];
  /** Of the inbox, of which no words are kept: the newest seq that it has been read to. */
  last?: number;
  /** When it was written last, in milliseconds since 1970 by this machine's clock. */
  at?: number;
}

/**
 * The message of a topic that is being answered or changed. Its own words are not kept here: it may be deleted before anybody looks again. `epoch`: the
 * life of the log that `of` counts in.
 */
export type About =
  | { what: 'reply'; of: number; epoch: string }
  /** `text`: as it is being changed; null: as it is. */
  | { what: 'edit'; of: number; epoch: string; text: string | null };

/** What was begun to be written for a topic and not sent. */
export interface Draft {
  account: string;
  topic: string;
  text: string;
  /** What the composer is about besides; absent: the next message. */
  about?: About;
  /** When it was changed last, in milliseconds since 1970 by this machine's clock: of two tabs, the later one is right. */
  at: number;
}

interface Schema extends DBSchema {
  outbox: { key: number; value: Waiting };
  copies: { key: [string, string]; value: Copy; indexes: { written: [string, number] } };
  drafts: { key: [string, string]; value: Draft };
}

/** Whoever has not come back after so long (the life of an unused login session) will not: guests never do. */
const keptForOthers = 30 * 24 * 3600_000;
/** What was not opened for so long is read anew when it is: until then its copy would keep what was deleted meanwhile. */
const copiesKept = 30 * 24 * 3600_000;

/**
 * What this browser keeps between visits, shared by its tabs. Where nothing can be kept (a private window, a full disk, storage switched off)
 * nothing is ever found and `lasting` is false; nobody has to catch anything.
 */
export class Store {
  lasting = true;
  readonly #database: Promise<IDBPDatabase<Schema> | null>;
  /** Said once, when it turns out that nothing can be kept. */
  readonly #failed: () => void;
  /** What is not on disk yet: drafts by topic, lines by id. */
  readonly #unkeptDrafts = new Map<string, Draft>();
  readonly #unkeptLines = new Map<string, Waiting>();
  readonly #leftDrafts = new LeftOver<Draft>('drafts', ({ account, topic }) => `${account} ${topic}`);
  readonly #leftLines = new LeftOver<Waiting>('outbox', ({ id }) => id);
  readonly #leftSettled = new LeftOver<Settled>('settled', ({ id }) => id);

  constructor(failed: () => void = () => {}, name = 'webmessenger') {
    this.#failed = failed;
    this.#database = this.#open(name);
  }

  /** In the order in which they were written, by whichever tab. */
  async outbox(account: string): Promise<Stored[]> {
    const mine = this.#leftLines.read().filter((line) => line.account === account);
    const settled = new Set(this.#leftSettled.read().map(({ id }) => id));
    const found = await this.#do((database) => takeOver(database, mine, settled));
    if (!found) return mine.map((line) => ({ ...line, order: null }));
    this.#leftLines.keepOnly((line) => !found.some(({ id }) => id === line.id));
    this.#leftSettled.keepOnly(({ id }) => !settled.has(id));
    return found.filter((line) => line.account === account);
  }

  /** Answers the place in the order when it is on disk; null when nothing can be kept. */
  async add(line: Waiting): Promise<number | null> {
    this.#unkeptLines.set(line.id, line);
    const kept = await this.#do(async (database) => {
      const transaction = database.transaction('outbox', 'readwrite', { durability: 'strict' });
      const adding = transaction.store.add(line);
      // Without waiting for what it would still be asked: the page may be reloaded in this very moment.
      transaction.commit();
      const [order] = await Promise.all([adding, transaction.done]);
      return order;
    });
    if (kept === null) return null;
    this.#unkeptLines.delete(line.id);
    this.#leftLines.keepOnly((other) => other.id !== line.id);
    return kept;
  }

  /** The line is refused, or waits again. On disk nothing happens when another tab has taken it out. `order`: null where it is on no disk. */
  async setRefusal(line: Waiting, order: number | null): Promise<void> {
    // The next page would send it, and bring its author back into a room that they have left.
    if (this.#unkeptLines.has(line.id)) this.#unkeptLines.set(line.id, line);
    this.#leftLines.replace(line);
    if (order === null) return;
    const kept = await this.#do(async (database) => {
      const transaction = database.transaction('outbox', 'readwrite');
      const stored = await transaction.store.get(order);
      if (stored) await transaction.store.put({ ...stored, refusal: line.refusal }, order);
      await transaction.done;
      return true;
    });
    if (!kept) this.#unkeptLines.set(line.id, line);
  }

  /** The log has it, or its author does not want it any more. */
  async remove({ account, id, at }: Waiting, order: number | null): Promise<void> {
    this.#unkeptLines.delete(id);
    this.#leftLines.keepOnly((other) => other.id !== id);
    if (order === null) return;
    const gone = await this.#do(async (database) => {
      await database.delete('outbox', order);
      return true;
    });
    if (!gone) this.#leftSettled.add([{ account, id, at }]);
  }

  async copy(account: string, topic: string): Promise<Copy | null> {
    return (await this.#do((database) => database.get('copies', [account, topic]))) ?? null;
  }

  async keepCopy(copy: Copy): Promise<void> {
    await this.#do(async (database) => {
      const transaction = database.transaction('copies', 'readwrite');
      const putting = transaction.store.put({ ...copy, at: Date.now() });
      transaction.commit();
      await Promise.all([putting, transaction.done]);
    });
  }

  async dropCopy(account: string, topic: string): Promise<void> {
    await this.#do((database) => database.delete('copies', [account, topic]));
  }

  /** Under which topics something is kept of this account. */
  async copied(account: string): Promise<string[]> {
    return ((await this.#do((database) => database.getAllKeys('copies', allOf(account)))) ?? []).map(([, topic]) => topic);
  }

  async drafts(account: string): Promise<Draft[]> {
    const drafts = new Map<string, Draft>();
    for (const draft of (await this.#do((database) => database.getAll('drafts', allOf(account)))) ?? []) drafts.set(draft.topic, draft);
    for (const draft of this.#leftDrafts.read().filter((left) => left.account === account && left.at > (drafts.get(left.topic)?.at ?? 0))) {
      drafts.set(draft.topic, draft);
      void this.keepDraft(draft);
    }
    return [...drafts.values()];
  }

  /** An empty one is dropped. In one step, without waiting for an answer: the page may be gone in a moment. */
  async keepDraft(draft: Draft): Promise<void> {
    this.#unkeptDrafts.set(draft.topic, draft);
    const kept = await this.#do(async (database) => {
      const transaction = database.transaction('drafts', 'readwrite');
      const { store } = transaction;
      const keeping = draft.text === '' && !draft.about ? store.delete([draft.account, draft.topic]) : store.put(draft);
      transaction.commit();
      await Promise.all([keeping, transaction.done]);
      return true;
    });
    // What was sent or put away meanwhile does not lie there as it was.
    if (!kept) return this.#leftDrafts.replace(draft);
    if (this.#unkeptDrafts.get(draft.topic) === draft) this.#unkeptDrafts.delete(draft.topic);
    this.#leftDrafts.keepOnly((other) => other.account !== draft.account || other.topic !== draft.topic || other.at > draft.at);
  }

  /** The browser drops what it was still to write when the page goes: it waits elsewhere, where writing takes no time, for the next page. */
  leavePage(): void {
    this.#leftDrafts.add([...this.#unkeptDrafts.values()]);
    this.#leftLines.add([...this.#unkeptLines.values()]);
  }

  /** All copies, whoever they belong to. `account`: what that one wrote and did not send, too. */
  async forget(account: string | null): Promise<void> {
    // Not with the rest: there may be no database.
    if (account !== null) for (const left of [this.#leftDrafts, this.#leftLines, this.#leftSettled]) left.keepOnly((one) => one.account !== account);
    await this.#do(async (database) => {
      const transaction = database.transaction(['copies', 'outbox', 'drafts'], 'readwrite');
      const outbox = transaction.objectStore('outbox');
      await transaction.objectStore('copies').clear();
      if (account !== null) {
        await transaction.objectStore('drafts').delete(allOf(account));
        for (const key of await outbox.getAllKeys()) if ((await outbox.get(key))?.account === account) await outbox.delete(key);
      }
      await transaction.done;
    });
  }

  /** Somebody is signed in: nothing that was said to anybody else stays. What others wrote waits for them; it is read and sent as theirs alone. */
  async forgetOthers(account: string): Promise<void> {
    forgetFavourites(account);
    for (const left of [this.#leftDrafts, this.#leftLines, this.#leftSettled]) {
      left.keepOnly((one) => one.account === account || Date.now() - one.at <= keptForOthers);
    }
    await this.#do(async (database) => {
      const transaction = database.transaction(['copies', 'outbox', 'drafts'], 'readwrite');
      const [copies, outbox, drafts] = [transaction.objectStore('copies'), transaction.objectStore('outbox'), transaction.objectStore('drafts')];
      for (const [owner, topic] of await copies.getAllKeys()) if (owner !== account) await copies.delete([owner, topic]);
      const old = IDBKeyRange.bound([account, 0], [account, Date.now() - copiesKept]);
      for (const key of await copies.index('written').getAllKeys(old)) await copies.delete(key);
      for (const key of await outbox.getAllKeys()) {
        const line = await outbox.get(key);
        if (line && line.account !== account && Date.now() - line.at > keptForOthers) await outbox.delete(key);
      }
      for (const draft of await drafts.getAll()) {
        if (draft.account !== account && Date.now() - draft.at > keptForOthers) await drafts.delete([draft.account, draft.topic]);
      }
      await transaction.done;
    });
  }

  async close(): Promise<void> {
    (await this.#database)?.close();
  }

  async #open(name: string): Promise<IDBPDatabase<Schema> | null> {
    try {
      return await openDB<Schema>(name, 3, {
        upgrade(database, version) {
          if (version < 1) database.createObjectStore('outbox', { autoIncrement: true });
          else database.deleteObjectStore('copies');
          if (version < 2) database.createObjectStore('drafts', { keyPath: ['account', 'topic'] });
          database.createObjectStore('copies', { keyPath: ['account', 'topic'] }).createIndex('written', ['account', 'at']);
        },
        // A newer page wants another shape; this one goes on without.
        blocking: (_current, _blocked, event) => {
          (event.target as IDBDatabase).close();
          this.#fail();
        },
        terminated: () => this.#fail(),
      });
    } catch {
      this.#fail();
      return null;
    }
  }

  async #do<T>(action: (database: IDBPDatabase<Schema>) => Promise<T>): Promise<T | null> {
    const database = await this.#database;
    if (!database || !this.lasting) return null;
    try {
      return await action(database);
    } catch {
      this.#fail();
      return null;
    }
  }

  #fail(): void {
    if (!this.lasting) return;
    this.lasting = false;
    this.#failed();
  }
}

/** Nobody is signed in any more. What was said to them is not left lying around; what they wrote is kept for their return, unless `leaver` meant to go. */
export async function forget(leaver: string | null = null): Promise<void> {
  if (leaver !== null) forgetFavourites();
  const store = new Store();
  await store.forget(leaver);
  await store.close();
}

/** All lines on disk, with those that earlier pages have left over, and without those that were settled when there was no disk. */
async function takeOver(database: IDBPDatabase<Schema>, mine: readonly Waiting[], settled: ReadonlySet<string>): Promise<(Waiting & { order: number })[]> {
  const left = new Map(mine.filter(({ id }) => !settled.has(id)).map((line) => [line.id, line]));
  const transaction = database.transaction('outbox', left.size + settled.size > 0 ? 'readwrite' : 'readonly');
  const [keys, values] = await Promise.all([transaction.store.getAllKeys(), transaction.store.getAll()]);
  const lines: (Waiting & { order: number })[] = [];
  for (const [index, value] of values.entries()) {
    const order = keys[index]!;
    const refusal = left.get(value.id)?.refusal ?? value.refusal;
    // It is on disk after all, or another tab has taken it over.
    left.delete(value.id);
    if (settled.has(value.id)) await transaction.store.delete!(order);
    else if (refusal === value.refusal) lines.push({ ...value, order });
    else {
      await transaction.store.put!({ ...value, refusal }, order);
      lines.push({ ...value, refusal, order });
    }
  }
  for (const line of left.values()) lines.push({ ...line, order: await transaction.store.add!(line) });
  await transaction.done;
  return lines;
}

/** What one account has under a topic. */
function allOf(account: string): IDBKeyRange {
  return IDBKeyRange.bound([account], [account, []]);
}
