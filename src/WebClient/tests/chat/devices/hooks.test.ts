import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { RoomHooks, type Hook } from '../../../src/chat/devices/hooks.svelte';

vi.mock('../../../src/lib/base', () => ({ onHost: (path: string) => path, base: '/', url: (path: string) => path }));

const hook: Hook = { id: 'hook-abc', name: 'CI', by: 'ana', at: '2026-11-30T10:00:00Z', template: null, works: true, runs: [] };
let calls: string[] = [];
let answers: Record<string, [number, unknown]> = {};

beforeEach(() => {
  calls = [];
  answers = { 'GET /api/rooms/yard/hooks': [200, { most: 20, hooks: [hook] }] };
  vi.stubGlobal('document', { activeElement: null, body: {} });
  vi.stubGlobal('location', { origin: 'https://chat.example' });
  vi.stubGlobal('fetch', (path: string, init: RequestInit) => {
    calls.push(`${init.method} ${path}${typeof init.body === 'string' ? ` ${init.body}` : ''}`);
    const [status, body] = answers[`${init.method} ${path}`] ?? [204, undefined];
    return Promise.resolve(new Response(body === undefined ? null : JSON.stringify(body), { status }));
  });
});

afterEach(() => vi.unstubAllGlobals());

describe('The hooks of a room', () => {
  it('are made with an address that is known until the dialog closes', async () => {
    const hooks = new RoomHooks('yard');
    answers['POST /api/rooms/yard/hooks'] = [201, { id: 'hook-abc', path: '/chat/api/hooks/wmh_x' }];
    await hooks.make(' CI ', ' {a} ');
    expect(calls).toEqual(['POST /api/rooms/yard/hooks {"name":"CI","template":"{a}"}', 'GET /api/rooms/yard/hooks']);
    expect([hooks.address, hooks.list.value?.all]).toEqual(['https://chat.example/chat/api/hooks/wmh_x', [hook]]);
    hooks.begin();
    expect(hooks.address).toBeNull();
  });

  it('stay as they are when the server refuses, which is told', async () => {
    const hooks = new RoomHooks('yard');
    answers['POST /api/rooms/yard/hooks'] = [409, { code: 'too_many', detail: 'x' }];
    await hooks.make('CI', '');
    expect([hooks.address, hooks.form.general?.code, calls.length]).toEqual([null, 'too_many', 1]);
    answers['PATCH /api/rooms/yard/hooks/hook-abc'] = [400, { code: 'invalid_fields', errors: { template: [{ code: 'invalid', message: 'x' }] } }];
    expect(await hooks.change(hook, 'CI', '{')).toBe(false);
    expect(hooks.form.fields['template']?.[0]?.code).toBe('invalid');
    hooks.begin();
    expect(hooks.form.problem).toBeNull();
  });

  it('are renewed, changed, tested and removed, and the list is read anew', async () => {
    const hooks = new RoomHooks('yard');
    answers['POST /api/rooms/yard/hooks/hook-abc/secret'] = [200, { id: 'hook-abc', path: '/api/hooks/wmh_y' }];
    await hooks.renew(hook);
    expect(hooks.address).toBe('https://chat.example/api/hooks/wmh_y');
    expect(await hooks.change(hook, 'Deploys', '')).toBe(true);
    answers['POST /api/rooms/yard/hooks/hook-abc/test'] = [410, { code: 'hook_ended' }];
    await hooks.test(hook);
    expect([hooks.act.general?.code, calls.filter((one) => one.startsWith('GET')).length]).toEqual(['hook_ended', 3]);
    answers['DELETE /api/rooms/yard/hooks/hook-abc'] = [404, { code: 'no_such_hook' }];
    expect(await hooks.remove(hook)).toBe(true);
    answers['DELETE /api/rooms/yard/hooks/hook-abc'] = [503, { code: 'not_stored' }];
    expect(await hooks.remove(hook)).toBe(false);
  });

  it('show what a body would say, and forget it for the next', async () => {
    const hooks = new RoomHooks('yard');
    answers['POST /api/rooms/yard/hooks/preview'] = [200, { text: 'b', via: null, why: '' }];
    await hooks.try('{a}', '{"a":"b"}');
    expect(hooks.preview?.text).toBe('b');
    answers['POST /api/rooms/yard/hooks/preview'] = [400, { code: 'invalid_fields', errors: { template: [{ code: 'invalid', message: 'x' }] } }];
    await hooks.try('{', '');
    expect(hooks.preview).toBeNull();
  });
});
