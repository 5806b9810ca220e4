import { describe, expect, it } from 'vitest';
import { marked, markingOf, type Marking } from '../../../src/chat/compose/marking';

/** A text with its selection between bars, before and after. */
function after(text: string, marking: Marking): string {
  const [before, selected, rest] = text.split('|') as [string, string, string];
  const whole = before + selected + rest;
  const { from, to, insert, start, end } = marked(whole, before.length, before.length + selected.length, marking);
  const made = whole.slice(0, from) + insert + whole.slice(to);
  return `${made.slice(0, start)}|${made.slice(start, end)}|${made.slice(end)}`;
}

describe('marked', () => {
  it.each([
    ['a |b| c', '**', 'a **|b|** c'],
    ['a **|b|** c', '**', 'a |b| c'],
    ['a |**b**| c', '**', 'a |b| c'],
    ['a ||', '_', 'a _||_'],
    ['a _||_', '_', 'a ||'],
    ['a| b |c', '~~', 'a ~~|b|~~ c'],
    ['|a|', '`', '`|a|`'],
    ['see |a\nb| there', '`', 'see \n```\n|a\nb|\n```\n there'],
    ['|a\nb|', '`', '```\n|a\nb|\n```'],
  ] as const)('makes of %j with %s %j', (text, marking, expected) => expect(after(text, marking)).toBe(expected));
});

describe('markingOf', () => {
  const press = (key: string, more = {}) => ({ key, keyCode: 0, isComposing: false, shiftKey: false, altKey: false, ctrlKey: true, metaKey: false, repeat: false, ...more });

  it('knows the keys of most editors', () => {
    expect(['b', 'i', 'e', 'B'].map((key) => markingOf(press(key), false))).toEqual(['**', '_', '`', '**']);
    expect(markingOf(press('X', { shiftKey: true }), false)).toBe('~~');
    expect(markingOf(press('x'), false)).toBeNull();
    expect(markingOf(press('b', { ctrlKey: false }), false)).toBeNull();
    expect(markingOf(press('b', { altKey: true }), false)).toBeNull();
  });

  it('leaves Ctrl+B and Ctrl+E to the caret on a Mac', () => {
    expect(markingOf(press('b'), true)).toBeNull();
    expect(markingOf(press('b', { ctrlKey: false, metaKey: true }), true)).toBe('**');
  });
});
