import type { KeyPress } from './sendsOn';

export type Marking = '**' | '_' | '`' | '~~';

/** What is put in the place of a part of the text, and what is selected after that. */
export interface Change {
  from: number;
  to: number;
  insert: string;
  start: number;
  end: number;
}

const keys: Record<string, Marking> = { b: '**', i: '_', e: '`' };

/** What a key formats, as in most editors; null: nothing. On a Mac Ctrl+B and Ctrl+E move the caret, and ⌘ is the key. */
export function markingOf(press: KeyPress, mac: boolean): Marking | null {
  const held = mac ? press.metaKey && !press.ctrlKey : press.ctrlKey && !press.metaKey;
  if (!held || press.altKey || press.isComposing) return null;
  const key = press.key.toLowerCase();
  if (press.shiftKey) return key === 'x' ? '~~' : null;
  return keys[key] ?? null;
}

/** Puts the marks around what is selected, or takes away those that are there. Code of several lines becomes a block. */
export function marked(text: string, selectedFrom: number, selectedTo: number, marking: Marking): Change {
  // Marks beside a space format nothing.
  let [from, to] = [selectedFrom, selectedTo];
  while (from < to && /\s/.test(text[from]!)) from++;
  while (to > from && /\s/.test(text[to - 1]!)) to--;
  const selected = text.slice(from, to);
  if (marking === '`' && selected.includes('\n')) return fenced(text, from, to);
  const length = marking.length;
  const isOutside = text.slice(Math.max(0, from - length), from) === marking && text.slice(to, to + length) === marking;
  if (isOutside) return { from: from - length, to: to + length, insert: selected, start: from - length, end: to - length };
  const isInside = selected.length >= 2 * length && selected.startsWith(marking) && selected.endsWith(marking);
  if (isInside) return { from, to, insert: selected.slice(length, -length), start: from, end: to - 2 * length };
  return { from, to, insert: marking + selected + marking, start: from + length, end: to + length };
}

function fenced(text: string, from: number, to: number): Change {
  const before = from > 0 && text[from - 1] !== '\n' ? '\n```\n' : '```\n';
  const after = to < text.length && text[to] !== '\n' ? '\n```\n' : '\n```';
  return { from, to, insert: before + text.slice(from, to) + after, start: from + before.length, end: to + before.length };
}

/** As if it were typed, so that it can be undone as what is typed can. `write`: hears of it where the browser does not tell the field itself. */
export function putInto(area: HTMLTextAreaElement, { from, to, insert, start, end }: Change, write: (text: string) => void): void {
  area.focus({ preventScroll: true });
  area.setSelectionRange(from, to);
  if (!document.execCommand(insert === '' ? 'delete' : 'insertText', false, insert)) {
    area.setRangeText(insert, from, to, 'end');
    write(area.value);
  }
  area.setSelectionRange(start, end);
}
