import { expect, it } from 'vitest';
import { News } from '../../src/chat/news';

it('counts what lies behind a seq, whatever joined at which end', () => {
  const news = new News();
  expect(news.after(0)).toBe(0);
  for (const seq of [10, 12, 15]) news.append(seq);
  news.prepend([3, 7]);
  expect([0, 3, 9, 10, 14, 15, 99].map((seq) => news.after(seq))).toEqual([5, 4, 3, 2, 1, 0, 0]);
  news.dropBefore(10);
  expect(news.after(0)).toBe(3);
  news.clear();
  expect(news.after(0)).toBe(0);
});
