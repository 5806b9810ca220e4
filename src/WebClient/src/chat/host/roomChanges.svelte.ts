import { FormState } from '../../lib/form.svelte';
import { call } from '../../lib/http';
import type { Room } from '../model/protocol';
import type { PeopledRoom } from '../people/people.svelte';
import { changeOf, isRule, valueOf, type Field } from './roomFields';

/** A room that is looked after on the page. */
export interface KeptRoom extends PeopledRoom {
  /** Asks the server how it is now. */
  readRoom(): Promise<void>;
  /** What the reader wants of its quiet, until that is done. */
  quietAsked: 'keep' | 'end' | null;
}

/** What one changes of a room: one thing at a time, each saved by itself, and the last one may be undone. */
export class RoomChanges {
  readonly form = new FormState();
  /** What is being changed; null: nothing. */
  open = $state<Field | null>(null);
  /** What is chosen, or typed, and not saved. */
  draft = $state('');
  /** What was saved last, and how it was before. */
  saved = $state.raw<{ field: Field; before: string; after: string; isUndone: boolean } | null>(null);
  /** Which field the server's problem is about. */
  #about = $state<Field | null>(null);
  readonly #room: KeptRoom;

  constructor(room: KeptRoom) {
    this.#room = room;
  }

  begin(field: Field): void {
    if (this.form.sending || !this.#room.room) return;
    this.form.problem = null;
    this.saved = null;
    this.open = field;
    this.draft = valueOf(this.#room.room, field);
  }

  cancel(): void {
    if (this.form.sending) return;
    this.form.problem = null;
    this.open = null;
  }

  problemOf(field: Field): FormState['problem'] {
    return this.#about === field ? this.form.problem : null;
  }

  /** Whether this can be taken back: nobody has changed it since. */
  mayUndo(field: Field): boolean {
    const { saved } = this;
    return saved?.field === field && !saved.isUndone && this.#now(field) === saved.after;
  }

  /** Saves what was chosen. Answers whether the room is so now. */
  async save(element?: HTMLFormElement): Promise<boolean> {
    const field = this.open;
    const { room } = this.#room;
    if (field === null || room === null) return false;
    const after = !isRule(field) ? this.draft.trim() : this.draft;
    const before = valueOf(room, field);
    if (after === before) {
      this.open = null;
      return true;
    }
    if (!(await this.#send(field, after, element))) return false;
    this.saved = { field, before, after: this.#now(field) ?? after, isUndone: false };
    this.open = null;
    return true;
  }

  async undo(): Promise<boolean> {
    const { saved } = this;
    if (saved === null || !(await this.#send(saved.field, saved.before))) return false;
    this.saved = { ...saved, isUndone: true };
    return true;
  }

  async #send(field: Field, value: string, element?: HTMLFormElement): Promise<boolean> {
    this.#about = field;
    const answer = await this.form.send(async () => {
      const answer = await call('POST', `/api/rooms/${this.#room.id}/events`, { type: 'policy', ...changeOf(field, value) });
      // By its event the room knows it, too: asked for here, it knows it before the form closes.
      if (answer.ok) await this.#room.readRoom();
      return answer;
    }, element);
    return answer?.ok === true;
  }

  #now(field: Field): string | null {
    const room: Room | null = this.#room.room;
    return room && valueOf(room, field);
  }
}
