import { t, tn } from '../../i18n/i18n.svelte';
import { Awake } from '../../lib/awake';
import { desktop, isQuietAt, sounds } from '../../lib/calls.svelte';
import { play, type Sound } from '../../lib/sound';
import type { Calling } from '../model/calling';
import type { Level } from '../model/level';
import type { RoomEvent, RoomUnread, Whisper } from '../model/protocol';
import type { WordList } from '../model/wordList';
import { talkWith } from '../../routes/routes';
import { close, closeAll, closeOthers, hearPresses, show, type Note } from './note';
import { Tabs } from './tabs';

export interface AlertsUser {
  readonly account: string;
  readonly me: string;
  levelOf(room: string): Level;
  titleOf(room: string): string;
  /** To an address of the page. */
  go(address: string): void;
}

/** `place`: an address, as the tabs name what they show. */
interface Alert extends Note {
  sound: Sound;
}

/** Milliseconds: what comes together is heard once. */
const soundsEvery = 3_000;

/**
 * Calls the reader who is not looking: by a notification of the desktop and one sound, from one tab. Only what happens now: what was missed while
 * the page slept or had no connection, the numbers tell.
 */
export class Alerts implements WordList {
  readonly #user: AlertsUser;
  readonly #tabs: Tabs;
  readonly #awake = new Awake();
  /** What was unread in each room, as last said on this connection. */
  readonly #unread = new Map<string, number>();
  /** Rooms of which the reader was told and has not looked since. */
  readonly #told = new Set<string>();
  #place = '';
  #stopHearing = () => {};
  #heardAt = 0;

  constructor(user: AlertsUser) {
    this.#user = user;
    this.#tabs = new Tabs(user.account);
  }

  start(): void {
    this.#awake.start();
    this.#awake.catchUp();
    this.#tabs.start();
    this.#stopHearing = hearPresses((address) => this.#user.go(address));
    void closeOthers(this.#user.account);
    addEventListener('visibilitychange', this.#look);
    this.#look();
  }

  stop(): void {
    this.#awake.stop();
    this.#tabs.stop();
    this.#stopHearing();
    void closeAll();
    removeEventListener('visibilitychange', this.#look);
  }

  /** The page shows this: the address of a room or conversation; empty: another page. */
  shows(place: string): void {
    this.#place = place;
    this.#look();
  }

  /** A new connection: what comes first is of before it. */
  connected(): void {
    this.#awake.catchUp();
    this.#unread.clear();
  }

  called({ from, room, of, excerpt }: Calling): void {
    const where = this.#user.titleOf(room);
    // Who has decided something is not named.
    const title = from.name ? t('alert.mention', { name: from.name, room: where }) : where;
    // What is new there besides does not take its place.
    this.#told.add(room);
    void this.#tell({ place: `/rooms/${room}`, seq: of, title, body: unspoilt(excerpt), sound: 'mention', address: `/rooms/${room}${of ? `?seq=${of}` : ''}` });
  }

  /** What one's own bot says is news, too. */
  whispered({ from, text }: Whisper, seq: number | null): void {
    if (from.user === this.#user.me && from.kind !== 'bot') return;
    const address = talkWith(from.user);
    void this.#tell({ place: address, seq, title: t('notice.whisper', { name: from.name }), body: unspoilt(text), sound: 'whisper', address });
  }

  /** All that was said under these topics is read, on whatever device. */
  read(...topics: string[]): void {
    if (topics.length > 0) void close(topics.map(addressOf));
  }

  /** An edit or a deletion: what the desktop shows of the message is not as it is now. */
  follow(topic: string, { of, type }: RoomEvent): void {
    if (of !== null && (type === 'edit' || type === 'delete')) void close([addressOf(topic)], of);
  }

  /** What is said there may not be read any more. */
  lose(topic: string): void {
    this.read(topic);
  }

  /** Of a room where all is wanted the reader is told once, until they have looked. */
  counted(rooms: readonly RoomUnread[]): void {
    this.read(...rooms.filter(({ unread }) => unread === 0).map(({ room }) => `rooms/${room}`));
    for (const { room, unread } of rooms) {
      const before = this.#unread.get(room);
      this.#unread.set(room, unread);
      if (unread === 0) this.#told.delete(room);
      if (before === undefined || unread <= before || this.#told.has(room) || this.#user.levelOf(room) !== 'all') continue;
      const body = tn('rooms.unread', unread);
      void this.#tell({ place: `/rooms/${room}`, seq: null, title: this.#user.titleOf(room), body, sound: 'message', address: `/rooms/${room}` }).then((isTold) => {
        if (isTold) this.#told.add(room);
      });
    }
  }

  #look = (): void => {
    this.#tabs.shows(document.hidden ? null : this.#place);
    if (!document.hidden && this.#place !== '') void close([this.#place]);
  };

  /** Answers whether the reader was called, or looks there. */
  async #tell(alert: Alert): Promise<boolean> {
    if (this.#awake.isCatchingUp || !this.#tabs.leads || isQuietAt(new Date())) return false;
    const inSight = await this.#tabs.inSight();
    if (!this.#tabs.leads || inSight.has(alert.place)) return false;
    this.#sound(alert.sound);
    if (inSight.size === 0 && desktop.state === 'granted') void show(alert, this.#user.account, (address) => this.#user.go(address));
    return true;
  }

  #sound(sound: Sound): void {
    if (sounds.current === 'off' || Date.now() - this.#heardAt < soundsEvery) return;
    this.#heardAt = Date.now();
    play(sound);
  }
}

/** Without what a spoiler hides, also one whose end was cut off. The rest as it was written: what makes a tree of it is loaded with the lists. */
const unspoilt = (text: string) => text.replace(/\|\|.*?(\|\||$)/gs, '…');

/** Of the page of a topic, `rooms/{room}` or `users/{user}`. */
function addressOf(topic: string): string {
  return topic.startsWith('users/') ? talkWith(topic.slice('users/'.length)) : `/${topic}`;
}
