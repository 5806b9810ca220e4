/**
 * How many combining marks in a row are drawn; the writing systems of the world need five at most. Browsers take time that grows with the square of a
 * stack's height: one letter under 4,000 marks holds a page up for a third of a second, at every drawing.
 */
const mostMarks = 8;
const tooMany = new RegExp(`(\\p{M}{${mostMarks}})\\p{M}+`, 'gu');

/** The text as it is drawn. What was written is not changed by it. */
export function fewMarks(text: string): string {
  return text.replace(tooMany, '$1');
}
