import { today } from '../lib/today.svelte';
import { kept, language, t } from './i18n.svelte';

type Shape = 'time' | 'day' | 'dayOfAnotherYear' | 'full';

const shapes: Record<Shape, Intl.DateTimeFormatOptions> = {
  time: { timeStyle: 'short' },
  day: { weekday: 'long', day: 'numeric', month: 'long' },
  dayOfAnotherYear: { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' },
  full: { dateStyle: 'medium', timeStyle: 'short' },
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
  const seconds = (Date.parse(at) - now) / 1000;
  const words = kept(relativeFormats, language.locale, (tag) => new Intl.RelativeTimeFormat(tag, { numeric: 'auto' }));
  for (const [unit, length] of [['day', 86_400], ['hour', 3_600], ['minute', 60]] as const) {
    if (Math.abs(seconds) >= length) return words.format(Math.trunc(seconds / length), unit);
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
  return kept(dateFormats, `${language.locale} ${shape}`, () => new Intl.DateTimeFormat(language.locale, shapes[shape])).format(date);
}
