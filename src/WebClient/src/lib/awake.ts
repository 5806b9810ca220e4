import { ticker } from './ticker';

/** Milliseconds. */
const lookEvery = 2_000;
const sleptFor = 12_000;
const catchesUpFor = 5_000;

/** Whether what comes now may be of a while ago: the page was frozen, or the machine asleep, or the connection is new. */
export class Awake {
  #timer: number | null = null;
  #looked = 0;
  #until = 0;

  start(): void {
    this.#looked = Date.now();
    this.#timer = ticker.set(() => this.#look(), lookEvery);
  }

  stop(): void {
    if (this.#timer !== null) ticker.clear(this.#timer);
    this.#timer = null;
  }

  /** What was missed is about to come. */
  catchUp(): void {
    this.#until = Date.now() + catchesUpFor;
  }

  /** A sleeper's first message may come before the first tick. */
  get isCatchingUp(): boolean {
    this.#look();
    return Date.now() < this.#until;
  }

  #look(): void {
    if (Date.now() - this.#looked > sleptFor) this.catchUp();
    this.#looked = Date.now();
  }
}
