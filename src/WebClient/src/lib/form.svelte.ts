import { tick } from 'svelte';
import type { Answer, FieldError, Problem } from './http';

/** However long the server says to wait, after this the person may try again: on another network, say. */
const longestLock = 60;

/**
 * What every form has: it is being sent or not, and the last answer was a problem or not. Its button is never `disabled`, which would drop the
 * focus to the page: it is `aria-disabled` while the form is {@link busy}, and a form that is busy sends nothing.
 */
export class FormState {
  sending = $state(false);
  problem = $state.raw<Problem | null>(null);
  done = $state(false);
  #locked = $state(false);
  #unlock: ReturnType<typeof setTimeout> | undefined;

  get fields(): Record<string, FieldError[]> {
    return this.problem?.fields ?? {};
  }

  /** The problem, when it is not about any one field. */
  get general(): Problem | null {
    return this.problem !== null && Object.keys(this.problem.fields).length === 0 ? this.problem : null;
  }

  get busy(): boolean {
    return this.sending || this.#locked;
  }

  /** Sends once at a time. After a refusal the focus is on the first wrong field of `form`, else where it was. */
  async send<T>(action: () => Promise<Answer<T>>, form?: HTMLFormElement | null): Promise<Answer<T> | null> {
    if (this.busy) return null;
    const focused = document.activeElement;
    this.sending = true;
    this.done = false;
    this.problem = null;
    const answer = await action();
    this.sending = false;
    this.done = answer.ok;
    if (!answer.ok) {
      this.problem = answer.problem;
      this.#waitFor(answer.problem.retryAfter);
      if (!(await focusWrong(form))) regainFocus(form, focused);
    }
    return answer;
  }

  #waitFor(seconds: number | null): void {
    if (!seconds) return;
    this.#locked = true;
    clearTimeout(this.#unlock);
    this.#unlock = setTimeout(() => (this.#locked = false), Math.min(seconds, longestLock) * 1000);
  }
}

/** Moves the focus to what is marked as wrong, once it is drawn; false: nothing is. */
export async function focusWrong(form: HTMLElement | null | undefined): Promise<boolean> {
  await tick();
  const wrong = form?.querySelector<HTMLElement>('[aria-invalid="true"], [data-wrong]');
  wrong?.focus();
  return wrong != null;
}

/** What had the focus may be gone: then the note about the problem has it. */
function regainFocus(form: HTMLElement | null | undefined, focused: Element | null): void {
  if (document.activeElement !== document.body) return;
  const next = form?.querySelector<HTMLElement>('[role="alert"]') ?? focused;
  if (next instanceof HTMLElement) next.focus();
}
