/** Milliseconds without a sign of life after which one is asked for. */
const quietFor = 15_000;
/** Milliseconds that a sign of life may take once it was asked for. A slow line with a backlog shows life all the time. */
const answeredWithin = 12_000;

/**
 * Whether the other end of a connection is still there. A connection can die without a word (a network that changed, a proxy that forgot it): nothing
 * comes any more, and what is written seems to be sent. Times are milliseconds of a clock that only goes forward.
 */
export class Pulse {
  #heardAt: number;
  #askedAt: number | null = null;

  constructor(now: number) {
    this.#heardAt = now;
  }

  /** Something came. */
  heard(now: number): void {
    this.#heardAt = now;
    this.#askedAt = null;
  }

  /** Something was sent that the other end answers at once. */
  asked(now: number): void {
    this.#askedAt ??= now;
  }

  /**
   * To be called every few seconds. `ask`: send something that is answered. That an answer is late counts only when the question is: ticks of a tab that
   * slept come late too, and say nothing about the other end.
   */
  tick(now: number): 'alive' | 'ask' | 'dead' {
    if (this.#askedAt !== null) return now - this.#askedAt >= answeredWithin ? 'dead' : 'alive';
    return now - this.#heardAt >= quietFor ? 'ask' : 'alive';
  }
}
