import { call, isRecord, type Problem } from '../../lib/http';
import { readAuthor, type Author } from '../model/protocol';
import { readHeld, type Held } from '../model/rules';

/** Of a ban or mute: who imposed it, null where the account is no more, and when. */
export type HeldDetails = Held & { by: string | null; at: string };
/** Somebody who is kept out of a room, or muted there. */
export type HeldPerson = Author & {
  banned: HeldDetails | null;
  muted: HeldDetails | null;
  /** No other guest comes in from where this one came. */
  byAddress: HeldDetails | null;
};

const perPage = 200;
/** Beyond so many nobody reads on. */
const most = 1_000;

/** Who is banned or muted in a room, for who looks after it. */
export class HeldBack {
  list = $state.raw<readonly HeldPerson[] | null>(null);
  problem = $state.raw<Problem | null>(null);
  readonly #room: string;
  #asked = 0;

  constructor(room: string) {
    this.#room = room;
  }

  mutes(user: string): boolean {
    return this.list?.some((one) => one.user === user && one.muted !== null) ?? false;
  }

  /** All of them, anew. */
  async read(): Promise<void> {
    const asked = ++this.#asked;
    const all: HeldPerson[] = [];
    for (let next: string | null = ''; next !== null && all.length < most; ) {
      const answer: Awaited<ReturnType<typeof call<unknown>>> = await call<unknown>('GET', `/api/rooms/${this.#room}/bans?limit=${perPage}${next === '' ? '' : `&after=${encodeURIComponent(next)}`}`);
      if (asked !== this.#asked) return;
      this.problem = answer.ok ? null : answer.problem;
      if (!answer.ok) return;
      const { bans, next: further }: Record<string, unknown> = isRecord(answer.value) ? answer.value : {};
      if (Array.isArray(bans)) all.push(...bans.map(readHeldPerson).filter((one) => one !== null));
      next = typeof further === 'string' ? further : null;
    }
    this.list = all;
  }
}

function readHeldPerson(value: unknown): HeldPerson | null {
  const author = readAuthor(value);
  return author && isRecord(value) ? { ...author, banned: readDetails(value['banned']), muted: readDetails(value['muted']), byAddress: readDetails(value['byAddress']) } : null;
}

function readDetails(value: unknown): HeldDetails | null {
  if (!isRecord(value)) return null;
  return { ...readHeld(value), by: typeof value['by'] === 'string' ? value['by'] : null, at: typeof value['at'] === 'string' ? value['at'] : '' };
}
