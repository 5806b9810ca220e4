import { bucketOf, History, numberIn, numbersIn } from './history';
import { parsedJson } from './json';

/** Bytes of a value that are kept; what is longer is shown as cut. A description needs all of itself. */
export const keptBytes = 4_096;
export const keptOfDescription = 32_768;
/** Arrivals by which the rate is judged. */
const remembered = 10;

/** Of one publish, or of one value that the server has kept. */
export interface Said {
  payload: Uint8Array;
  /** Bytes of all of it. */
  size: number;
  /** In milliseconds since 1970, by the server's clock when it was read, by the page's when it was heard. It is only shown. */
  at: number;
  /** Counts what came. Of what was read at once all have the same, and there the server's clock decides. */
  order: number;
  retained: boolean;
}

/** The newest value of one data topic. What shows it is drawn anew once a frame at most, by `version`. */
export class DataTopic {
  version = $state(0);
  readonly topic: string;
  /** When it was first heard, the server kept no value of it. */
  readonly isPassing: boolean;
  readonly #most: number;
  #bytes: Uint8Array = new Uint8Array();
  #text: string | null | undefined;
  #json: { value: unknown } | undefined;
  /** When it was heard, by `performance.now()`. */
  #arrivals: number[] = [];
  /** Its numbers of the last day, without those of the ten minutes in which it was last heard. */
  #history: History | null = null;
  /** The ten minutes in which a value that is kept was last heard; null: it was read. */
  #bucket: number | null = null;
  size = 0;
  at = 0;
  order = 0;
  /** The server keeps a value of it. */
  retained = false;
  /** Counts what was heard live. */
  heard = 0;
  /** The connection by which it was last read or heard, and the one by which it was last heard, counted by who reads. */
  seenIn = 0;
  heardIn = 0;

  constructor(topic: string, isPassing: boolean, most: number) {
    this.topic = topic;
    this.isPassing = isPassing;
    this.#most = most;
  }

  /** Answers whether it is another value than before. */
  take({ payload, size, at, order, retained }: Said): boolean {
    const held = payload.subarray(0, this.#most);
    const isOther = size !== this.size || held.some((byte, index) => byte !== this.#bytes[index]);
    if (isOther) {
      // A copy: what came may be a window on something much larger.
      this.#bytes = new Uint8Array(held);
      this.#text = this.#json = undefined;
    }
    this.size = size;
    this.at = at;
    this.order = order;
    // A publish without the flag leaves what is kept as it is.
    if (retained) this.retained = size > 0;
    return isOther;
  }

  hear(said: Said, now: number): boolean {
    this.heard++;
    this.#arrivals.push(now);
    if (this.#arrivals.length > remembered) this.#arrivals.shift();
    if (said.retained) this.#goOn(bucketOf(said.at));
    return this.take(said);
  }

  /** What the server has kept of its numbers, read just now. */
  readHistory(listed: unknown): void {
    this.#history = History.from(listed, bucketOf(Date.now()));
  }

  /** The numbers of a field in the last day, up to some ten minutes or those in which it was heard, the newest last. */
  pointsOf(field: string, bucket: number): (number | null)[] {
    const heard = this.#bucket ?? -Infinity;
    const last = Math.max(bucket, heard);
    const points = (this.#history ?? new History(last)).pointsOf(field, last);
    const place = points.length - 1 - (last - heard);
    const now = place >= 0 ? numberIn(field, this.text, this.json) : null;
    if (now !== null) points[place] = now;
    return points;
  }

  /** Whether what it says came after what the other says, or with it. */
  isAsNewAs(other: DataTopic): boolean {
    return this.order === other.order ? this.at >= other.at : this.order > other.order;
  }

  /** By its first byte: nothing, what may be an object, or anything else. */
  get form(): 'none' | 'object' | 'value' {
    const brace = 0x7b;
    return this.size === 0 ? 'none' : this.#bytes[0] === brace ? 'object' : 'value';
  }

  get bytes(): Uint8Array {
    return this.#bytes;
  }

  get isCut(): boolean {
    return this.size > this.#bytes.length;
  }

  /** Null: it is no text, or too long to be taken for one. */
  get text(): string | null {
    return (this.#text ??= this.isCut ? null : decoded(this.#bytes)) ?? null;
  }

  /** As much of it as is kept. Null: it is no text. */
  get beginning(): string | null {
    return this.text ?? (this.isCut ? decoded(this.#bytes, true) : null);
  }

  /** Undefined: it is no JSON. */
  get json(): unknown {
    return (this.#json ??= { value: parsed(this.text) }).value;
  }

  /** The last number of ten minutes is of the past when the next ones have begun. */
  #goOn(bucket: number): void {
    if (bucket === this.#bucket) return;
    const numbers = this.#bucket === null ? [] : numbersIn(this.text, this.json);
    if (numbers.length > 0) (this.#history ??= new History(bucket)).say(numbers, this.#bucket!);
    this.#bucket = bucket;
  }

  /** Publishes a second, by the last few; 0: it is silent, or was heard once. */
  rate(now: number): number {
    const [first, last] = [this.#arrivals[0], this.#arrivals.at(-1)];
    if (first === undefined || last === undefined || last === first) return 0;
    const gap = (last - first) / (this.#arrivals.length - 1);
    return now - last > 5 * gap + 1_000 ? 0 : 1_000 / gap;
  }
}

const options = { fatal: true, ignoreBOM: true };
const decoder = new TextDecoder('utf-8', options);

/** `isCut`: it may end within a character. */
function decoded(bytes: Uint8Array, isCut = false): string | null {
  try {
    const strict = isCut ? new TextDecoder('utf-8', options) : decoder;
    const text = strict.decode(bytes, { stream: isCut });
    // Other control characters are in no text that anybody reads.
    return /[\0-\x08\x0e-\x1a\x1c-\x1f]/.test(text) ? null : text;
  } catch {
    return null;
  }
}

function parsed(text: string | null): unknown {
  return text !== null && /^\s*[[{"\dtfn-]/.test(text) ? parsedJson(text) : undefined;
}
