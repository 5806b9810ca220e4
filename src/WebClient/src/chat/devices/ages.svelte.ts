/** Milliseconds. How long ago something was is said in minutes. */
const every = 20_000;

/** The time, as far as ages are told by it: it goes on while somebody looks. */
class Ages {
  now = $state(Date.now());
  #lookers = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** Answers what to do when nobody does any more. */
  look(): () => void {
    if (this.#lookers++ === 0) {
      this.now = Date.now();
      this.#timer = setInterval(() => (this.now = Date.now()), every);
    }
    return () => {
      if (--this.#lookers === 0) clearInterval(this.#timer);
    };
  }
}

export const ages = new Ages();
