import { onHost } from '../../lib/base';
import { FormState } from '../../lib/form.svelte';
import { call } from '../../lib/http';
import { readRoom } from '../model/protocol';

/**
 * Has the browser fetch all of a room in a file. What a browser is refused it shows as a download that failed, without a reason: so the server is
 * asked before.
 */
export class TakingAway {
  readonly form = new FormState();
  /** The browser fetches it, or has fetched it: that it does not tell. */
  begun = $state(false);
  readonly #room: string;
  readonly #download: (address: string) => void;

  constructor(room: string, download: (address: string) => void = downloadFrom) {
    [this.#room, this.#download] = [room, download];
  }

  async take(): Promise<void> {
    const answer = await this.form.send(async () => {
      const answer = await call<unknown>('GET', `/api/rooms/${this.#room}`);
      // Somebody else has the room by now.
      if (answer.ok && readRoom(answer.value)?.role !== 'owner') return { ok: false, problem: { status: 403, code: 'not_allowed', message: '', fields: {}, retryAfter: null } };
      return answer;
    });
    if (answer !== null) this.begun = answer.ok;
    if (answer?.ok) this.#download(onHost(`/api/rooms/${this.#room}/export`));
  }
}

function downloadFrom(address: string): void {
  const link = document.createElement('a');
  link.href = address;
  link.download = '';
  link.click();
}
