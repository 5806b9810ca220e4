import { clock } from '../lib/clock.svelte';
import { today } from '../lib/today.svelte';
import { kept, language, t } from './i18n.svelte';

type Shape = 'time' | 'day' | 'dayOfAnotherYear' | 'full';

const shapes: Record<Shape, Intl.DateTimeFormatOptions> = {
  time: { timeStyle: 'short' },
  day: { weekday: 'long', day: 'numeric', month: 'long' },
  dayOfAnotherYear: { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' },
  full: { dateStyle: 'medium', timeStyle: 'short' },
};

/** By another clock than the language's, a language's own style says "09:30 pm". */
const byClock: Partial<Record<Shape, Intl.DateTimeFormatOptions>> = {
  time: { hour: 'numeric', minute: '2-digit' },
  full: { year: 'numeric', month: 'short', day: 'numeric', hour: 'numeric', minute: '2-digit' },
};

const dateFormats = new Map<string, Intl.DateTimeFormat>();
const relativeFormats = new Map<string, Intl.RelativeTimeFormat>();
const listFormats = new Map<string, Intl.ListFormat>();

export function timeOf(at: string | number): string {
  return format(at, 'time');
}

/** "Today", "Yesterday", "Sunday, 22 November". */
export function dayOf(at: string): string {
  const date = new Date(at);
  const start = new Date(today.start);
  const yesterday = new Date(start.getFullYear(), start.getMonth(), start.getDate() - 1);
  if (date.toDateString() === start.toDateString()) return t('chat.today');
  if (date.toDateString() === yesterday.toDateString()) return t('chat.yesterday');
  return format(at, date.getFullYear() === start.getFullYear() ? 'day' : 'dayOfAnotherYear');
}

/** "10:32" for today, else with its date. */
export function momentOf(at: number): string {
  return new Date(at).toDateString() === new Date(today.start).toDateString() ? timeOf(at) : fullDate(at);
}

export function fullDate(at: string | number): string {
  return format(at, 'full');
}

/** "3 minutes ago", "in 30 days", "just now". */
export function relative(at: string, now = Date.now()): string {
  const exact = (Date.parse(at) - now) / 1000;
  // What lasts a week is asked about a moment later: it ends in a week, not in six days.
  const seconds = exact > 60 ? Math.round(exact / 60) * 60 : exact;
  const words = kept(relativeFormats, language.locale, (tag) => new Intl.RelativeTimeFormat(tag, { numeric: 'auto' }));
  for (const [unit, length] of [['day', 86_400], ['hour', 3_600], ['minute', 60]] as const) {
    if (Math.abs(seconds) >= length) return words.format(seconds > 0 ? Math.round(seconds / length) : Math.trunc(seconds / length), unit);
  }
  return seconds > 0 ? words.format(0, 'second') : t('date.justNow');
}

/** "Ana and Bob", "Ana, Bob e Caio". */
export function listOf(names: string[]): string {
  return kept(listFormats, language.locale, (tag) => new Intl.ListFormat(tag, { type: 'conjunction' })).format(names);
}

function format(at: string | number, shape: Shape): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return '';
  const own = clock.current === 'language' ? undefined : byClock[shape];
  const make = () => new Intl.DateTimeFormat(language.locale, own ? { ...own, hourCycle: clock.current as 'h12' | 'h23' } : shapes[shape]);
  return kept(dateFormats, `${language.locale} ${shape} ${own ? clock.current : ''}`, make).format(date);
}
