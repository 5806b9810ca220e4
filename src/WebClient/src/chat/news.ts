/** The seqs of what others said, in order: counting what is new is finding a place in them, however many there are. */
export class News {
  #seqs: number[] = [];

  append(seq: number): void {
    this.#seqs.push(seq);
  }

  prepend(seqs: readonly number[]): void {
    this.#seqs.unshift(...seqs);
  }

  dropBefore(seq: number): void {
    this.#seqs = this.#seqs.slice(this.#upTo(seq - 1));
  }

  clear(): void {
    this.#seqs = [];
  }

  /** How many lie behind this seq. */
  after(seq: number): number {
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
