import { byCode } from '../../i18n/errors';
import { isKey, t, tn } from '../../i18n/i18n.svelte';
import type { Run } from './bots.svelte';

/** What a code of the server's says; the code itself if it is none that the page knows. */
const whyText = (why: string) => byCode(why) ?? why;

export function runText({ outcome, why, times }: Run): string {
  const key = `runs.${outcome}`;
  const done = isKey(key) ? t(key) : outcome;
  return [why === '' ? done : `${done} ${whyText(why)}`, ...(times > 1 ? [tn('runs.times', times)] : [])].join(' · ');
}

export const hasFailed = ({ outcome }: Run) => outcome === 'refused' || outcome === 'failed';
