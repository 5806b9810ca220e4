import { OnceAFrame } from '../../lib/frame';

/** How many lines of a list that ask for a look are scrolled out of it, at either end. Measuring lays the page out, so it is done once a frame at most. */
export class OutOfSight {
  above = $state(0);
  below = $state(0);

  readonly #list: () => HTMLElement | undefined;
  readonly #which: string;
  readonly #frame = new OnceAFrame(() => this.#measure());

  /** `which`: the selector of those lines. */
  constructor(list: () => HTMLElement | undefined, which: string) {
    this.#list = list;
    this.#which = which;
  }

  /** Something has changed, or moved. */
  look = (): void => this.#frame.request();

  stop(): void {
    this.#frame.cancel();
  }

  /** The nearest one that is out of sight on that side. */
  nearest(side: 'above' | 'below'): HTMLElement | undefined {
    const list = this.#list();
    if (!list) return undefined;
    const edges = list.getBoundingClientRect();
    return side === 'above'
      ? this.#lines(list).findLast((line) => line.getBoundingClientRect().top < edges.top)
      : this.#lines(list).find((line) => line.getBoundingClientRect().bottom > edges.bottom);
  }

  #lines(list: HTMLElement): HTMLElement[] {
    return [...list.querySelectorAll<HTMLElement>(this.#which)];
  }

  #measure(): void {
    const list = this.#list();
    if (!list?.isConnected) return;
    const edges = list.getBoundingClientRect();
    const middles = this.#lines(list).map((line) => line.getBoundingClientRect()).map((line) => (line.top + line.bottom) / 2);
    this.above = middles.filter((middle) => middle < edges.top).length;
    this.below = middles.filter((middle) => middle > edges.bottom).length;
  }
}
