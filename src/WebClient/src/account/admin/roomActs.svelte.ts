import { FormState } from '../../lib/form.svelte';
import { call, type Answer } from '../../lib/http';
import type { Kind } from '../../lib/kind';
import { searchFor, searchText } from '../../lib/searchText';
import { Proof } from './proof.svelte';
import type { AdminRoom } from './wire';

export type RoomAct = 'owner' | 'archive' | 'unarchive' | 'delete';

export interface Candidate {
  user: string;
  name: string;
  kind: Kind;
}

const perPage = 200;

export function actsOn(room: AdminRoom): RoomAct[] {
  // Without members there is nobody to hand it to.
  return [...(room.members > 0 ? ['owner' as const] : []), room.archived ? 'unarchive' : 'archive', 'delete'];
}

/** One act at a time on one room, asked about first. */
export class RoomActs {
  readonly form = new FormState();
  readonly proof = new Proof();
  act = $state<RoomAct | null>(null);
  /** Who gets the room: one of its members, by user name. */
  heir = $state('');
  typed = $state('');
  /** Whom it may be handed to; null: who is in the room is for its members to see, and the name is typed. */
  members = $state.raw<readonly Candidate[] | null>([]);
  reading = $state(false);
  /** Not all of them have been read. */
  isCut = $state(false);
  /** The room as the server says it is after what was done; null: it is deleted. */
  changed: AdminRoom | null = null;
  readonly #room: AdminRoom;

  constructor(room: AdminRoom) {
    this.#room = room;
  }

  /** Members that are found by what is typed, but for who keeps the room. */
  readonly found = $derived.by(() => {
    const isFound = searchFor(this.typed);
    return (this.members ?? []).filter(({ user, name, kind }) => kind === 'person' && user !== this.#room.owner && isFound(`${name} ${user}`));
  });

  get isTyped(): boolean {
    return this.act !== 'delete' || searchText(this.typed.trim()) === searchText(this.#room.title.trim());
  }

  get hasHeir(): boolean {
    return this.act !== 'owner' || this.heir.trim() !== '';
  }

  ask(act: RoomAct): void {
    this.form.problem = null;
    [this.typed, this.heir] = ['', ''];
    this.act = act;
    if (act === 'owner') void this.#readMembers();
  }

  leave(): void {
    this.form.problem = null;
    this.proof.forget();
    this.act = null;
  }

  async confirm(element: HTMLFormElement): Promise<boolean> {
    const { act } = this;
    if (act === null || !this.isTyped || !this.hasHeir) return false;
    const answer = await this.form.send(() => this.proof.send(() => this.#send(act)), element);
    this.changed = answer?.ok && act !== 'delete' ? (answer.value as AdminRoom) : null;
    // Somebody else has deleted it.
    return answer?.ok === true || (act === 'delete' && answer?.problem.status === 404);
  }

  #send(act: RoomAct): Promise<Answer<unknown>> {
    const path = `/api/admin/rooms/${this.#room.room}`;
    if (act === 'owner') return call('PUT', `${path}/owner`, { user: this.heir.trim() });
    if (act === 'delete') return call('DELETE', path);
    return call(act === 'archive' ? 'PUT' : 'DELETE', `${path}/archive`);
  }

  async #readMembers(): Promise<void> {
    this.reading = true;
    const answer = await call<{ members: Candidate[]; next?: string | null }>('GET', `/api/rooms/${this.#room.room}/members?limit=${perPage}`);
    this.reading = false;
    this.members = answer.ok ? answer.value.members : null;
    this.isCut = answer.ok && typeof answer.value.next === 'string';
  }
}
