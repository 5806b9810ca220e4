import { afterEach, describe, expect, it, vi } from 'vitest';

// The page asks for the browser's languages as soon as it is loaded.
vi.hoisted(() => Object.defineProperty(globalThis, 'navigator', { value: { languages: ['en'] }, configurable: true, writable: true }));

import { dayOf, fullDate, timeOf } from '../../src/i18n/dates';
import { language } from '../../src/i18n/i18n.svelte';
import { today } from '../../src/lib/today.svelte';

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  today.look();
});

function reads(...languages: string[]) {
  vi.stubGlobal('navigator', { languages });
}

describe('dates', () => {
  const evening = new Date(2026, 10, 22, 19, 5).toISOString();

  it('P24: British English has the day first and no "pm"', () => {
    language.current = 'en';
    reads('en-GB', 'en');
    expect(timeOf(evening)).toBe('19:05');
    expect(fullDate(evening)).toContain('22 Nov 2026');
    reads('en-US');
    expect(timeOf(evening)).toMatch(/^7:05\sPM$/);
    expect(fullDate(evening)).toContain('Nov 22, 2026');
  });

  it('P24: a page in English keeps English dates in a Portuguese browser', () => {
    language.current = 'en';
    reads('pt-BR', 'fr');
    expect(fullDate(evening)).toContain('Nov');
    language.current = 'pt-BR';
    expect(fullDate(evening)).toContain('nov');
    language.current = 'en';
  });

  it('P23: what was said today is of yesterday after midnight', () => {
    reads('en-GB');
    vi.useFakeTimers({ now: new Date(2026, 10, 22, 23, 59) });
    today.look();
    expect(dayOf(evening)).toBe('Today');
    vi.setSystemTime(new Date(2026, 10, 23, 0, 1));
    today.look();
    expect(dayOf(evening)).toBe('Yesterday');
  });

  it('P3: makes each formatter once, however often it is used', () => {
    reads('en-GB');
    const made = vi.spyOn(Intl, 'DateTimeFormat');
    for (let minute = 0; minute < 500; minute++) timeOf(new Date(2026, 10, 22, 8, minute).toISOString());
    expect(made.mock.calls.length).toBeLessThanOrEqual(1);
    made.mockRestore();
  });
});
