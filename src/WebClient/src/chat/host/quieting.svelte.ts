import { FormState } from '../../lib/form.svelte';
import { call } from '../../lib/http';
import type { KeptRoom } from './roomChanges.svelte';

/** For so long who looks after a room keeps it quiet by one press. */
export const quietMinutes = 15;

/** Keeps a room quiet for a while, and ends it. */
export class Quieting {
  readonly form = new FormState();
  readonly #room: KeptRoom;

  constructor(room: KeptRoom) {
    this.#room = room;
  }

  /** Answers whether it is so now. */
  async do(what: 'keep' | 'end'): Promise<boolean> {
    const change = what === 'keep' ? { quietMinutes } : { quietUntil: null };
    const answer = await this.form.send(async () => {
      const answer = await call('POST', `/api/rooms/${this.#room.id}/events`, { type: 'policy', ...change });
      // By its event the room knows it, too: asked for here, it knows it before anything is drawn.
      if (answer.ok) await this.#room.readRoom();
      return answer;
    });
    return answer?.ok === true;
  }
}
