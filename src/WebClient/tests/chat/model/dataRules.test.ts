import { expect, it } from 'vitest';
import { mayReadData } from '../../../src/chat/model/dataRules';
import { readRoom } from '../../../src/chat/model/protocol';

const room = (more: object) => readRoom({ id: 'garden', title: 'Garden', member: true, role: 'member', ...more })!;
const reads = (read: string, more: object = {}) => room({ policy: { guests: 'write', data: { read, write: 'moderators' }, ...more } });

it('Data is read by those whom the rules of the room let', () => {
  expect(mayReadData(room({}), 'person')).toBe(true);
  expect(mayReadData(reads('members'), 'person')).toBe(true);
  expect(mayReadData(reads('moderators'), 'person')).toBe(false);
  expect(mayReadData({ ...reads('moderators'), role: 'moderator' }, 'person')).toBe(true);
  expect(mayReadData({ ...reads('tokens'), role: 'owner' }, 'person')).toBe(false);
  expect(mayReadData(reads('members'), 'guest')).toBe(true);
  expect(mayReadData(reads('members', { guests: 'read' }), 'guest')).toBe(false);
});
