import { call, isRecord, type Problem } from '../../lib/http';
import { readAuthor, readEvent, type Author, type RoomEvent } from '../model/protocol';

/** What somebody did in a room: as an event of it, told also where the event itself does not say why. */
export interface Done {
  at: string;
  /** `delete`, `remove` and `destroy` are told by themselves. */
  type: string;
  from: Author;
  target: Author | null;
  event: RoomEvent | null;
  /** Minutes: what the target had said in them was deleted with it; 0: nothing was. */
  deleteSince: number;
}

const perPage = 50;

/** Who did what in a room, the newest first, page by page. */
export class Audit {
  list = $state.raw<readonly Done[] | null>(null);
  problem = $state.raw<Problem | null>(null);
  next = $state.raw<string | null>(null);
  reading = $state(false);
  readonly #room: string;

  constructor(room: string) {
    this.#room = room;
  }

  /** The newest; or, when some are there, those before. */
  async read(isMore = false): Promise<void> {
    if (this.reading) return;
    this.reading = true;
    const before = isMore && this.next !== null ? `&before=${encodeURIComponent(this.next)}` : '';
    const answer = await call<unknown>('GET', `/api/rooms/${this.#room}/audit?limit=${perPage}${before}`);
    this.reading = false;
    this.problem = answer.ok ? null : answer.problem;
    if (!answer.ok || !isRecord(answer.value)) return;
    const { entries, next } = answer.value;
    const read = Array.isArray(entries) ? entries.map(readDone).filter((one) => one !== null) : [];
    this.list = isMore ? [...(this.list ?? []), ...read] : read;
    this.next = typeof next === 'string' ? next : null;
  }
}

export function readDone(value: unknown): Done | null {
  if (!isRecord(value) || typeof value['type'] !== 'string') return null;
  const [from, at] = [readAuthor(value['from']), String(value['at'] ?? '')];
  if (from === null) return null;
  const { changes, ...rest } = value;
  const event = readEvent({ ...rest, ...(isRecord(changes) ? changes : {}), seq: 0, epoch: '' });
  return { at, type: value['type'], from, target: readAuthor(value['target']), event, deleteSince: Number(value['deleteSince'] ?? 0) };
}
