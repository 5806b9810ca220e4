import { expect, it } from 'vitest';
import { takesJoinRequests } from '../../../src/chat/model/asking';
import { changedBy, readEvent, readRoom } from '../../../src/chat/model/protocol';
import { nextAt, quietUntil, whyNotWrite } from '../../../src/chat/model/rules';

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

it('People ask to be let into a public room that takes requests, until it is archived', () => {
  const asked = (policy: object, visibility = 'public') => takesJoinRequests(room({ visibility, policy }));
  expect([asked({ entry: 'request' }), asked({ entry: 'request', archived: false })]).toEqual([true, true]);
  expect([asked({ entry: 'request', archived: true }), asked({ entry: 'open' }), asked({ entry: 'request' }, 'private')]).toEqual([false, false, false]);
});

it('A room that is kept quiet is it until then, for all but those who look after it', () => {
  const [soon, past] = [new Date(Date.now() + 60_000).toISOString(), new Date(Date.now() - 1_000).toISOString()];
  const quiet = (until: unknown, more: object = {}) => readRoom({ id: 'garden', title: 'Garden', member: true, role: 'member', policy: { quietUntil: until }, ...more })!;
  expect([whyNotWrite(quiet(soon), 'person'), whyNotWrite(quiet(soon), 'guest')]).toEqual(['quiet', 'quiet']);
  expect([whyNotWrite(quiet(past), 'person'), whyNotWrite(quiet(null), 'person'), whyNotWrite(quiet('soon'), 'person'), whyNotWrite(quiet(undefined), 'person')]).toEqual([null, null, null, null]);
  expect([whyNotWrite(quiet(soon, { role: 'moderator' }), 'person'), whyNotWrite(quiet(soon, { role: null, mine: true }), 'person')]).toEqual([null, null]);
  const told = readEvent({ type: 'policy', seq: 1, epoch: 'e', id: 'i', at: soon, from: { user: 'ana', name: 'Ana', kind: 'person' }, quietUntil: null })!;
  expect([quietUntil(quiet(soon)), quietUntil(changedBy(quiet(soon), told))]).toEqual([soon, null]);
});
