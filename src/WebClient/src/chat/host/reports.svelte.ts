import { call, isRecord, type Answer, type Problem } from '../../lib/http';
import { readAuthor, type Author } from '../model/protocol';

/** A message that somebody reported, as it was then. */
export interface Report {
  id: string;
  /** Of the message in the room. */
  seq: number;
  author: Author;
  text: string;
  reason: string;
  /** Null: of an account that is no more. */
  from: Author | null;
  at: string;
  state: 'open' | 'acted' | 'dismissed';
  /** Until when it is kept. */
  until: string;
}

/** What was reported in a room of those who rank below the reader, the newest first. */
export class Reports {
  list = $state.raw<readonly Report[] | null>(null);
  problem = $state.raw<Problem | null>(null);
  readonly open = $derived(this.list?.filter(({ state }) => state === 'open') ?? []);
  readonly decided = $derived(this.list?.filter(({ state }) => state !== 'open') ?? []);
  readonly #path: string;

  constructor(room: string) {
    this.#path = `/api/rooms/${room}/reports`;
  }

  async read(): Promise<void> {
    const answer = await call<unknown>('GET', `${this.#path}?limit=200`);
    this.problem = answer.ok ? null : answer.problem;
    if (answer.ok && isRecord(answer.value) && Array.isArray(answer.value['reports'])) {
      this.list = answer.value['reports'].map(readReport).filter((one) => one !== null);
    }
  }

  /** Who reported it is told that it was looked at, and no more. */
  async decide(id: string, decision: 'acted' | 'dismissed'): Promise<Answer<unknown>> {
    const answer = await call<unknown>('PUT', `${this.#path}/${id}`, { decision });
    // Somebody else was faster, or its time is over: the list says which.
    const isOver = !answer.ok && (answer.problem.status === 409 || answer.problem.status === 404);
    if (answer.ok || isOver) await this.read();
    return isOver ? { ok: true, value: undefined } : answer;
  }
}

export function readReport(value: unknown): Report | null {
  if (!isRecord(value)) return null;
  const { id, seq, text, reason, at, state, until } = value;
  const author = readAuthor(value['author']);
  if (author === null || typeof id !== 'string' || typeof seq !== 'number') return null;
  return {
    id,
    seq,
    author,
    text: String(text ?? ''),
    reason: String(reason ?? ''),
    from: readAuthor(value['from']),
    at: String(at ?? ''),
    state: state === 'acted' || state === 'dismissed' ? state : 'open',
    until: String(until ?? ''),
  };
}
