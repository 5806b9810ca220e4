import { SvelteMap } from 'svelte/reactivity';
import { call, isRecord, type Answer } from '../../lib/http';

/** Whom this account does not want to hear, as the server has it. */
export class IgnoredPeople {
  /** By user name: under which name they are known. */
  readonly #names = new SvelteMap<string, string>();
  /** Told when somebody was ignored, or is heard again, from here. */
  readonly #changed: (user: string) => void;
  #changes = 0;
  /** All of them by name, also those with whom nothing was ever said. */
  readonly all = $derived([...this.#names].map(([user, name]) => ({ user, name })).sort((one, other) => one.name.localeCompare(other.name)));

  constructor(changed: (user: string) => void) {
    this.#changed = changed;
  }

  has(user: string): boolean {
    return this.#names.has(user);
  }

  /** What does not come leaves all as it is, and so does what is older than a change made here. */
  async read(): Promise<void> {
    const changes = this.#changes;
    const answer = await call<unknown>('GET', '/api/ignored');
    if (!answer.ok || changes !== this.#changes || !isRecord(answer.value) || !Array.isArray(answer.value['ignored'])) return;
    const names = new Map(answer.value['ignored'].filter(isRecord).map(({ user, name }) => [String(user), String(name ?? user)]));
    for (const user of this.#names.keys()) if (!names.has(user)) this.#names.delete(user);
    for (const [user, name] of names) this.#names.set(user, name);
  }

  async ignore({ user, name }: { user: string; name: string }): Promise<Answer<unknown>> {
    const answer = await call<unknown>('PUT', `/api/ignored/${encodeURIComponent(user)}`);
    if (answer.ok) this.#turned(user, () => this.#names.set(user, name));
    return answer;
  }

  async hearAgain(user: string): Promise<Answer<unknown>> {
    const answer = await call<unknown>('DELETE', `/api/ignored/${encodeURIComponent(user)}`);
    if (answer.ok) this.#turned(user, () => this.#names.delete(user));
    return answer;
  }

  #turned(user: string, turn: () => void): void {
    this.#changes++;
    turn();
    this.#changed(user);
  }
}
