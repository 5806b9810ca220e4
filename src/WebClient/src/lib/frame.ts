/** A hidden tab is given no frames: there, what waits is done this many milliseconds later, so that counts and titles go on. */
const hiddenAfter = 300;

/** Gathers what asks to be drawn: however often it is requested, the action runs once, before the next frame. */
export class OnceAFrame {
  readonly #action: () => void;
  #frame = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(action: () => void) {
    this.#action = action;
  }

  request(): void {
    if (this.#timer !== undefined) return;
    // The tab may be hidden between the request and the frame, so the timer is always there.
    this.#timer = setTimeout(this.#run, hiddenAfter);
    if (typeof requestAnimationFrame === 'function') this.#frame = requestAnimationFrame(this.#run);
  }

  cancel(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (typeof cancelAnimationFrame === 'function') cancelAnimationFrame(this.#frame);
  }

  #run = (): void => {
    this.cancel();
    this.#action();
  };
}
