import { call } from '../../lib/http';
import { RoomBots, type Bot } from './bots.svelte';

export interface Hook extends Bot {
  name: string;
  template: string | null;
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
export class RoomHooks extends RoomBots<Hook> {
  /** Its address, secret and all, which the server says this once. */
  address = $state<string | null>(null);
  preview = $state.raw<Preview | null>(null);

  constructor(room: string) {
    super(room, 'hooks');
  }

  async make(name: string, template: string, element?: HTMLFormElement): Promise<void> {
    await this.sent(() => call<Made>('POST', this.path, { name: name.trim(), template: template.trim() }), element, this.#take);
  }

  /** Answers whether it is done. */
  change(hook: Hook, name: string, template: string, element?: HTMLFormElement): Promise<boolean> {
    return this.sent(() => call('PATCH', this.of(hook), { name: name.trim(), template: template.trim() }), element);
  }

  async renew(hook: Hook): Promise<void> {
    await this.sent(() => call<Made>('POST', `${this.of(hook)}/secret`), undefined, this.#take);
  }

  /** Says something in the room. */
  async test(hook: Hook): Promise<void> {
    await this.act.send(() => call('POST', `${this.of(hook)}/test`));
    await this.list.read();
  }

  /** What `body` would say by the template; nothing is said. */
  async try(template: string, body: string, element?: HTMLFormElement): Promise<void> {
    this.preview = null;
    const answer = await this.form.send(() => call<Preview>('POST', `${this.path}/preview`, { template: template.trim(), body }), element);
    if (answer?.ok) this.preview = answer.value;
  }

  override begin(): void {
    super.begin();
    this.address = this.preview = null;
  }

  /** The server knows its folder, and not by which name people reach it. */
  readonly #take = ({ path }: Made) => void (this.address = location.origin + path);
}
