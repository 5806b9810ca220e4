import { SvelteSet } from 'svelte/reactivity';

/** Steps that may overlap, each begun and ended by itself: something is under way until the last of them has ended. */
export class UnderWay {
  readonly #steps = new SvelteSet<symbol>();

  get any(): boolean {
    return this.#steps.size > 0;
  }

  /** What it answers is what ends this step, and no other. */
  begin(): symbol {
    const step = Symbol();
    this.#steps.add(step);
    return step;
  }

  /** Answers whether that was the last one. A step that has ended already, or was forgotten, ends nothing. */
  end(step: symbol): boolean {
    return this.#steps.delete(step) && this.#steps.size === 0;
  }

  /** Nothing is waited for any more: whatever of it is still going on has nothing to end. */
  forget(): void {
    this.#steps.clear();
  }
}
