import { expect, it } from 'vitest';
import { findGoals, type Goal } from '../../../src/chat/palette/palette';

const goal = (group: Goal['group'], name: string, beside = '', calls = false): Goal => ({ key: `${group}-${name}`, group, name, beside, calls, run() {} });
const goals = [
  goal('actions', 'Settings'),
  goal('people', 'Sara', '@sara'),
  goal('rooms', 'Café da manhã', '#cafe'),
  goal('rooms', 'The garden', '#garden', true),
  goal('rooms', 'Large cafe', '#large'),
];
const found = (query: string) => findGoals(query, goals).map(({ name }) => name);

it('offers rooms before people before actions, those first that begin with what was typed, accents aside', () => {
  expect(found('cafe')).toEqual(['Café da manhã', 'Large cafe']);
  expect(found('s')).toEqual(['Sara', 'Settings']);
  expect(found('@sa')).toEqual(['Sara']);
  expect(found('arden')).toEqual(['The garden']);
  expect(found('zzz')).toEqual([]);
});

it('offers where something is new first while nothing is typed, and nobody unasked', () => {
  expect(found(' ')).toEqual(['The garden', 'Café da manhã', 'Large cafe', 'Settings']);
});
