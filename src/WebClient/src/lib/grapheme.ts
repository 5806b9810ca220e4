// Browsers without it (Firefox before 125) show the first scalar value, which is half of a flag.
const segmenter = 'Segmenter' in Intl ? new Intl.Segmenter(undefined, { granularity: 'grapheme' }) : null;

/** What a reader takes for the first character: a flag or a family is one. Empty for empty text. */
export function firstGrapheme(text: string): string {
  if (!segmenter) return [...text][0] ?? '';
  for (const { segment } of segmenter.segment(text)) return segment;
  return '';
}
