import type { FieldError, Problem } from '../lib/http';
import { isKey, t, tn, type Key } from './i18n.svelte';

/** What to tell the person: the catalogue's words for the server's code, else the server's own, else words for the status. */
export function problemText(problem: Omit<Problem, 'retryAfter'> & Partial<Pick<Problem, 'retryAfter'>>): string {
  // How long it lasts is said behind it.
  if (problem.retryAfter) return t(withoutDelay[problem.code ?? ''] ?? (problem.status === 429 ? 'error.tooMuch' : 'error.notNow'));
  if (problem.code === 'banned' && problem.reason) return t('error.bannedFor', { reason: problem.reason });
  return byCode(problem.code) ?? (problem.message || byStatus(problem.status));
}

const withoutDelay: Record<string, Key> = { too_many_attempts: 'error.tooMuch', busy: 'error.crowded', too_many_invitations: 'error.too_many_invitations' };

/** Codes that say more to a program than to a person: the page itself, or what lies between it and the server, is at fault. */
const general: Record<string, Key> = {
  bad_command: 'error.publish.other',
  bad_payload_format: 'error.publish.other',
  bad_request: 'error.unknown',
  bad_typing: 'error.publish.other',
  broken_body: 'error.unknown',
  epoch: 'error.unknown',
  invalid_fields: 'error.unknown',
  invalid_json: 'error.unknown',
  method_not_allowed: 'error.unknown',
  not_json: 'error.unknown',
  payload_too_long: 'error.too_long',
  refused: 'error.unknown',
  too_large: 'error.too_long',
  too_many_requests: 'error.status429',
  too_many_answers: 'error.status429',
  unknown_topic: 'error.publish.refused',
};

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

/** The catalogue's words for a code of the server's; null: it has none. */
export function byCode(code: string | null): string | null {
  const key = general[code ?? ''] ?? `error.${code}`;
  return code !== null && isKey(key) ? t(key) : null;
}

function byStatus(status: number): string {
  const key = `error.status${status}`;
  if (isKey(key)) return t(key);
  return status >= 500 ? t('error.status500') : t('error.unknown');
}
