import { SvelteMap } from 'svelte/reactivity';
import { byName } from '../../lib/byName';
import { lookOf } from '../../lib/lookOf';
import type { Author, People, Present, Room } from '../model/protocol';
import type { IgnoredPeople } from './ignored.svelte';
import type { RolesState } from './roles.svelte';

/** More looks than this are not remembered: those who are here are learnt again. */
const mostLooks = 5_000;

/** What the components here draw of a room that is open. */
export interface PeopledRoom {
  readonly id: string;
  /** The reader's user name. */
  readonly me: string;
  readonly title: string;
  /** How the server describes it. Null: it has not yet. */
  readonly room: Room | null;
  /** Ready: its reader is in it. */
  readonly phase: 'joining' | 'ready' | 'refused' | 'failed';
  readonly people: PeopleState;
  readonly roles: RolesState;
  readonly ignored: IgnoredPeople;
}

/** A list of which not every part has come. */
interface Parts {
  n: number;
  last: number;
  here: Present[];
}

/** Who is in a room now, as the room's `people` tells: a list, and then who came and who went. */
export class PeopleState {
  readonly #present = new SvelteMap<string, Present>();
  /** The user names behind each look, also of those who have gone: what they said is still read. */
  readonly #looks = new SvelteMap<string, readonly string[]>();
  /** The number of what was told last. Null: no list has come on this connection. */
  #number: number | null = null;
  #parts: Parts | null = null;

  /** By name. One who comes is put in its place: a thousand people are not sorted anew for each. */
  list = $state.raw<readonly Present[]>([]);
  /** Accounts here, named or not. */
  count = $state(0);
  /** Only some of those who are here are named: whose room it is, and who spoke lately. */
  isCrowd = $state(false);

  get(user: string): Present | null {
    return this.#present.get(user) ?? null;
  }

  nameOf(user: string): string | null {
    return this.#present.get(user)?.name ?? null;
  }

  /** Answers whether something was missed: then the list is to be asked for anew. */
  hear(told: People): 'missed' | 'known' {
    if (told.list) {
      this.#take(told.n, told.list, told.count);
      return 'known';
    }
    // What was on its way before the list is part of it.
    if (this.#number === null || told.n <= this.#number) return 'known';
    if (told.n !== this.#number + 1) {
      this.expectAnew();
      return 'missed';
    }
    this.#number = told.n;
    const list = [...this.list];
    for (const user of told.gone) this.#put(list, user, null);
    for (const person of told.came) this.#put(list, person.user, { ...person, since: person.since || (this.#present.get(person.user)?.since ?? new Date().toISOString()) });
    this.list = list;
    this.count = told.count;
    return 'known';
  }

  /** Whoever has said something may be taken for somebody who is here. */
  met(author: Author): void {
    for (const look of new Set([lookOf(author.name), lookOf(author.user)])) {
      const users = this.#looks.get(look) ?? [];
      if (users.includes(author.user)) continue;
      if (this.#looks.size >= mostLooks) this.#looks.clear();
      this.#looks.set(look, [...users, author.user]);
    }
  }

  /** Two people have this name, or one that looks like it: the user name is to stand beside it. */
  isAmbiguous(user: string, name: string): boolean {
    return (this.#looks.get(lookOf(name)) ?? []).some((other) => other !== user);
  }

  /** Before subscribing anew: a list will come. Until then they are shown as they were. */
  expectAnew(): void {
    this.#number = null;
    this.#parts = null;
  }

  clear(): void {
    this.#present.clear();
    this.expectAnew();
    this.list = [];
    this.count = 0;
    this.isCrowd = false;
  }

  #take(n: number, { part, parts, here }: NonNullable<People['list']>, count: number): void {
    if (part === 1) this.#parts = { n, last: 0, here: [] };
    const begun = this.#parts;
    // The rest of one whose beginning was missed: another begins.
    if (begun?.n !== n || begun.last !== part - 1) return;
    begun.last = part;
    begun.here.push(...here);
    if (part < parts) return;
    this.#parts = null;
    this.#number = n;
    this.#present.clear();
    for (const person of begun.here) {
      this.#present.set(person.user, person);
      this.met(person);
    }
    this.list = [...this.#present.values()].sort(compare);
    this.count = count;
    this.isCrowd = count > this.list.length;
  }

  #put(list: Present[], user: string, person: Present | null): void {
    const before = this.#present.get(user);
    if (before) list.splice(placeOf(list, before), 1);
    if (person) {
      list.splice(placeOf(list, person), 0, person);
      this.#present.set(user, person);
      this.met(person);
    } else {
      this.#present.delete(user);
    }
  }
}

/** Where somebody stands in a list that is in order, or would. */
function placeOf(list: readonly Present[], person: Present): number {
  let [from, to] = [0, list.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (compare(list[middle]!, person) < 0) from = middle + 1;
    else to = middle;
  }
  return from;
}

function compare(one: Present, other: Present): number {
  return byName(one.name, other.name) || (one.user < other.user ? -1 : one.user > other.user ? 1 : 0);
}
