import { backoff } from '../lib/backoff';
import { randomId } from '../lib/randomId';
import { session } from '../session/session.svelte';
import type { Link } from './link';

type Status = 'connecting' | 'online' | 'reconnecting' | 'offline';

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
  #running = false;

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

  retryNow = (): void => {
    if (!this.#running || this.#link !== null) return;
    clearTimeout(this.#timer);
    this.#attempt = 0;
    this.status = 'reconnecting';
    void this.#open();
  };

  #goneOffline = (): void => {
    if (this.status !== 'online') this.status = 'offline';
  };

  async #open(): Promise<void> {
    const { Link } = await import('./link');
    if (!this.#running || this.#link !== null) return;
    const link = new Link(this.clientId, {
      opened: () => {
        if (this.#link !== link) return;
        this.#attempt = 0;
        this.status = 'online';
        this.#user.opened(link);
      },
      message: (topic, payload) => {
        if (this.#link === link) this.#user.message(topic, payload);
      },
      closed: () => {
        if (this.#link === link) void this.#closed();
      },
    });
    this.#link = link;
  }

  async #closed(): Promise<void> {
    this.#link = null;
    this.status = navigator.onLine ? 'reconnecting' : 'offline';
    this.#user.closed();
    const answer = await session.check();
    if (!this.#running || answer === 'out') return;
    if (answer === 'unreachable' && this.#attempt > 1) this.status = 'offline';
    this.#timer = setTimeout(() => void this.#open(), backoff(this.#attempt++));
  }
}
