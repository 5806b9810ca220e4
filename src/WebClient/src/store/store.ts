// The only file that knows IndexedDB.
import { openDB, type DBSchema, type IDBPDatabase } from 'idb';
import { forgetFavourites } from './favourites.svelte';
import type { Room, RoomEvent } from '../chat/model/protocol';

/** A message that was written and is not known to be in the log. */
export interface Waiting {
  /** The account that wrote it: never sent as anybody else. */
  account: string;
  /** `rooms/{room}` or `users/{user}`. */
  topic: string;
  /** Made here; under it the server stores the message once, however often it is sent. */
  id: string;
  text: string;
  replyTo: number | null;
  /** Milliseconds since 1970, by this machine's clock. */
  at: number;
  /**
   * Why the server refused it, by MQTT 5 reason code, in words, and by the server's name for it where it has one; null while it waits to be sent.
   * `again`: when it may be sent again, in milliseconds since 1970 by this machine's clock.
   */
  refusal: { code: number; text: string; name?: string | null; again?: number | null } | null;
}

/** A waiting message on disk. `order` counts up over all tabs. */
export interface Stored extends Waiting {
  order: number;
}

/** The end of a room's log, or of the inbox, as it was last known here: a run without holes, so its newest seq is the cursor. */
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
  /** Of the inbox: the newest seq that has been shown over the page, read or not. */
  shown?: number;
}

/** What was begun to be written in a room and not sent. */
export interface Draft {
  account: string;
  topic: string;
  text: string;
  /** When it was changed last, in milliseconds since 1970 by this machine's clock: of two tabs, the later one is right. */
  at: number;
}

interface Schema extends DBSchema {
  outbox: { key: number; value: Waiting };
  copies: { key: [string, string]; value: Copy };
  drafts: { key: [string, string]; value: Draft };
}

/** Whoever has not come back after so long (the life of an unused login session) will not: guests never do. */
const keptForOthers = 30 * 24 * 3600_000;

/**
 * What this browser keeps between visits, shared by its tabs. Where nothing can be kept (a private window, a full disk, storage switched off)
 * nothing is ever found and `lasting` is false; nobody has to catch anything.
 */
export class Store {
  lasting = true;
  readonly #database: Promise<IDBPDatabase<Schema> | null>;
  /** Said once, when it turns out that nothing can be kept. */
  readonly #failed: () => void;

  constructor(failed: () => void = () => {}, name = 'webmessenger') {
    this.#failed = failed;
    this.#database = this.#open(name);
  }

  /** In the order in which they were written, by whichever tab. */
  async outbox(account: string): Promise<Stored[]> {
    const found = await this.#do(async (database) => {
      const transaction = database.transaction('outbox');
      const [keys, values] = await Promise.all([transaction.store.getAllKeys(), transaction.store.getAll()]);
      return values.map((value, index) => ({ ...value, order: keys[index]! }));
    });
    return (found ?? []).filter((line) => line.account === account);
  }

  /** Answers the place in the order when it is on disk; null when nothing can be kept. */
  async add(line: Waiting): Promise<number | null> {
    return this.#do(async (database) => {
      const transaction = database.transaction('outbox', 'readwrite', { durability: 'strict' });
      const adding = transaction.store.add(line);
      // Without waiting for what it would still be asked: the page may be reloaded in this very moment.
      transaction.commit();
      const [order] = await Promise.all([adding, transaction.done]);
      return order;
    });
  }

  /** Nothing happens when another tab has taken it out. */
  async setRefusal(order: number, refusal: Waiting['refusal']): Promise<void> {
    await this.#do(async (database) => {
      const transaction = database.transaction('outbox', 'readwrite');
      const line = await transaction.store.get(order);
      if (line) await transaction.store.put({ ...line, refusal }, order);
      await transaction.done;
    });
  }

  async remove(order: number): Promise<void> {
    await this.#do((database) => database.delete('outbox', order));
  }

  async copy(account: string, topic: string): Promise<Copy | null> {
    return (await this.#do((database) => database.get('copies', [account, topic]))) ?? null;
  }

  async keepCopy(copy: Copy): Promise<void> {
    await this.#do(async (database) => {
      const transaction = database.transaction('copies', 'readwrite');
      const putting = transaction.store.put(copy);
      transaction.commit();
      await Promise.all([putting, transaction.done]);
    });
  }

  async dropCopy(account: string, topic: string): Promise<void> {
    await this.#do((database) => database.delete('copies', [account, topic]));
  }

  async drafts(account: string): Promise<Draft[]> {
    return (await this.#do((database) => database.getAll('drafts', allOf(account)))) ?? [];
  }

  /** An empty one is dropped. In one step, without waiting for an answer: the page may be gone in a moment. */
  async keepDraft(draft: Draft): Promise<void> {
    await this.#do(async (database) => {
      const transaction = database.transaction('drafts', 'readwrite');
      const { store } = transaction;
      const keeping = draft.text === '' ? store.delete([draft.account, draft.topic]) : store.put(draft);
      transaction.commit();
      await Promise.all([keeping, transaction.done]);
    });
  }

  /** All copies, whoever they belong to. `account`: what that one wrote and did not send, too. */
  async forget(account: string | null): Promise<void> {
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
    await this.#do(async (database) => {
      const transaction = database.transaction(['copies', 'outbox', 'drafts'], 'readwrite');
      const [copies, outbox, drafts] = [transaction.objectStore('copies'), transaction.objectStore('outbox'), transaction.objectStore('drafts')];
      for (const [owner, topic] of await copies.getAllKeys()) if (owner !== account) await copies.delete([owner, topic]);
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
      return await openDB<Schema>(name, 2, {
        upgrade(database, version) {
          if (version < 1) {
            database.createObjectStore('outbox', { autoIncrement: true });
            database.createObjectStore('copies', { keyPath: ['account', 'topic'] });
          }
          database.createObjectStore('drafts', { keyPath: ['account', 'topic'] });
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

/** The keys of one account's drafts. */
function allOf(account: string): IDBKeyRange {
  return IDBKeyRange.bound([account], [account, []]);
}
