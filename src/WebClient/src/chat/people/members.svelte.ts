import type { Problem } from '../../lib/http';
import { call } from '../../lib/http';
import { readMember, type Member } from '../model/protocol';

/** Who is on a room's list, whether here or not: asked for page by page when somebody looks, since a room may have thousands. */
export class MembersState {
  /** In the order of their user names, as far as they were read. */
  list = $state.raw<readonly Member[]>([]);
  /** The server has more. */
  hasMore = $state(true);
  reading = $state(false);
  /** What the server had against the last page. */
  problem = $state.raw<Problem | null>(null);
  readonly #room: string;
  #next: string | null = null;

  constructor(room: string) {
    this.#room = room;
  }

  /** From the beginning. */
  async read(): Promise<void> {
    this.#next = null;
    await this.#readOn(true);
  }

  async readMore(): Promise<void> {
    if (this.hasMore) await this.#readOn(false);
  }

  removed(user: string): void {
    this.list = this.list.filter((member) => member.user !== user);
  }

  async #readOn(anew: boolean): Promise<void> {
    if (this.reading) return;
    this.reading = true;
    const after = this.#next === null ? '' : `?after=${encodeURIComponent(this.#next)}`;
    const answer = await call<{ members?: unknown[]; next?: unknown }>('GET', `/api/rooms/${this.#room}/members${after}`);
    this.reading = false;
    this.problem = answer.ok ? null : answer.problem;
    if (!answer.ok) return;
    const page = (answer.value.members ?? []).map(readMember).filter((member) => member !== null);
    this.list = anew ? page : [...this.list, ...page];
    this.#next = typeof answer.value.next === 'string' ? answer.value.next : null;
    this.hasMore = this.#next !== null;
  }
}
