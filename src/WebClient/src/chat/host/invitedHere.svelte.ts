import { browserStorage } from '../../lib/storage';

interface Sent {
  room: string;
  user: string;
  /** Milliseconds since 1970. */
  at: number;
}

/** An invitation lasts for so long, in milliseconds (docs/protocol.md). */
const lasts = 30 * 24 * 3_600_000;
const mostKept = 500;

/**
 * Whom an account has invited from this browser: the server tells nobody who is invited, not even whether there is somebody of that name. Kept in this browser until the
 * account signs out here.
 */
export class InvitedHere {
  #sent = $state.raw<readonly Sent[]>([]);
  readonly #name: string;
  readonly #room: string;

  constructor(account: string, room: string) {
    this.#name = `webmessenger.invited.${account}`;
    this.#room = room;
    this.#sent = this.#read();
  }

  /** Into this room, the newest first. */
  get list(): readonly Sent[] {
    return this.#sent.filter(({ room }) => room === this.#room);
  }

  add(user: string): void {
    this.#write([{ room: this.#room, user, at: Date.now() }, ...this.#others(user)]);
  }

  /** It was taken back, or answered. */
  drop(user: string): void {
    if (this.list.some((one) => one.user === user)) this.#write(this.#others(user));
  }

  #others(user: string): Sent[] {
    return this.#read().filter((one) => one.room !== this.#room || one.user !== user);
  }

  #read(): Sent[] {
    try {
      const sent: unknown = JSON.parse(browserStorage.read(this.#name) ?? '[]');
      return Array.isArray(sent) ? sent.filter((one): one is Sent => typeof one?.room === 'string' && typeof one.user === 'string' && one.at > Date.now() - lasts) : [];
    } catch {
      return [];
    }
  }

  #write(sent: readonly Sent[]): void {
    this.#sent = sent.slice(0, mostKept);
    browserStorage.write(this.#name, this.#sent.length === 0 ? null : JSON.stringify(this.#sent));
  }
}
