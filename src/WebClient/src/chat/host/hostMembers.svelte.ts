import { searchFor } from '../../lib/searchText';
import type { Member } from '../model/protocol';
import type { PeopledRoom } from '../people/people.svelte';
import { MembersState, membersOf } from '../people/members.svelte';

const perPage = 200;
/** Members who are looked through for a name: the server has them by user name, page by page. */
export const mostLookedThrough = 5_000;

/** Everybody on a room's list, those who look after it first, whether here or not. */
export class HostMembers {
  /** What is looked for. */
  text = $state('');
  readonly others: MembersState;
  readonly #room: PeopledRoom;
  #keepers = $state.raw<readonly Member[]>([]);
  #isReading = false;
  #looks = $state(false);

  constructor(room: PeopledRoom) {
    this.#room = room;
    this.others = new MembersState(room.id, perPage);
  }

  /** Each once, as far as they were read and match. */
  readonly #found = $derived.by((): Member[] => {
    const isFound = searchFor(this.text);
    const all = new Map([...this.#keepers, ...this.others.list].map((member) => [member.user, member]));
    return [...all.values()].filter(({ name, user }) => isFound(`${name} ${user}`));
  });
  /** Who has a role, the owner first. */
  readonly keepers = $derived(this.#found.filter(({ user }) => this.#roleOf(user) !== 'member').toSorted((a, b) => rank(this.#roleOf(b.user)) - rank(this.#roleOf(a.user))));
  readonly members = $derived(this.#found.filter(({ user }) => this.#roleOf(user) === 'member'));

  get phase(): 'loading' | 'ready' | 'failed' {
    if (this.others.problem && this.others.list.length === 0) return 'failed';
    return this.others.reading && this.others.list.length === 0 ? 'loading' : 'ready';
  }

  /** The list is being read on for what is looked for. */
  get looks(): boolean {
    return this.#looks && this.text.trim() !== '';
  }

  get isCut(): boolean {
    return this.text.trim() !== '' && this.others.hasMore && this.others.list.length >= mostLookedThrough;
  }

  async read(): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    const [keepers] = await Promise.all([membersOf(this.#room.id, 'role=moderator'), this.others.read(), this.#room.roles.read()]);
    this.#keepers = keepers ?? this.#keepers;
    this.#isReading = false;
  }

  /** Reads on for as long as something is looked for. */
  async look(): Promise<void> {
    if (this.#looks) return;
    this.#looks = true;
    const { others } = this;
    while (this.text.trim() !== '' && others.hasMore && !others.reading && others.problem === null && others.list.length < mostLookedThrough) await others.readMore();
    this.#looks = false;
  }

  has(user: string): boolean {
    return [this.#keepers, this.others.list].some((all) => all.some((member) => member.user === user));
  }

  removed(user: string): void {
    this.#keepers = this.#keepers.filter((member) => member.user !== user);
    this.others.removed(user);
  }

  #roleOf(user: string) {
    return this.#room.roles.of(user);
  }
}

function rank(role: string): number {
  return role === 'owner' ? 2 : role === 'moderator' ? 1 : 0;
}
