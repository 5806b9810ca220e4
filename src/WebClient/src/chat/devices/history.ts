import { isRecord } from '../../lib/http';

/** Milliseconds of a point, and points of a line, as the server has them (docs/protocol.md, "Values over HTTP"). */
const every = 600_000;
export const mostPoints = 144;
/** Numbers of one value that have a line, as on the server. */
const mostFields = 8;

export type Points = readonly (number | null)[];

/** The ten minutes of a moment, counted from 1970. */
export function bucketOf(at: number): number {
  return Math.floor(at / every);
}

/** The numbers that a value says, by their field; of a value that is a number itself it is empty. */
export function numbersIn(text: string | null, json: unknown): [field: string, number: number][] {
  if (isRecord(json)) return Object.entries(json).filter((one): one is [string, number] => typeof one[1] === 'number' && Number.isFinite(one[1])).slice(0, mostFields);
  const plain = plainNumber(text);
  return plain === null ? [] : [['', plain]];
}

/** The one number of a field. Null: there is none. */
export function numberIn(field: string, text: string | null, json: unknown): number | null {
  if (field === '') return plainNumber(text);
  const found = isRecord(json) && Object.hasOwn(json, field) ? json[field] : null;
  return typeof found === 'number' && Number.isFinite(found) ? found : null;
}

function plainNumber(text: string | null): number | null {
  const found = text !== null && /^\s*[-+.\dEe]{1,64}\s*$/.test(text) ? Number(text) : Number.NaN;
  return Number.isFinite(found) ? found : null;
}

/**
 * The numbers of one topic in the last day: of each ten minutes the last. What the server has kept ends in the ten minutes in which it was
 * read, whatever clock the page has, and goes on by the page's own.
 */
export class History {
  readonly #lines = new Map<string, (number | null)[]>();
  #last: number;

  /** @param bucket The ten minutes of now. */
  constructor(bucket: number) {
    this.#last = bucket;
  }

  /** As the server lists it with a value. Null: it has none of it. */
  static from(listed: unknown, bucket: number): History | null {
    if (!Array.isArray(listed)) return null;
    const made = new History(bucket);
    for (const one of listed.slice(0, mostFields)) {
      if (!isRecord(one) || !Array.isArray(one['points'])) continue;
      const field = typeof one['field'] === 'string' ? one['field'] : '';
      made.#lines.set(field, fitted(one['points'].map((point) => (typeof point === 'number' ? point : null))));
    }
    return made;
  }

  /** What was said last in ten minutes. */
  say(numbers: readonly [string, number][], bucket: number): void {
    if (bucket > this.#last) {
      for (const [field, points] of this.#lines) this.#lines.set(field, shifted(points, bucket - this.#last));
      this.#last = bucket;
    }
    const place = mostPoints - 1 - (this.#last - bucket);
    if (place < 0) return;
    for (const [field, number] of numbers) {
      const points = this.#lines.get(field) ?? (this.#lines.size < mostFields ? fitted([]) : null);
      if (!points) continue;
      points[place] = number;
      this.#lines.set(field, points);
    }
  }

  /** Its points up to some ten minutes, the newest last. */
  pointsOf(field: string, bucket: number): (number | null)[] {
    const points = this.#lines.get(field);
    return points ? shifted(points, bucket - this.#last) : fitted([]);
  }
}

/** As many as there are of a line: the last, with nothing before. */
function fitted(points: Points): (number | null)[] {
  return [...Array<null>(Math.max(0, mostPoints - points.length)).fill(null), ...points.slice(-mostPoints)];
}

function shifted(points: Points, by: number): (number | null)[] {
  return by <= 0 ? [...points] : [...points.slice(by), ...Array<null>(Math.min(by, mostPoints)).fill(null)];
}
