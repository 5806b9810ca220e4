import type { FieldError, Problem } from '../lib/http';
import { momentOf } from './dates';
import type { Key } from './en';
import { isKey, t, tn } from './i18n.svelte';

/** What to tell the person: the catalogue's words for the server's code, else the server's own, else words for the status. */
export function problemText(problem: Omit<Problem, 'retryAfter'> & Partial<Pick<Problem, 'retryAfter'>>): string {
  // How long it lasts is said behind it.
  if (problem.retryAfter) return t(withoutDelay[problem.code ?? ''] ?? (problem.status === 429 ? 'error.tooMuch' : 'error.notNow'));
  return byCode(problem.code) ?? (problem.message || byStatus(problem.status));
}

const withoutDelay: Record<string, Key> = { too_many_attempts: 'error.tooMuch', busy: 'error.crowded', too_many_invitations: 'error.too_many_invitations' };

/** When to try again, in whole seconds or, if it is long, minutes, or hours. */
export function retryText(seconds: number): string {
  if (seconds > 90 * 60) return tn('error.retryIn.hours', Math.ceil(seconds / 3600));
  return seconds < 100 ? tn('error.retryIn.seconds', seconds) : tn('error.retryIn.minutes', Math.ceil(seconds / 60));
}

/** The words for one field of a form, or null when there is nothing wrong with it. */
export function fieldText(errors: Record<string, FieldError[]>, field: string): string | null {
  const found = errors[field];
  return found?.length ? found.map((error) => byCode(`${field}.${error.code}`) ?? byCode(error.code) ?? error.message).join(' ') : null;
}

/** Why a message was refused, by MQTT 5 reason code and the server's name for it; for codes that say little, the server's own words. */
export function publishText({ code, text, name, again }: { code: number; text: string; name?: string | null; again?: number | null }): string {
  // Not the server's: it was never asked.
  if (code === 0) return t('chat.waitedLong');
  // Two things share this code: its author having used up the day, and the server having no room.
  if (code === 0x97 && name === 'quota') return again ? t('error.quota.until', { time: momentOf(again) }) : t('error.quota');
  if (code === 0x97) return t('error.publish.later');
  if (code === 0x87) return t('error.publish.refused');
  return text || t('error.publish.other');
}

function byCode(code: string | null): string | null {
  const key = `error.${code}`;
  return code !== null && isKey(key) ? t(key) : null;
}

function byStatus(status: number): string {
  const key = `error.status${status}`;
  if (isKey(key)) return t(key);
  return status >= 500 ? t('error.status500') : t('error.unknown');
}
