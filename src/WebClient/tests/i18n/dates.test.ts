import { afterEach, describe, expect, it, vi } from 'vitest';

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** The page asks for the browser's languages as soon as it is loaded. */
async function inBrowserOf(...languages: string[]) {
  vi.resetModules();
  vi.stubGlobal('navigator', { languages });
  const [dates, { language }, { today }] = await Promise.all([
    import('../../src/i18n/dates'),
    import('../../src/i18n/i18n.svelte'),
    import('../../src/lib/today.svelte'),
  ]);
  await language.load();
  await language.enter('inside');
  return { ...dates, language, today };
}

describe('dates', () => {
  const evening = new Date(2026, 10, 22, 19, 5).toISOString();

  it('P24: British English has the day first and no "pm"', async () => {
    const british = await inBrowserOf('en-GB', 'en');
    expect(british.timeOf(evening)).toBe('19:05');
    expect(british.fullDate(evening)).toContain('22 Nov 2026');
    const american = await inBrowserOf('en-US');
    expect(american.timeOf(evening)).toMatch(/^7:05\sPM$/);
    expect(american.fullDate(evening)).toContain('Nov 22, 2026');
  });

  it('P24: a page in English keeps English dates in a Portuguese browser', async () => {
    const { fullDate, language } = await inBrowserOf('pt-BR', 'fr');
    language.current = 'en';
    expect(fullDate(evening)).toContain('Nov');
    language.current = 'pt-BR';
    expect(fullDate(evening)).toContain('nov');
  });

  it('P23: what was said today is of yesterday after midnight', async () => {
    const { dayOf, today } = await inBrowserOf('en-GB');
    vi.useFakeTimers({ now: new Date(2026, 10, 22, 23, 59) });
    today.look();
    expect(dayOf(evening)).toBe('Today');
    vi.setSystemTime(new Date(2026, 10, 23, 0, 1));
    today.look();
    expect(dayOf(evening)).toBe('Yesterday');
  });

  it('says of what comes how long it is, and not one less a moment later', async () => {
    const { relative } = await inBrowserOf('en-GB');
    const now = Date.UTC(2026, 10, 22, 19, 5);
    const said = (seconds: number) => relative(new Date(now + seconds * 1_000).toISOString(), now);
    const [minute, hour, day] = [60, 3_600, 86_400];
    expect([7 * day - 2, day - 2, hour - 2, 2 * hour - 2, 10 * minute - 2].map(said)).toEqual(['in 7 days', 'tomorrow', 'in 1 hour', 'in 2 hours', 'in 10 minutes']);
    expect([6 * day, 5 * hour, 61, 5].map(said)).toEqual(['in 6 days', 'in 5 hours', 'in 1 minute', 'now']);
    // What has passed is not made older than it is.
    expect([-7 * day + 2, -hour + 2, -2].map(said)).toEqual(['6 days ago', '59 minutes ago', 'just now']);
  });

  it('P3: makes each formatter once, however often it is used', async () => {
    const { timeOf } = await inBrowserOf('en-GB');
    timeOf(evening);
    const made = vi.spyOn(Intl, 'DateTimeFormat');
    for (let minute = 0; minute < 500; minute++) timeOf(new Date(2026, 10, 22, 8, minute).toISOString());
    expect(made).not.toHaveBeenCalled();
    made.mockRestore();
  });
});
