import type { RoomEvent } from './model/protocol';
import type { WordList } from './model/wordList';

/** All that shows words of messages away from their place, as one. */
export class Lists implements WordList {
  readonly #all: readonly WordList[];

  constructor(...all: WordList[]) {
    this.#all = all;
  }

  follow(topic: string, change: RoomEvent): void {
    for (const list of this.#all) list.follow(topic, change);
  }

  lose(topic: string): void {
    for (const list of this.#all) list.lose(topic);
  }

  async refresh(): Promise<void> {
    await Promise.all(this.#all.map((list) => list.refresh?.()));
  }
}
