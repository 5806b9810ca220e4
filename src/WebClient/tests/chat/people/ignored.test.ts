import { afterEach, expect, it, vi } from 'vitest';
import { IgnoredPeople } from '../../../src/chat/people/ignored.svelte';

afterEach(() => void vi.unstubAllGlobals());

it('knows whom the account ignores, and takes no answer that is older than a change', async () => {
  const changed = vi.fn();
  const asked: string[] = [];
  let release: (() => void) | null = null;
  vi.stubGlobal('fetch', async (path: string, { method }: RequestInit) => {
    asked.push(`${method} ${path}`);
    if (method !== 'GET') return new Response(null, { status: path.endsWith('nobody') ? 404 : 204 });
    if (release === null && asked.length > 2) await new Promise<void>((resolve) => (release = resolve));
    return Response.json({ ignored: [{ user: 'bea', name: 'Béa' }] });
  });
  const ignored = new IgnoredPeople(changed);
  await ignored.read();
  expect([ignored.has('bea'), ignored.has('caio')]).toEqual([true, false]);
  await ignored.ignore({ user: 'caio', name: 'Caio' });
  expect([ignored.has('caio'), changed.mock.calls.length]).toEqual([true, 1]);
  expect(ignored.all).toEqual([{ user: 'bea', name: 'Béa' }, { user: 'caio', name: 'Caio' }]);
  const late = ignored.read();
  await vi.waitFor(() => expect(release).not.toBeNull());
  await ignored.hearAgain('bea');
  release!();
  await late;
  expect([ignored.has('bea'), ignored.has('caio')]).toEqual([false, true]);
  await ignored.ignore({ user: 'nobody', name: 'Nobody' });
  expect([ignored.has('nobody'), changed.mock.calls.length]).toEqual([false, 2]);
});
