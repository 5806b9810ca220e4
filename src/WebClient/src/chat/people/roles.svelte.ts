import { SvelteMap } from 'svelte/reactivity';
import type { Role } from '../model/rules';
import { membersOf } from './members.svelte';

/** Who of a room has a role above the members': asked for when somebody looks, and kept up by what the room tells meanwhile. */
export class RolesState {
  readonly #room: string;
  readonly #roles = new SvelteMap<string, Role>();
  /** Before the reader is in the room, the server names nobody of it. */
  #isIn = false;
  /** What the room told while the server was asked: it is newer than the answer. */
  #told: Map<string, Role> | null = null;
  #isAsked = false;
  #isAskedAgain = false;

  constructor(room: string) {
    this.#room = room;
  }

  /** Of somebody who has none, a member's. */
  of(user: string): Role {
    return this.#roles.get(user) ?? 'member';
  }

  /** The reader is in the room, for the first time or after an absence. Where nobody has looked, nothing is asked for. */
  async cameIn(): Promise<void> {
    this.#isIn = true;
    if (this.#isAsked) await this.read();
  }

  /** One call at a time; asked meanwhile, it reads again: the reader may be in the room only now. What does not come leaves all as it is. */
  async read(): Promise<void> {
    this.#isAsked = this.#isAskedAgain = true;
    if (!this.#isIn || this.#told !== null) return;
    while (this.#isAskedAgain) {
      this.#isAskedAgain = false;
      const told = (this.#told = new Map<string, Role>());
      const found = await membersOf(this.#room, 'role=moderator');
      if (found !== null) this.#take([...found.map(({ user, role }) => [user, role] as const), ...told]);
    }
    this.#told = null;
  }

  /** The room tells that somebody was given a role. */
  given(user: string, role: Role): void {
    // There is one owner: who was it and is on the list is a moderator now.
    if (role === 'owner') for (const [other, had] of this.#roles) if (had === 'owner' && other !== user) this.#tell(other, 'moderator');
    this.#tell(user, role);
  }

  #take(roles: readonly (readonly [string, Role])[]): void {
    this.#roles.clear();
    for (const [user, role] of roles) this.#put(user, role);
  }

  #tell(user: string, role: Role): void {
    this.#told?.set(user, role);
    this.#put(user, role);
  }

  #put(user: string, role: Role): void {
    if (role === 'member') this.#roles.delete(user);
    else this.#roles.set(user, role);
  }
}
