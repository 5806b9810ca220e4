import { call, isRecord, type Answer, type Problem } from '../../lib/http';
import { readAuthor, type Author } from '../model/protocol';

/** Somebody asks to be let into a room. */
export interface JoinRequest extends Author {
  note: string;
  at: string;
}

/** Who asks to be let into a room, who has waited for longest first. */
export class JoinRequests {
  list = $state.raw<readonly JoinRequest[] | null>(null);
  problem = $state.raw<Problem | null>(null);
  readonly #path: string;

  constructor(room: string) {
    this.#path = `/api/rooms/${room}/requests`;
  }

  async read(): Promise<void> {
    const answer = await call<unknown>('GET', `${this.#path}?limit=200`);
    this.problem = answer.ok ? null : answer.problem;
    if (answer.ok && isRecord(answer.value) && Array.isArray(answer.value['requests'])) {
      const read = answer.value['requests'].map(readRequest).filter((one) => one !== null);
      this.list = read.toSorted((one, other) => Date.parse(one.at) - Date.parse(other.at));
    }
  }

  async answer(user: string, accept: boolean): Promise<Answer<unknown>> {
    const answer = await call<unknown>('PUT', `${this.#path}/${encodeURIComponent(user)}`, { accept });
    // Somebody else has answered, or it was taken back.
    const isOver = !answer.ok && answer.problem.status === 404;
    if (answer.ok || isOver) await this.read();
    return isOver ? { ok: true, value: undefined } : answer;
  }
}

export function readRequest(value: unknown): JoinRequest | null {
  const person = readAuthor(value);
  if (!isRecord(value) || person === null) return null;
  return { ...person, note: String(value['note'] ?? ''), at: String(value['at'] ?? '') };
}
