import { render } from 'svelte/server';
import { expect, it, vi } from 'vitest';

vi.mock('../../src/store/store', () => ({ forget: async () => undefined }));
vi.hoisted(() => Object.defineProperty(globalThis, 'addEventListener', { value: () => undefined, configurable: true }));
vi.hoisted(() => Object.defineProperty(globalThis, 'location', { value: new URL('https://chat.example.org/account'), configurable: true }));
vi.hoisted(() => Object.defineProperty(globalThis, 'document', { value: { baseURI: 'https://chat.example.org/', addEventListener: () => undefined }, configurable: true }));

import AccountPage from '../../src/account/AccountPage.svelte';
import { session, type Me } from '../../src/session/session.svelte';

const ana: Me = { account: 'a1', user: 'ana', name: 'Ana', kind: 'person', email: null, administrator: false, sessionId: 's1' };

it('P19: the account form waits for the server’s word, or it would offer to delete the e-mail address that this browser does not keep', () => {
  const page = (me: Me) => render(AccountPage, { props: { page: 'account', me, rooms: [], online: false, back: '/rooms/lobby' } }).body;
  session.assumed = false;
  expect(page({ ...ana, email: 'ana@example.org' })).toContain('ana@example.org');
  session.assumed = true;
  expect(page(ana)).not.toContain('<form');
});
