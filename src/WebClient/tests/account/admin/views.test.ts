import { expect, it } from 'vitest';
import { pathOf, viewOf, views } from '../../../src/account/admin/views';
import { routeOf } from '../../../src/routes/routes';

it('every view has an address of its own that the page knows, with a slash behind it or not', () => {
  for (const view of views) {
    expect(routeOf(pathOf(view))).toEqual({ page: 'admin' });
    expect([viewOf(pathOf(view)), viewOf(`${pathOf(view)}/`)]).toEqual([view, view]);
  }
  expect(new Set(views.map(pathOf)).size).toBe(views.length);
});

it.each(['/admin/overview', '/admin/nowhere', '/admin/accounts/ana', '/'])('%s is none', (path) => expect(viewOf(path)).toBeNull());
