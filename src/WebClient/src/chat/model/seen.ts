import type { Reading } from './protocol';

/**
 * How far the reader has come in one log, and what others said after that. The seqs of what others said are kept in order, so that counting is finding a
 * place among them, however many there are.
 */
export class Seen {
  #seqs: number[] = [];
  /** The newest seq that was on screen, here or on another device. Null: not known, and then nothing counts as unread. */
  #read: { seq: number; epoch: string } | null = null;
  /** What the server counted as unread, up to which seq. */
  #told: { head: number; unread: number } | null = null;

  get seq(): number | null {
    return this.#read?.seq ?? null;
  }

  /** The newest seq that the server has spoken of; 0: none. */
  get head(): number {
    return this.#told?.head ?? 0;
  }

  isOfAnother(epoch: string): boolean {
    return this.#read !== null && this.#read.epoch !== epoch;
  }

  /** Never back: another device may be further. Answers whether it is further than before. */
  readUpTo(seq: number, epoch: string): boolean {
    if (this.#read?.epoch === epoch && this.#read.seq >= seq) return false;
    this.#read = { seq, epoch };
    return true;
  }

  /** On purpose: what comes after this is unread again. */
  goBack(seq: number): void {
    this.#told = null;
    if (this.#read !== null && seq < this.#read.seq) this.#read = { ...this.#read, seq };
  }

  /** Counted by the server up to `head`: what has come here since is counted here. */
  told(reading: Reading, head: number): void {
    this.#told = { head, unread: reading.unread };
    this.readUpTo(reading.seq, reading.epoch);
  }

  /** All of it was on screen: the server's count is behind. */
  isHere(): void {
    this.#told = null;
  }

  forget(): void {
    [this.#read, this.#told] = [null, null];
  }

  /** `first`: the oldest seq that is here; null: there is none. */
  unread(first: number | null): number {
    const read = this.#read?.seq;
    if (read === undefined) return 0;
    // What lies between the place read and the first line here is known to the server alone.
    const told = this.#told !== null && first !== null && first > read + 1 ? this.#told : null;
    return (told?.unread ?? 0) + this.#after(told ? Math.max(read, told.head) : read);
  }

  append(seq: number): void {
    this.#seqs.push(seq);
  }

  prepend(seqs: readonly number[]): void {
    this.#seqs.unshift(...seqs);
  }

  /** It was deleted: there is nothing left to be read of it. */
  remove(seq: number): void {
    const index = this.#upTo(seq) - 1;
    if (this.#seqs[index] === seq) this.#seqs.splice(index, 1);
  }

  dropBefore(seq: number): void {
    this.#seqs = this.#seqs.slice(this.#upTo(seq - 1));
  }

  clear(): void {
    this.#seqs = [];
  }

  #after(seq: number): number {
    return this.#seqs.length - this.#upTo(seq);
  }

  #upTo(seq: number): number {
    let [low, high] = [0, this.#seqs.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#seqs[middle]! <= seq) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
