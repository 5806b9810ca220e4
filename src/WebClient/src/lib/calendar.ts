/** Days as `2026-11-29`, wherever on earth that is: reckoned in UTC, so that no clock is put back within. */
export type Day = string;

/** Monday is 1, Sunday 7. Browsers that do not know it for a language are told of those that begin on Sundays. */
export function firstDayIn(locale: string): number {
  const known = new Intl.Locale(locale) as Intl.Locale & { getWeekInfo?(): { firstDay: number }; weekInfo?: { firstDay: number } };
  return (known.getWeekInfo?.() ?? known.weekInfo)?.firstDay ?? (/^(en(-US|-CA|-AU)?|pt(-BR)?)$/.test(locale) ? 7 : 1);
}

/** Where the reader is: elsewhere it may be another day already. */
export function dayNow(now = new Date()): Day {
  return dayAt(now.getFullYear(), now.getMonth(), now.getDate());
}

/** The weeks of the month that this day is in, of seven days each; null: of another month. */
export function weeksOf(day: Day, firstDay: number): (Day | null)[][] {
  const [year, month] = partsOf(day);
  const length = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
  const before = (new Date(Date.UTC(year, month, 1)).getUTCDay() - firstDay + 7) % 7;
  const cells = Array.from({ length: Math.ceil((before + length) / 7) * 7 }, (_, index) => {
    const date = index - before + 1;
    return date < 1 || date > length ? null : dayAt(year, month, date);
  });
  return Array.from({ length: cells.length / 7 }, (_, week) => cells.slice(week * 7, week * 7 + 7));
}

/** The day that a key leads to; null: it leads nowhere. */
export function moved(day: Day, key: string, firstDay: number): Day | null {
  const [year, month, date] = partsOf(day);
  const inWeek = (new Date(Date.UTC(year, month, date)).getUTCDay() - firstDay + 7) % 7;
  const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -7, ArrowDown: 7, Home: -inWeek, End: 6 - inWeek }[key];
  if (by !== undefined) return dayAt(year, month, date + by);
  const months = { PageUp: -1, PageDown: 1 }[key];
  return months === undefined ? null : inMonth(day, months);
}

/** The same date of another month, or its last. */
export function inMonth(day: Day, by: number): Day {
  const [year, month, date] = partsOf(day);
  return dayAt(year, month + by, Math.min(date, new Date(Date.UTC(year, month + by + 1, 0)).getUTCDate()));
}

/** In UTC. */
export function timeOfDay(day: Day): Date {
  return new Date(`${day}T00:00:00Z`);
}

function dayAt(year: number, month: number, date: number): Day {
  return new Date(Date.UTC(year, month, date)).toISOString().slice(0, 10);
}

function partsOf(day: Day): [number, number, number] {
  const [year, month, date] = day.split('-').map(Number);
  return [year!, month! - 1, date!];
}
