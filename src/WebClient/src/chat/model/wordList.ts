import type { RoomEvent } from './protocol';

/** What shows words of messages away from their place: a list, or the desktop. */
export interface WordList {
  /** An edit or a deletion in the log of `topic`. */
  follow(topic: string, change: RoomEvent): void;
  /** What is said under `topic` may not be read any more. */
  lose(topic: string): void;
  /** As it is now: of what was changed where nobody listens, nobody tells. */
  refresh?(): Promise<void>;
}
