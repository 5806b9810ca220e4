import { call, type Answer } from '../../lib/http';

/** What the server says when an act takes the administrator's own password. */
const asksFor: ReadonlySet<string | null> = new Set(['proof_needed']);

/**
 * The administrator's own password, asked for again before what cannot be undone. The server remembers for some minutes, for this login
 * session, that it was given; so it is asked for only when the server wants it.
 */
export class Proof {
  /** The form has a field for it. */
  isAsked = $state(false);
  password = $state('');

  /** Does the act; with the password first, if that was asked for. A refusal for want of it asks. */
  async send<T>(act: () => Promise<Answer<T>>): Promise<Answer<T>> {
    if (this.isAsked) {
      const proven = await call<void>('POST', '/api/admin/proof', { password: this.password });
      if (!proven.ok) return proven;
      this.forget();
    }
    const answer = await act();
    if (!answer.ok && asksFor.has(answer.problem.code)) this.isAsked = true;
    return answer;
  }

  forget(): void {
    this.isAsked = false;
    this.password = '';
  }

  /** The server's refusal is no more than its question. */
  isQuestion(code: string | null | undefined): boolean {
    return code !== undefined && asksFor.has(code);
  }
}
