import { beforeEach, describe, expect, it, vi } from 'vitest';

vi.hoisted(() => Object.defineProperty(globalThis, 'document', { value: { baseURI: 'https://chat.example.org/', activeElement: null, body: undefined }, configurable: true }));

import { AccountActs, actsOn } from '../../../src/account/admin/accountActs.svelte';
import type { AdminAccount } from '../../../src/account/admin/wire';

const bea: AdminAccount = { user: 'bea', name: 'Béa', kind: 'person', isAdmin: false, since: '2026-11-01T00:00:00Z', loginSessions: 1, connections: 0, banned: false };
const form = { querySelector: () => null } as unknown as HTMLFormElement;
const refused = (code: string) => new Response(JSON.stringify({ code }), { status: 403, headers: { 'Content-Type': 'application/problem+json' } });
let asked: { method: string; path: string; body: unknown }[];
let answers: Response[];

beforeEach(() => {
  [asked, answers] = [[], []];
  vi.stubGlobal('fetch', async (path: string, { method, body }: RequestInit) => {
    asked.push({ method: method!, path, body: typeof body === 'string' ? JSON.parse(body) : undefined });
    return answers.shift() ?? new Response(null, { status: 204 });
  });
});

describe('What an administrator may do to an account', () => {
  it('is nothing to another administrator, and to himself to go while another stays', () => {
    expect(actsOn({ ...bea, isAdmin: true }, 'ana', 2)).toEqual([]);
    expect(actsOn({ ...bea, isAdmin: true }, 'bea', 1)).toEqual([]);
    expect(actsOn({ ...bea, isAdmin: true }, 'bea', null)).toEqual([]);
    expect(actsOn({ ...bea, isAdmin: true }, 'bea', 2)).toEqual(['unmake']);
  });

  it('is all to a person, no link and no office to a guest or who is banned', () => {
    expect(actsOn(bea, 'ana', 1)).toEqual(['ban', 'sessions', 'link', 'make', 'erase']);
    expect(actsOn({ ...bea, kind: 'guest' }, 'ana', 1)).toEqual(['ban', 'sessions', 'erase']);
    expect(actsOn({ ...bea, banned: true }, 'ana', 1)).toEqual(['unban', 'erase']);
  });
});

describe('An act on an account', () => {
  it('bans for as long as was chosen, with a reason, or for good without a word', async () => {
    vi.useFakeTimers({ now: Date.parse('2026-11-30T10:00:00Z') });
    const acting = new AccountActs('bea');
    acting.ask('ban');
    [acting.minutes, acting.reason] = ['60', ' Spam. '];
    expect(await acting.confirm(form)).toBe(true);
    acting.ask('ban');
    acting.minutes = '0';
    expect(await acting.confirm(form)).toBe(true);
    vi.useRealTimers();
    expect(asked).toEqual([
      { method: 'POST', path: '/api/admin/accounts/bea/ban', body: { until: '2026-11-30T11:00:00.000Z', reason: 'Spam.' } },
      { method: 'POST', path: '/api/admin/accounts/bea/ban', body: {} },
    ]);
  });

  it('asks for the own password only when the server wants it, gives it first, and does what was asked for then', async () => {
    answers = [refused('proof_needed'), new Response(null, { status: 204 }), Response.json({ url: 'https://chat.example.org/p#x', expiresAt: '2026-11-30T11:00:00Z' })];
    const acting = new AccountActs('bea');
    acting.ask('link');
    expect(await acting.confirm(form)).toBe(false);
    expect([acting.proof.isAsked, acting.proof.isQuestion(acting.form.problem?.code), acting.link]).toEqual([true, true, null]);
    acting.proof.password = 'a horse, correct';
    expect(await acting.confirm(form)).toBe(true);
    expect(acting.link?.url).toBe('https://chat.example.org/p#x');
    expect([acting.proof.isAsked, acting.proof.password]).toEqual([false, '']);
    expect(asked.map(({ path }) => path)).toEqual(['/api/admin/accounts/bea/password-link', '/api/admin/proof', '/api/admin/accounts/bea/password-link']);
    expect(asked[1]!.body).toEqual({ password: 'a horse, correct' });
  });

  it('does nothing by a wrong password, and asks again', async () => {
    answers = [refused('proof_needed'), refused('wrong')];
    const acting = new AccountActs('bea');
    acting.ask('make');
    await acting.confirm(form);
    acting.proof.password = 'a guess';
    expect(await acting.confirm(form)).toBe(false);
    expect(asked).toHaveLength(2);
    expect([acting.proof.isAsked, acting.proof.isQuestion(acting.form.problem?.code)]).toEqual([true, false]);
  });

  it('erases nobody whose name was not typed', async () => {
    const acting = new AccountActs('bea');
    acting.ask('erase');
    acting.typed = 'be';
    expect(await acting.confirm(form)).toBe(false);
    expect(asked).toEqual([]);
    acting.typed = ' Bea ';
    expect(await acting.confirm(form)).toBe(true);
    expect(asked).toEqual([{ method: 'DELETE', path: '/api/admin/accounts/bea', body: {} }]);
  });
});
