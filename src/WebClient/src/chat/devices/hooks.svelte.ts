import { Fetched } from '../../lib/fetched.svelte';
import { FormState } from '../../lib/form.svelte';
import { call, type Answer } from '../../lib/http';

/** What a hook, rule or webhook did; `times`: how often, one after the other. */
export interface Run {
  at: string;
  outcome: string;
  /** A code of the server's; empty: as it should be. */
  why: string;
  times: number;
}

export interface Hook {
  id: string;
  name: string;
  /** User name of who made it: it speaks for as long as that is a moderator. */
  by: string;
  at: string;
  template: string | null;
  works: boolean;
  runs: Run[];
}

/** What a body would say; null: nothing, and `why`. */
export interface Preview {
  text: string | null;
  via: string | null;
  why: string;
}

interface Made {
  id: string;
  path: string;
}

/** The hooks of one room, by which programs elsewhere speak in it. */
export class RoomHooks {
  readonly list: Fetched<{ most: number; hooks: Hook[] }>;
  /** Of the dialog that is open. */
  readonly form = new FormState();
  /** Of the buttons in the list. */
  readonly act = new FormState();
  /** Its address, secret and all, which the server says this once. */
  address = $state<string | null>(null);
  preview = $state.raw<Preview | null>(null);
  readonly #path: string;

  constructor(room: string) {
    this.#path = `/api/rooms/${room}/hooks`;
    this.list = new Fetched(() => call('GET', this.#path));
  }

  async make(name: string, template: string, element?: HTMLFormElement): Promise<void> {
    this.#take(await this.form.send(() => call<Made>('POST', this.#path, { name: name.trim(), template: template.trim() }), element));
    if (this.address !== null) await this.list.read();
  }

  /** Answers whether it is done. */
  async change(hook: Hook, name: string, template: string, element?: HTMLFormElement): Promise<boolean> {
    const answer = await this.form.send(() => call('PATCH', this.#of(hook), { name: name.trim(), template: template.trim() }), element);
    if (answer?.ok) await this.list.read();
    return answer?.ok ?? false;
  }

  async renew(hook: Hook): Promise<void> {
    this.#take(await this.form.send(() => call<Made>('POST', `${this.#of(hook)}/secret`)));
    if (this.address !== null) await this.list.read();
  }

  /** Answers whether it is gone, by whomever. */
  async remove(hook: Hook): Promise<boolean> {
    const answer = await this.form.send(() => call('DELETE', this.#of(hook)));
    const isGone = answer?.ok === true || answer?.problem.status === 404;
    if (isGone) await this.list.read();
    return isGone;
  }

  /** Says something in the room. */
  async test(hook: Hook): Promise<void> {
    await this.act.send(() => call('POST', `${this.#of(hook)}/test`));
    await this.list.read();
  }

  /** What `body` would say by the template; nothing is said. */
  async try(template: string, body: string, element?: HTMLFormElement): Promise<void> {
    this.preview = null;
    const answer = await this.form.send(() => call<Preview>('POST', `${this.#path}/preview`, { template: template.trim(), body }), element);
    if (answer?.ok) this.preview = answer.value;
  }

  /** Another dialog is opened, or none. */
  begin(): void {
    [this.address, this.preview, this.form.problem, this.act.problem] = [null, null, null, null];
  }

  #of(hook: Hook): string {
    return `${this.#path}/${encodeURIComponent(hook.id)}`;
  }

  #take(answer: Answer<Made> | null): void {
    // The server knows its folder, and not by which name people reach it.
    if (answer?.ok) this.address = location.origin + answer.value.path;
  }
}
