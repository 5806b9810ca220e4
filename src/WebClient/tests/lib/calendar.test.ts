import { expect, it } from 'vitest';
import { dayNow, firstDayIn, inMonth, moved, weeksOf } from '../../src/lib/calendar';

it('lays out a month by the first day of the week', () => {
  const monday = weeksOf('2026-11-29', 1);
  expect(monday[0]).toEqual([null, null, null, null, null, null, '2026-11-01']);
  expect(monday.at(-1)).toEqual(['2026-11-30', null, null, null, null, null, null]);
  expect(weeksOf('2026-11-29', 7)[0]![0]).toBe('2026-11-01');
  expect(weeksOf('2026-11-29', 6)[0]!.slice(0, 2)).toEqual([null, '2026-11-01']);
  expect(weeksOf('2024-02-10', 1).flat().filter(Boolean)).toHaveLength(29);
});

it('goes by keys from day to day, week to week and month to month', () => {
  expect(['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown'].map((key) => moved('2026-11-30', key, 1))).toEqual(['2026-11-29', '2026-12-01', '2026-11-23', '2026-12-07']);
  expect([moved('2026-11-25', 'Home', 1), moved('2026-11-25', 'End', 1), moved('2026-11-25', 'Home', 7)]).toEqual(['2026-11-23', '2026-11-29', '2026-11-22']);
  expect([moved('2026-03-31', 'PageUp', 1), moved('2026-12-31', 'PageDown', 1), inMonth('2024-01-31', 1)]).toEqual(['2026-02-28', '2027-01-31', '2024-02-29']);
  expect(moved('2026-11-30', 'a', 1)).toBeNull();
});

it('knows where weeks begin, and which day it is here', () => {
  expect([firstDayIn('en-US'), firstDayIn('en-GB'), firstDayIn('pt-BR'), firstDayIn('de')]).toEqual([7, 1, 7, 1]);
  expect(dayNow(new Date(2026, 10, 5, 23, 59))).toBe('2026-11-05');
});
