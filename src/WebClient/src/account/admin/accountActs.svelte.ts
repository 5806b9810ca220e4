import { FormState } from '../../lib/form.svelte';
import { call, type Answer, type Problem } from '../../lib/http';
import { Proof } from './proof.svelte';
import type { AdminAccount, PasswordLinkMade } from './wire';

export type AccountAct = 'ban' | 'unban' | 'sessions' | 'link' | 'make' | 'unmake' | 'erase';

/** Minutes that a ban lasts; 0: until somebody lifts it. */
export const spans = ['60', '1440', '10080', '43200', '0'] as const;
/** Codes that mean something else of a room. */
const inAccounts: Record<string, string> = { is_banned: 'account_is_banned', not_for_guests: 'account_not_for_guests' };
const hard: ReadonlySet<AccountAct> = new Set(['ban', 'sessions', 'unmake', 'erase']);

/** What the server lets an administrator do to an account: to another administrator nothing, and to his own account nothing but to hand his role back. */
export function actsOn(account: AdminAccount, me: string, administrators: number | null): AccountAct[] {
  if (account.isAdmin) return account.user === me && administrators !== null && administrators > 1 ? ['unmake'] : [];
  const ban = account.banned ? 'unban' : 'ban';
  // A guest has no password, and a banned account comes in by no link.
  return account.kind === 'guest' ? [ban, 'sessions', 'erase'] : account.banned ? [ban, 'erase'] : [ban, 'sessions', 'link', 'make', 'erase'];
}

/** It takes something away. */
export function isHard(act: AccountAct): boolean {
  return hard.has(act);
}

/** One act at a time on one account, asked about first, and what the server had against it. */
export class AccountActs {
  readonly form = new FormState();
  readonly proof = new Proof();
  /** What is asked about; null: nothing yet. */
  act = $state<AccountAct | null>(null);
  /** One of `spans`. */
  minutes = $state<string>('1440');
  reason = $state('');
  typed = $state('');
  /** What the server made, shown this once. */
  link = $state.raw<PasswordLinkMade | null>(null);
  readonly #user: string;

  constructor(user: string) {
    this.#user = user;
  }

  ask(act: AccountAct): void {
    this.form.problem = null;
    [this.minutes, this.reason, this.typed] = ['1440', '', ''];
    this.act = act;
  }

  leave(): void {
    this.form.problem = null;
    this.proof.forget();
    this.act = null;
  }

  /** What is to be said of a refusal; null: nothing beside the fields. */
  get problem(): Problem | null {
    const problem = this.form.general;
    if (problem === null || this.proof.isQuestion(problem.code)) return null;
    const code = inAccounts[problem.code ?? ''];
    return code === undefined ? problem : { ...problem, code };
  }

  /** Erasing takes the account's name. */
  get isTyped(): boolean {
    return this.act !== 'erase' || this.typed.trim().toLowerCase() === this.#user;
  }

  /** Does what was asked about. Answers whether it is done. */
  async confirm(element: HTMLFormElement): Promise<boolean> {
    const { act } = this;
    if (act === null || !this.isTyped) return false;
    const answer = await this.form.send(() => this.proof.send(() => this.#send(act)), element);
    if (!answer?.ok) return false;
    if (act === 'link') this.link = answer.value as PasswordLinkMade;
    return true;
  }

  #send(act: AccountAct): Promise<Answer<unknown>> {
    const path = `/api/admin/accounts/${encodeURIComponent(this.#user)}`;
    switch (act) {
      case 'ban': {
        const [minutes, reason] = [Number(this.minutes), this.reason.trim()];
        const until = minutes === 0 ? {} : { until: new Date(Date.now() + minutes * 60_000).toISOString() };
        return call('POST', `${path}/ban`, { ...until, ...(reason === '' ? {} : { reason }) });
      }
      case 'unban':
        return call('DELETE', `${path}/ban`);
      case 'sessions':
        return call('DELETE', `${path}/sessions`);
      case 'link':
        return call<PasswordLinkMade>('POST', `${path}/password-link`, {});
      case 'make':
        return call('PUT', `${path}/admin`, {});
      case 'unmake':
        return call('DELETE', `${path}/admin`, {});
      case 'erase':
        return call('DELETE', path, {});
    }
  }
}
