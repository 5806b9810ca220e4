import { render } from 'svelte/server';
import { expect, it, vi } from 'vitest';

vi.hoisted(() => Object.defineProperty(globalThis, 'location', { value: new URL('https://chat.example.org/rooms/garden'), configurable: true }));
vi.hoisted(() => Object.defineProperty(globalThis, 'document', { value: { baseURI: 'https://chat.example.org/', documentElement: {}, addEventListener: () => undefined }, configurable: true }));

import { announcementOf } from '../../../src/chat/room/announced';
import { toMessage } from '../../../src/chat/model/merge';
import { readEvent, type RoomEvent } from '../../../src/chat/model/protocol';
import { Fold, type MessageRow } from '../../../src/chat/room/fold';
import QuoteLine from '../../../src/chat/room/QuoteLine.svelte';
import WhoLine from '../../../src/chat/room/WhoLine.svelte';

const hook = { user: 'hook-1', name: 'Garden hook', kind: 'bot' };
const said = (seq: number, more: object = {}) =>
  readEvent({ v: 1, type: 'message', room: 'garden', seq, epoch: 'e', id: `${seq}`, at: '2026-11-22T23:00:00Z', from: hook, text: 'ripe', ...more })!;
const who = (event: RoomEvent, compact: boolean) =>
  render(WhoLine, { props: { message: toMessage(event), names: true, ambiguous: false, pinned: false, compact, onauthor: () => undefined } })
    .body.replace(/<!--.*?-->/g, '');

it('shows by whom a hook says it, behind its name, as text with a direction of its own', () => {
  for (const compact of [false, true]) {
    expect(who(said(1, { via: 'Ana' }), compact)).toMatch(/Garden hook<\/bdi><\/span><\/button>\s*<span class="via[^>]*>· via <bdi>Ana<\/bdi>/);
    expect(who(said(1, { via: '<b>\u202eevil</b>' }), compact)).toContain('<bdi>&lt;b>\u202eevil&lt;/b></bdi>');
    for (const none of [{}, { via: '' }, { via: null }, { via: 7 }]) expect(who(said(1, none), compact)).not.toContain('via');
  }
});

it('begins anew where another speaks by the same hook, quotes both names, and forgets them with the words', () => {
  const fold = new Fold(() => ({ user: 'me', name: 'Me', kind: 'person' }));
  fold.append([said(1, { via: 'Ana' }), said(2, { via: 'Ana' }), said(3, { via: 'Bea' }), said(4), said(5, { replyTo: 1 })]);
  const rows = [1, 2, 3, 4].map((seq) => fold.find(seq) as MessageRow);
  expect(rows.map(({ first }) => first)).toEqual([true, false, true, true]);
  const quote = fold.quoteOf(fold.find(5)!.message)!;
  const line = () => render(QuoteLine, { props: { quote: fold.quoteOf(fold.find(5)!.message)!, nameOf: () => null, folded: false, onunfold: () => undefined, ongo: () => undefined } }).body;
  expect(quote.via).toBe('Ana');
  expect(line().replace(/<!--.*?-->/g, '')).toMatch(/via <bdi[^>]*>Ana<\/bdi>/);
  fold.append([{ ...said(6), type: 'delete', of: 1 }]);
  expect(fold.find(1)!.message).not.toHaveProperty('via');
  expect(line()).not.toContain('Ana');
});

it('is told to a screen reader', () => {
  expect(announcementOf(said(1, { via: 'Ana' }))).toBe('Garden hook via Ana: ripe');
  expect(announcementOf(said(2))).toBe('Garden hook: ripe');
});
