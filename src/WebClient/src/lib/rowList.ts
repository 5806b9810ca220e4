/** One entry of a list that draws only what is in sight. */
export interface ListRow {
  /** Unique in the list; the same for as long as the row stands for the same thing. */
  readonly key: string;
  /** Never falls from one row to the next, so that a row is found again after others were put above it. */
  readonly order: number;
}

/**
 * The rows of a long list with the height of each, in CSS pixels: measured when it was drawn, estimated before. What is asked of it costs the
 * logarithm of its length; a change costs the rows behind it, one addition each.
 */
export class RowList<R extends ListRow> {
  #rows: R[] = [];
  #heights: number[] = [];
  /** #tops[i]: the sum of the heights before row i. Right up to #known. */
  #tops: number[] = [0];
  #known = 0;
  readonly #estimate: (row: R) => number;

  constructor(estimate: (row: R) => number) {
    this.#estimate = estimate;
  }

  get length(): number {
    return this.#rows.length;
  }

  /** The height of all rows. */
  get total(): number {
    return this.top(this.#rows.length);
  }

  at(index: number): R | undefined {
    return this.#rows[index];
  }

  slice(from: number, to: number): R[] {
    return this.#rows.slice(from, to);
  }

  height(index: number): number {
    return this.#heights[index] ?? 0;
  }

  /** Where the row begins, counted from the first one's upper edge. */
  top(index: number): number {
    for (; this.#known < index; this.#known++) this.#tops[this.#known + 1] = this.#tops[this.#known]! + this.#heights[this.#known]!;
    return this.#tops[index] ?? 0;
  }

  /** The row that covers this place; the nearest one for a place above or below them all. */
  indexAt(place: number): number {
    this.top(this.#rows.length);
    let [low, high] = [0, Math.max(0, this.#rows.length - 1)];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#tops[middle]! <= place) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** The first row of this order or a later one; `length` when there is none. */
  indexOfOrder(order: number): number {
    let [low, high] = [0, this.#rows.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#rows[middle]!.order < order) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Where the row of this key is now; when it is gone, the row that took its place. */
  find(key: string, order: number): number {
    const first = this.indexOfOrder(order);
    for (let index = first; this.#rows[index]?.order === order; index++) if (this.#rows[index]!.key === key) return index;
    return Math.min(first, Math.max(0, this.#rows.length - 1));
  }

  push(row: R, height = this.#estimate(row)): void {
    this.#rows.push(row);
    this.#heights.push(height);
  }

  unshift(rows: readonly R[]): void {
    this.#rows = [...rows, ...this.#rows];
    this.#heights = [...rows.map(this.#estimate), ...this.#heights];
    this.#known = 0;
  }

  insert(index: number, row: R): void {
    this.#rows.splice(index, 0, row);
    this.#heights.splice(index, 0, this.#estimate(row));
    this.#known = Math.min(this.#known, index);
  }

  /** The same place, drawn anew: it keeps its height until it is measured. */
  replace(index: number, row: R): void {
    this.#rows[index] = row;
  }

  remove(index: number, count = 1): void {
    this.#rows.splice(index, count);
    this.#heights.splice(index, count);
    this.#known = Math.min(this.#known, index);
  }

  clear(): void {
    this.remove(0, this.#rows.length);
  }

  /** What was measured. Answers whether it is news. */
  setHeight(index: number, height: number): boolean {
    // Layout rounds to 1/64 of a pixel.
    if (Math.abs(this.#heights[index]! - height) < 0.02) return false;
    this.#heights[index] = height;
    this.#known = Math.min(this.#known, index);
    return true;
  }
}
