import { FormState } from '../../lib/form.svelte';
import { call, isRecord, type Answer, type Problem } from '../../lib/http';
import { readAuthor, type Author } from '../model/protocol';

/** A link that still lets people in, as the server lists it. */
export interface InviteLink {
  id: string;
  /** Null: of an account that is no more. */
  by: Author | null;
  /** When it was made, and when it ends: RFC 3339. */
  at: string;
  expiresAt: string;
  /** How many come in by it, and how many more; null: as many as come. */
  uses: number | null;
  left: number | null;
}

/** A link that was made just now: the only time that its secret is known. */
export interface MadeLink {
  id: string;
  url: string;
}

/** Minutes for which a link lasts, of which one is chosen; `own`: until a moment that is typed. */
export const spans = ['1440', '10080', '43200', 'own'] as const;
/** The server makes none that lasts longer, in minutes (docs/protocol.md). */
export const longest = 43_200;
/** How many come in by it; 0: as many as come. */
export const uses = ['1', '10', '100', '0'] as const;

/** The links into one room: for who may invite. */
export class InviteLinks {
  /** The newest first; null: it was not read yet. */
  list = $state.raw<readonly InviteLink[] | null>(null);
  problem = $state.raw<Problem | null>(null);
  made = $state.raw<MadeLink | null>(null);
  readonly making = new FormState();
  readonly revoking = new FormState();
  readonly #path: string;
  #asked = 0;

  constructor(room: string) {
    this.#path = `/api/rooms/${room}/invites`;
  }

  async read(): Promise<void> {
    const asked = ++this.#asked;
    const answer = await call<unknown>('GET', this.#path);
    if (asked !== this.#asked) return;
    this.problem = answer.ok ? null : answer.problem;
    if (answer.ok) this.list = readLinks(answer.value);
  }

  /** `minutes` and `uses` as above. */
  async make(minutes: number, uses: number, form?: HTMLFormElement): Promise<boolean> {
    const answer: Answer<{ id: string; path: string }> | null = await this.making.send(() => call('POST', this.#path, { minutes, uses }), form);
    if (!answer?.ok) return false;
    this.made = { id: answer.value.id, url: new URL(answer.value.path, location.origin).href };
    void this.read();
    return true;
  }

  /** Nobody comes in by it any more when this has answered true. */
  async revoke(id: string): Promise<boolean> {
    const answer = await this.revoking.send(() => call('DELETE', `${this.#path}/${encodeURIComponent(id)}`));
    // It is over, or somebody else has taken it back.
    const isGone = answer?.ok === true || answer?.problem.code === 'no_such_invite';
    if (!isGone) return false;
    this.revoking.problem = null;
    this.list = this.list?.filter((link) => link.id !== id) ?? null;
    if (this.made?.id === id) this.made = null;
    void this.read();
    return true;
  }
}

export function readLinks(value: unknown): InviteLink[] {
  const { invites }: Record<string, unknown> = isRecord(value) ? value : {};
  return Array.isArray(invites) ? invites.flatMap(readLink).toReversed() : [];
}

/** Minutes from `now` until a moment as an `input` of the type `datetime-local` gives it; null: it is none, or no link lasts so long. */
export function minutesUntil(moment: string, now: number): number | null {
  const minutes = Math.floor((Date.parse(moment) - now) / 60_000);
  return minutes >= 1 && minutes <= longest ? minutes : null;
}

/** The same moment, as that `input` wants it: by the clock on the wall. */
export function wallTime(at: number): string {
  const date = new Date(at);
  return new Date(at - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

function readLink(value: unknown): InviteLink[] {
  if (!isRecord(value) || typeof value['id'] !== 'string') return [];
  const { id, at, expiresAt, uses, left } = value;
  const isBounded = typeof uses === 'number' && uses > 0;
  return [{ id, by: readAuthor(value['by']), at: String(at ?? ''), expiresAt: String(expiresAt ?? ''), uses: isBounded ? uses : null, left: isBounded && typeof left === 'number' ? left : null }];
}
