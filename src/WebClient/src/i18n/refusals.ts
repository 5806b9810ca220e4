import { momentOf } from './dates';
import { byCode } from './errors';
import { t } from './i18n.svelte';

/** Why a message was refused, by MQTT 5 reason code and the server's name for it; for codes that say little, the server's own words. */
export function publishText({ code, text, name, again }: { code: number; text: string; name?: string | null; again?: number | null }): string {
  // Not the server's: it was never asked.
  if (code === 0) return t('chat.waitedLong');
  // Two things share this code: its author having used up the day, and the server having no room.
  if (code === 0x97 && name === 'quota') return again ? t('error.quota.until', { time: momentOf(again) }) : t('error.quota');
  if (code === 0x97) return t('error.publish.later');
  if (code === 0x87) return byCode(name ?? null) ?? t('error.publish.refused');
  return text || t('error.publish.other');
}

/** The same of what was said in `topic`. To nobody, and to who cannot be written to, the server gives one answer: it tells nobody who exists. */
export function lineRefusalText(topic: string, refusal: Parameters<typeof publishText>[0]): string {
  return refusal.code === 0x87 && topic.startsWith('users/') ? t('error.publish.nobody') : publishText(refusal);
}

/** Why something done with a message was refused. */
export function actRefusalText({ code, text, name, again }: { code: number; text: string; name?: string | null; again?: number | null }): string {
  if (code === 0x87 && name !== 'too_many') return byCode(name ?? null) ?? t('acting.refused');
  const known = name === 'too_many' ? t('acting.tooMany') : name === 'conflict' ? t('error.conflict') : name === 'removed' || name === 'no_such_event' ? byCode(name) : null;
  return known ?? publishText({ code, text, ...(name === undefined ? {} : { name }), ...(again === undefined ? {} : { again }) });
}
