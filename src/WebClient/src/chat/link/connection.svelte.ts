import { backoff } from '../../lib/backoff';
import { randomId } from '../../lib/randomId';
import { update } from '../../lib/update.svelte';
import { partWithin, TookTooLong, within } from '../../lib/within';
import { session } from '../../session/session.svelte';
import type { Link } from './link';

/** Offline is the browser's word for having no network; unanswered, that the server is silent though there is one. */
type Status = 'connecting' | 'online' | 'reconnecting' | 'offline' | 'unanswered';

/** Milliseconds that the question "am I still signed in?" may hold up the next attempt: it may sit on the connection that has just died. */
const checkedWithin = 4_000;
/** Milliseconds over which the pages of a node that stops come to another one. */
const movedWithin = 400;

export interface ConnectionUser {
  opened(link: Link): void;
  message(topic: string, payload: string): void;
  closed(): void;
}

/** Keeps one link open for as long as the page is signed in. Whenever it closes, the server is asked whether the page still is. */
export class Connection {
  status = $state<Status>('connecting');

  /** One tab is one client; a duplicated tab copies sessionStorage, so the id is made by each page load. */
  readonly clientId = `web-${randomId()}`;
  readonly #user: ConnectionUser;
  #link: Link | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #attempt = 0;
  /** Counts what was begun, so that what was overtaken meanwhile leaves the rest alone. */
  #round = 0;
  #running = false;
  /** Another node takes the page on: nothing is wrong, unless that one cannot be reached. */
  #isMoving = false;

  constructor(user: ConnectionUser) {
    this.#user = user;
  }

  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.status = 'connecting';
    addEventListener('online', this.retryNow);
    addEventListener('offline', this.#goneOffline);
    void this.#open();
  }

  stop(): void {
    this.#running = false;
    removeEventListener('online', this.retryNow);
    removeEventListener('offline', this.#goneOffline);
    clearTimeout(this.#timer);
    const link = this.#link;
    this.#link = null;
    link?.close();
  }

  /** The server has said whose connection it is. Until then, one that opens and closes again is no reason to try faster. */
  isOurs(): void {
    this.#attempt = 0;
  }

  /** An attempt that is under way may hang on the network that was there before: it is given up. */
  retryNow = (): void => {
    if (!this.#running || this.status === 'online') return;
    clearTimeout(this.#timer);
    const link = this.#link;
    this.#link = null;
    link?.abandon();
    this.#attempt = 0;
    this.#round++;
    this.status = 'reconnecting';
    void this.#open();
  };

  /** Waiting for the keep-alive would take the best part of a minute, in which what is written seems to be sent. */
  #goneOffline = (): void => {
    const link = this.#link;
    this.status = 'offline';
    if (!link) return;
    this.#link = null;
    link.abandon();
    void this.#closed();
  };

  async #open(): Promise<void> {
    const round = this.#round;
    let mayCome = true;
    const loaded = await within(partWithin, () => import('./link')).catch((error) => {
      mayCome = !(error instanceof TookTooLong);
      return null;
    });
    if (!this.#running || this.#link !== null || round !== this.#round) return;
    if (loaded === null) {
      void update.missed('link', { mayCome });
      return void this.#closed();
    }
    update.came('link');
    const { Link } = loaded;
    const link = new Link(this.clientId, {
      opened: () => {
        if (this.#link !== link) return;
        // The server was away, and may be a newer one now.
        if (this.status !== 'connecting' || this.#isMoving) void update.look();
        this.#isMoving = false;
        this.status = 'online';
        this.#user.opened(link);
      },
      message: (topic, payload) => {
        if (this.#link === link) this.#user.message(topic, payload);
      },
      closed: (moved) => {
        if (this.#link === link) void this.#closed(moved && this.status === 'online');
      },
    });
    this.#link = link;
  }

  async #closed(moved = false): Promise<void> {
    this.#link = null;
    this.#isMoving = moved;
    if (!navigator.onLine) this.status = 'offline';
    else if (moved) this.status = 'connecting';
    else if (this.status !== 'unanswered') this.status = 'reconnecting';
    this.#user.closed();
    const round = ++this.#round;
    const answer = await session.check(checkedWithin);
    if (!this.#running || answer === 'out' || round !== this.#round) return;
    if (answer === 'unreachable' && this.#attempt > 0 && navigator.onLine) this.status = 'unanswered';
    this.#timer = setTimeout(() => void this.#open(), moved ? Math.random() * movedWithin : backoff(this.#attempt++));
  }
}
