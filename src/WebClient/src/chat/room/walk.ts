import { tick } from 'svelte';
import type { RowList } from '../../lib/rowList';
import type { MessageRow, Row } from './fold';

export interface Walked {
  rows(): RowList<Row>;
  /** The message that the keys are at; null: they have not been here. */
  current(): { key: string; order: number } | null;
  /** The row at the upper edge of the view. */
  top(): Row | null;
  frame(): HTMLElement;
  /** Brings a row that is not drawn into view. */
  bring(key: string, order: number): void;
}

/** The keys in the list of messages: the arrows go from one to the next, Enter to what can be done with it, Escape back to the text. */
export class Walk {
  readonly #walked: Walked;

  constructor(walked: Walked) {
    this.#walked = walked;
  }

  /** What a key leads to: another message, which takes the focus; `leave`: back to the text; null: what it does elsewhere. */
  press(event: KeyboardEvent): MessageRow | 'leave' | null {
    if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || !(event.target instanceof HTMLElement)) return null;
    const article = event.target.closest('article');
    const isOnLog = event.target.getAttribute('role') === 'log';
    if (!isOnLog && !article) return null;
    // What is asked or chosen within a message has the arrows, and Enter, to itself.
    const isWithin = article !== null && event.target !== article;
    if (event.key === 'Escape') return this.#did(event, 'leave');
    if (event.key === 'ArrowUp' || event.key === 'ArrowDown') {
      const next = this.#next(event.key === 'ArrowDown' ? 1 : -1, isOnLog);
      if (next) this.focus(next);
      return next && this.#did(event, next);
    }
    const opens = event.key === 'Enter' || event.key === 'ContextMenu' || (event.key === 'F10' && event.shiftKey);
    if (!opens || isWithin || !article) return null;
    event.preventDefault();
    // The mouse may have the bar still.
    void tick().then(() => article.querySelector<HTMLElement>('[role=toolbar] button[tabindex="0"]')?.focus({ preventScroll: true }));
    return null;
  }

  focus(row: Row): void {
    if (this.#focusNow(row.key)) return;
    this.#walked.bring(row.key, row.order);
    void tick().then(() => this.#focusNow(row.key));
  }

  #did<T>(event: KeyboardEvent, answer: T): T {
    event.preventDefault();
    return answer;
  }

  #focusNow(key: string): boolean {
    const article = this.#walked.frame().querySelector<HTMLElement>(`article[data-key="${CSS.escape(key)}"]`);
    // The browser scrolls no further than it must.
    article?.focus();
    return article !== null;
  }

  /** From the list itself: where the keys were before, or the last message. */
  #next(by: 1 | -1, isOnLog: boolean): MessageRow | null {
    const rows = this.#walked.rows();
    const current = this.#walked.current();
    let index = current ? rows.find(current.key, current.order) : rows.length;
    if (isOnLog) {
      const here = rows.at(index);
      if (here?.kind === 'message' && here.line === null) return here;
      [index, by] = [rows.length, -1];
    }
    for (index += by; index >= 0 && index < rows.length; index += by) {
      const row = rows.at(index)!;
      if (row.kind === 'message' && row.line === null) return row;
    }
    return null;
  }
}
