import { browserStorage } from '../lib/storage';

/** What a page had not got to disk when it went, for whichever page comes next. Small, since it is written at once. */
export class LeftOver<T extends { account: string; at: number }> {
  readonly #name: string;
  readonly #keyOf: (one: T) => string;

  /** `keyOf`: what is left under the same key takes the place of what was. */
  constructor(kind: string, keyOf: (one: T) => string) {
    this.#name = `webmessenger.left.${kind}`;
    this.#keyOf = keyOf;
  }

  read(): T[] {
    try {
      const left: unknown = JSON.parse(browserStorage.read(this.#name) ?? '[]');
      return Array.isArray(left) ? (left as T[]) : [];
    } catch {
      return [];
    }
  }

  add(more: readonly T[]): void {
    if (more.length === 0) return;
    // A page is left as often as its reader looks elsewhere.
    this.#write([...new Map([...this.read(), ...more].map((one) => [this.#keyOf(one), one])).values()]);
  }

  /** What lies here under the same key is as `one` is now; else nothing happens. */
  replace(one: T): void {
    const left = this.read();
    const isSame = (other: T) => this.#keyOf(other) === this.#keyOf(one);
    if (left.some(isSame)) this.#write(left.map((other) => (isSame(other) ? one : other)));
  }

  keepOnly(wanted: (one: T) => boolean): void {
    if (browserStorage.read(this.#name) !== null) this.#write(this.read().filter(wanted));
  }

  #write(left: readonly T[]): void {
    browserStorage.write(this.#name, left.length === 0 ? null : JSON.stringify(left));
  }
}
