/** The server counts Unicode scalar values; `length` counts UTF-16 units, and an emoji has two. */
export function countScalars(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}
