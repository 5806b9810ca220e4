import { beforeEach, describe, expect, it, vi } from 'vitest';
import { lastKnown } from '../../src/session/lastKnown';
import type { Me } from '../../src/session/session.svelte';

const ana: Me = { account: 'a1', user: 'ana', name: 'Ana Íris', kind: 'person', email: 'ana@example.org', administrator: true, sessionId: 's1' };
const kept = new Map<string, string>();

beforeEach(() => {
  kept.clear();
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => kept.set(key, value),
    removeItem: (key: string) => kept.delete(key),
  });
});

describe('lastKnown', () => {
  it('P19: knows who was here, without their e-mail address and without rights', () => {
    lastKnown.write(ana);
    expect(lastKnown.read()).toEqual({ ...ana, email: null, administrator: false });
    expect([...kept.values()].join()).not.toContain('example.org');
  });

  it('P19: knows nobody after they left', () => {
    lastKnown.write(ana);
    lastKnown.forget();
    expect(lastKnown.read()).toBeNull();
    expect(kept.size).toBe(0);
  });

  it.each(['', 'null', '[]', '{}', '{"account":"a1"}', 'no JSON'])('P19: takes %j for nobody', (value) => {
    kept.set('webmessenger.me', value);
    expect(lastKnown.read()).toBeNull();
  });

  it('P19: lives without storage', () => {
    vi.stubGlobal('localStorage', undefined);
    lastKnown.write(ana);
    expect(lastKnown.read()).toBeNull();
    lastKnown.forget();
  });
});
