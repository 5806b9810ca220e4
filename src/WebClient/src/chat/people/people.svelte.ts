import { SvelteMap } from 'svelte/reactivity';
import { byName } from '../../lib/byName';
import { lookOf } from '../../lib/lookOf';
import type { Author, Present, Room } from '../model/protocol';

/** More looks than this are not remembered: those who are here are learnt again. */
const mostLooks = 5_000;

/** What the components here draw of a room that is open. */
export interface PeopledRoom {
  readonly id: string;
  readonly title: string;
  /** How the server describes it. Null: it has not yet. */
  readonly room: Room | null;
  /** Ready: its reader is in it. */
  readonly phase: 'joining' | 'ready' | 'refused' | 'failed';
  readonly people: PeopleState;
}

/** Who is in a room now, from the retained presence topics. */
export class PeopleState {
  readonly #present = new SvelteMap<string, Present>();
  /** The user names behind each look, also of those who have gone: what they said is still read. */
  readonly #looks = new SvelteMap<string, readonly string[]>();
  #stale = new Set<string>();

  /** By name. One who comes is put in its place: a thousand people are not sorted anew for each. */
  list = $state.raw<readonly Present[]>([]);

  get count(): number {
    return this.#present.size;
  }

  get(user: string): Present | null {
    return this.#present.get(user) ?? null;
  }

  nameOf(user: string): string | null {
    return this.#present.get(user)?.name ?? null;
  }

  set(user: string, person: Present | null): void {
    this.#stale.delete(user);
    this.#place(user, person);
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

  /** Before subscribing anew: who is still here will be said again, and nobody who left meanwhile. */
  expectAnew(): void {
    this.#stale = new Set(this.#present.keys());
  }

  /** After subscribing anew: who was not said again is gone. */
  settle(): void {
    for (const user of this.#stale) this.#place(user, null);
    this.#stale.clear();
  }

  clear(): void {
    this.#present.clear();
    this.#stale.clear();
    this.list = [];
  }

  #place(user: string, person: Present | null): void {
    const before = this.#present.get(user);
    if (!before && !person) return;
    const list = [...this.list];
    if (before) list.splice(placeOf(list, before), 1);
    if (person) {
      list.splice(placeOf(list, person), 0, person);
      this.#present.set(user, person);
      this.met(person);
    } else {
      this.#present.delete(user);
    }
    this.list = list;
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
