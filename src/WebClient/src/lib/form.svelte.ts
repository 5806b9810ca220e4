import type { Answer, FieldError, Problem } from './http';

/** What every form has: it is being sent or not, and the last answer was a problem or not. */
export class FormState {
  sending = $state(false);
  problem = $state.raw<Problem | null>(null);
  done = $state(false);

  get fields(): Record<string, FieldError[]> {
    return this.problem?.fields ?? {};
  }

  /** True when the problem is not about any one field. */
  get general(): boolean {
    return this.problem !== null && Object.keys(this.problem.fields).length === 0;
  }

  /** Sends once at a time. After a refusal, `form` gets the focus on its first wrong field. */
  async send<T>(action: () => Promise<Answer<T>>, form?: HTMLFormElement | null): Promise<Answer<T> | null> {
    if (this.sending) return null;
    this.sending = true;
    this.done = false;
    this.problem = null;
    const answer = await action();
    this.sending = false;
    this.done = answer.ok;
    if (!answer.ok) {
      this.problem = answer.problem;
      requestAnimationFrame(() => form?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus());
    }
    return answer;
  }
}
