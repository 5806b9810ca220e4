import { t } from '../../i18n/i18n.svelte';
import { blocks } from '../../lib/format/blocks';
import { words } from '../../lib/format/words';
import { excerpt } from './merge';

/** Characters of a message that the server quotes at most. */
const quotedLength = 160;

/** One line without marks, and without what is hidden, as quotes, pins and all lists show it. */
export function shownOf(text: string): string {
  return excerpt(wordsOf(text));
}

/** The same, whole. The tree is kept nowhere: the message may be deleted. */
export function wordsOf(text: string): string {
  const marks = text.split('||');
  // Of what was cut short, here or by the server, a spoiler may have lost its end.
  const isCut = text.endsWith('…') || [...text].length === quotedLength;
  return words(blocks(isCut && marks.length % 2 === 0 ? `${marks.slice(0, -1).join('||')}${t('text.spoiler')}` : text), t('text.spoiler'));
}
