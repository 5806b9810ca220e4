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

/** What works in a room by the right of who made it: a hook, a rule or a webhook. */
export interface Bot {
  id: string;
  /** User name of who made it: it works for as long as that is a moderator. */
  by: string;
  at: string;
  works: boolean;
  /** The newest first. */
  runs: Run[];
}

/** The name of a list in the server's paths and answers (docs/protocol.md). */
export type BotKind = 'hooks' | 'rules' | 'webhooks';

/** Those of one kind in one room, for its moderators. */
export class RoomBots<T extends Bot> {
  readonly list: Fetched<{ most: number; all: T[] }>;
  /** Of the dialog that is open. */
  readonly form = new FormState();
  /** Of the buttons in the list. */
  readonly act = new FormState();
  protected readonly path: string;

  constructor(room: string, kind: BotKind) {
    this.path = `/api/rooms/${room}/${kind}`;
    this.list = new Fetched(async () => {
      const answer = await call<{ most: number } & Record<BotKind, T[]>>('GET', this.path);
      return answer.ok ? { ok: true, value: { most: answer.value.most, all: answer.value[kind] } } : answer;
    });
  }

  /** Answers whether it is gone, by whomever. */
  async remove(bot: T): Promise<boolean> {
    const answer = await this.form.send(() => call('DELETE', this.of(bot)));
    const isGone = answer?.ok === true || answer?.problem.status === 404;
    if (isGone) await this.list.read();
    return isGone;
  }

  /** Another dialog is opened, or none. */
  begin(): void {
    this.form.problem = this.act.problem = null;
  }

  protected of(bot: T): string {
    return `${this.path}/${encodeURIComponent(bot.id)}`;
  }

  /** Answers whether it is done: it is taken at once, and then the list has it, too. */
  protected async sent<A>(action: () => Promise<Answer<A>>, element?: HTMLFormElement, take?: (value: A) => void): Promise<boolean> {
    const answer = await this.form.send(action, element);
    if (!answer?.ok) return false;
    take?.(answer.value);
    await this.list.read();
    return true;
  }
}
