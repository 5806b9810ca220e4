import type { UnderWay } from '../../lib/underWay.svelte';
import { isNews, type Reading, type RoomEvent } from '../model/protocol';
import type { RoomLog } from './roomLog.svelte';

export interface ReaderUser {
  readonly me: string;
  /** Steps after which it is known what was missed: until then, nothing is taken for seen. */
  readonly catchingUp: UnderWay;
  /** The reader has come further: everything up to here was on screen. */
  saw(seq: number, epoch: string): void;
}

/** The reader of one room: whether they see its end, how far they have come, and when they are brought to where the new begins. */
export class Reader {
  /** Counts the times that the reader is to be brought to the line above what is new. */
  jumps = $state(0);
  readonly #log: RoomLog;
  readonly #user: ReaderUser;
  /** Said by the page: the reader sees this room's end. */
  #watches = false;
  /** Having gone back, they have not gone away since. */
  #waits = false;

  constructor(log: RoomLog, user: ReaderUser) {
    this.#log = log;
    this.#user = user;
  }

  /**
   * What comes after this is unread again. Whoever stands at the end would have read it in the same moment: it counts as seen when they go away and
   * come back.
   */
  goBack(seq: number): void {
    this.#log.seen.goBack(seq);
    this.#log.setLine(seq);
    this.#waits = this.#watches;
    this.#log.draw();
  }

  /** The reader looks at the end of the timeline. What is still to come counts as new all the same. */
  markRead(): void {
    this.#watches = true;
    if (this.#waits) return;
    if (!this.#user.catchingUp.any) this.#sawEverything();
  }

  /** The reader went to another room, or scrolled up, or hid the tab. */
  lookAway(): void {
    this.#watches = this.#waits = false;
  }

  /** The reader is gone from the page: what was new to them has been seen. */
  goAway(): void {
    this.lookAway();
    if (this.#log.countUnread() === 0) this.#log.setLine(null);
  }

  /** Read further on another device, or counted by the server. */
  told(reading: Reading, head: number): void {
    const { seen, timeline } = this.#log;
    if (timeline.epoch !== null && reading.epoch !== timeline.epoch) return;
    seen.told(reading, head > 0 ? head : (timeline.last ?? 0));
    this.#log.draw();
  }

  /** A live event: seen by whoever sees the end. For whoever does not, the new may begin with it. Answers whether it joined what is known. */
  receive(event: RoomEvent): boolean {
    const wasRead = this.#log.countUnread() === 0;
    const readBeforeIt = this.#log.seen.seq;
    const joined = this.#log.receive(event);
    if (joined && isNews(this.#user.me, event) && !this.#watches && wasRead && this.#log.countUnread() > 0) this.#log.setLine(readBeforeIt);
    if (this.#watches && !this.#waits && !this.#user.catchingUp.any) this.#sawEverything();
    return joined;
  }

  /** Everything missed is here: what of it is new is shown from its beginning. */
  caughtUp(): void {
    const { seen, timeline } = this.#log;
    const { last, epoch } = timeline;
    if (seen.seq === null && last !== null && epoch !== null) seen.readUpTo(last, epoch);
    this.#log.changed();
    if (this.#log.countUnread() === 0) {
      if (this.#watches && !this.#waits) this.#sawEverything();
      return;
    }
    // Who stands at the line already stays where they are. From there they may see the end, too: all of it was in view before it was known to be all.
    if (this.#log.line === seen.seq) {
      if (this.#watches && !this.#waits) this.#sawEverything();
      return;
    }
    this.#log.setLine(seen.seq);
    // Whether they see the end from there, the page says when it has brought them.
    this.#watches = false;
    this.jumps++;
  }

  #sawEverything(): void {
    const { seen, timeline } = this.#log;
    const { last, epoch } = timeline;
    if (last === null || epoch === null) return;
    const isFurther = seen.readUpTo(last, epoch);
    seen.isHere();
    this.#log.draw();
    if (isFurther) this.#user.saw(last, epoch);
  }
}
