import { byCode } from '../../i18n/errors';
import { isKey, t, tn } from '../../i18n/i18n.svelte';
import type { Run } from './bots.svelte';

/** What a code says of a run. Some stand for something else where the page itself asks the server. */
export function whyText(why: string): string {
  const status = /^http_(\d{3})$/.exec(why)?.[1];
  if (status !== undefined) return t('runs.http', { status });
  const key = `runs.why.${why}`;
  return isKey(key) ? t(key) : (byCode(why) ?? why);
}

export function runText({ outcome, why, times }: Run): string {
  const key = `runs.${outcome}`;
  const done = isKey(key) ? t(key) : outcome;
  return [why === '' ? done : `${done} ${whyText(why)}`, ...(times > 1 ? [tn('runs.times', times)] : [])].join(' · ');
}

export const hasFailed = ({ outcome }: Run) => outcome === 'refused' || outcome === 'failed';
