import { expect, it } from 'vitest';
import { settled, toMessage, changed } from '../../../src/chat/model/merge';
import { isCalled, namesOf } from '../../../src/chat/model/naming';
import { readEvent } from '../../../src/chat/model/protocol';

const from = { user: 'bea', name: 'Béa', kind: 'person' };
const event = (fields: object) => readEvent({ type: 'message', room: 'lobby', seq: 1, epoch: 'e', id: 'i', at: '2026-11-23T07:00:00.000Z', from, ...fields })!;

it('reads whom a message names, and what was thrown', () => {
  const roll = { dice: '2d6', rolls: [3, 4], total: 7 };
  expect(event({ text: 'hi @ana', mentions: ['ana'], everyone: true, roll })).toMatchObject({ mentions: ['ana'], everyone: true, roll });
  expect(event({ text: 'hi', mentions: 'ana', everyone: 1, roll: { dice: '2d6' } })).not.toHaveProperty('roll');
});

it('calls whom it names, answers or means with all others', () => {
  expect(isCalled(event({ text: 'hi @ana', mentions: ['ana'] }), 'ana')).toBe(true);
  expect(isCalled(event({ text: 'hi @room', everyone: true }), 'ana')).toBe(true);
  expect(isCalled(event({ text: 'yes', replyTo: 1, quote: { user: 'ana', text: 'well?' } }), 'ana')).toBe(true);
  expect(isCalled(event({ text: 'hi @ana', mentions: ['ana'] }), 'caio')).toBe(false);
  expect(namesOf(event({ text: '@ana @room', mentions: ['ana', 'bea'], everyone: true }), 'ana')).toEqual(['ana', 'room']);
});

it('names after an edit whom the new text names, and nobody once it is deleted', () => {
  const said = event({ text: 'hi @ana', mentions: ['ana'] });
  const edit = event({ type: 'edit', seq: 2, of: 1, text: 'hi @caio', mentions: ['caio'] });
  expect(changed(toMessage(said), edit, 'ana').mentions).toEqual(['caio']);
  expect(settled(said, event({ type: 'edit', seq: 2, of: 1, text: 'hi' }))).not.toHaveProperty('mentions');
  expect(settled(said, event({ type: 'delete', seq: 2, of: 1 }))).not.toHaveProperty('mentions');
});
