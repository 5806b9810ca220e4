import { expect, it } from 'vitest';
import type { Line } from '../../../src/chat/compose/outbox.svelte';
import { actingIn, actingOn, withMine } from '../../../src/chat/room/acting';
import type { Act } from '../../../src/store/store';

const me = { user: 'me', name: 'Me', kind: 'person' as const };

function line(act: Act, state: Line['state'] = 'waiting'): Line {
  return { account: 'a', topic: 'rooms/lobby', id: `${Math.random()}`, text: '', replyTo: null, at: 0, refusal: null, order: 1, state, logged: null, act };
}

it('finds what is done with each message, and leaves messages alone', () => {
  const { act: _act, ...said } = line({ command: 'delete', of: 1 });
  const found = actingOn([said, line({ command: 'delete', of: 1 }), line({ command: 'edit', of: 2, text: 'a' }), line({ command: 'edit', of: 2, text: 'b' })]);
  expect([...found].map(([of, lines]) => [of, lines.length])).toEqual([[1, 1], [2, 2]]);
  expect(actingIn(found.get(2)!)).toEqual({ text: 'b', deleting: false, failed: null });
  expect(actingIn(found.get(1)!).deleting).toBe(true);
});

it('shows what was refused as it was before, and says so', () => {
  const failed = line({ command: 'edit', of: 1, text: 'b' }, 'failed');
  expect(actingIn([failed])).toEqual({ text: null, deleting: false, failed });
  expect(withMine([], [line({ command: 'reaction', of: 1, emoji: '👍', on: true }, 'failed')], me)).toEqual([]);
});

it('has my reaction there at once, and away at once', () => {
  const on = line({ command: 'reaction', of: 1, emoji: '👍', on: true });
  expect(withMine([], [on], me)).toEqual([{ emoji: '👍', count: 1, users: [me], mine: true }]);
  expect(withMine([], [on, line({ command: 'reaction', of: 1, emoji: '👍', on: false })], me)).toEqual([]);
  // The log has it by now as well.
  expect(withMine([{ emoji: '👍', count: 1, users: [me], mine: true }], [on], me)).toHaveLength(1);
});
