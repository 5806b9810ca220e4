import { language, t } from './i18n.svelte';

export function timeOf(at: string | number): string {
  return format(at, { hour: language.current === 'en' ? 'numeric' : '2-digit', minute: '2-digit' });
}

export function dayOf(at: string): string {
  const date = new Date(at);
  const today = new Date();
  const yesterday = new Date(today.getFullYear(), today.getMonth(), today.getDate() - 1);
  if (date.toDateString() === today.toDateString()) return t('chat.today');
  if (date.toDateString() === yesterday.toDateString()) return t('chat.yesterday');
  return format(at, { weekday: 'long', day: 'numeric', month: 'long', ...(date.getFullYear() === today.getFullYear() ? {} : { year: 'numeric' }) });
}

export function fullDate(at: string | number): string {
  return format(at, { dateStyle: 'medium', timeStyle: 'short' });
}

/** "3 minutes ago", "in 30 days", "just now". */
export function relative(at: string, now = Date.now()): string {
  const seconds = (Date.parse(at) - now) / 1000;
  const words = new Intl.RelativeTimeFormat(language.current, { numeric: 'auto' });
  for (const [unit, length] of [['day', 86_400], ['hour', 3_600], ['minute', 60]] as const) {
    if (Math.abs(seconds) >= length) return words.format(Math.trunc(seconds / length), unit);
  }
  return seconds > 0 ? words.format(0, 'second') : t('date.justNow');
}

/** "Ana and Bob", "Ana, Bob e Caio". */
export function listOf(names: string[]): string {
  return new Intl.ListFormat(language.current, { type: 'conjunction' }).format(names);
}

function format(at: string | number, options: Intl.DateTimeFormatOptions): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? '' : new Intl.DateTimeFormat(language.current, options).format(date);
}
