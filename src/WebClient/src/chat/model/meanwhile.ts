/** What happens while the server is being asked: its answer may be older, so that it is done to that as well. */
export class Meanwhile {
  #asked = 0;
  #acts: (() => void)[] = [];

  /** Now, and again to each answer that is under way. */
  do(act: () => void): void {
    act();
    if (this.#asked > 0) this.#acts.push(act);
  }

  /** `take`: takes the answer in. */
  async until<T, R>(asked: Promise<T>, take: (answer: T) => R): Promise<R> {
    this.#asked++;
    try {
      const taken = take(await asked);
      for (const act of this.#acts) act();
      return taken;
    } finally {
      if (--this.#asked === 0) this.#acts = [];
    }
  }
}
