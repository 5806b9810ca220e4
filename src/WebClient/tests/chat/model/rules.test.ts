import { expect, it } from 'vitest';
import { readRoom } from '../../../src/chat/model/protocol';
import { nextAt } from '../../../src/chat/model/rules';

const room = (more: object, slowMode?: unknown) => readRoom({ id: 'garden', title: 'Garden', member: true, role: 'member', policy: { slowMode }, ...more })!;

it('Slow mode makes members wait after what they said, and nobody else', () => {
  expect(nextAt(room({}, 30), 1_000)).toBe(31_000);
  expect(nextAt(room({}, 0), 1_000)).toBe(0);
  expect(nextAt(room({}, 'slow'), 1_000)).toBe(0);
  expect(nextAt(room({}), 1_000)).toBe(0);
  for (const role of ['moderator', 'owner']) expect(nextAt(room({ role }, 30), 1_000)).toBe(0);
  expect(nextAt(room({ role: null, mine: true }, 30), 1_000)).toBe(0);
  expect(nextAt(room({ role: null }, 30), 1_000)).toBe(31_000);
});
