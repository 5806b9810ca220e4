import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { presetOf } from '../../../src/account/devices/presets';
import { RoomDevices, waysWith, type Device } from '../../../src/chat/devices/roomDevices.svelte';

vi.mock('../../../src/lib/base', () => ({ onHost: (path: string) => path, base: '/', url: (path: string) => path }));

const list = '/api/rooms/yard/devices';
const device = { id: 'tok1', name: 'Pump' } as Device;
let calls: string[] = [];
let answers: Record<string, [number, unknown]> = {};

beforeEach(() => {
  calls = [];
  answers = { [`GET ${list}`]: [200, { devices: [device], next: 'abc' }], [`GET ${list}?cursor=abc`]: [200, { devices: [], next: null }] };
  vi.stubGlobal('document', { activeElement: null, body: {} });
  vi.stubGlobal('fetch', (path: string, init: RequestInit) => {
    calls.push(`${init.method} ${path}`);
    const [status, body] = answers[`${init.method} ${path}`] ?? [204, undefined];
    return Promise.resolve(new Response(body === undefined ? null : JSON.stringify(body), { status }));
  });
});

afterEach(() => vi.unstubAllGlobals());

describe('The devices of a room', () => {
  it('are turned page by page', async () => {
    const devices = new RoomDevices('yard');
    await devices.list.read();
    expect([devices.isFirstPage, devices.list.value?.next]).toEqual([true, 'abc']);
    await devices.turnTo('abc');
    expect([devices.isFirstPage, devices.list.value?.devices]).toEqual([false, []]);
    await devices.turnTo(null);
    expect(devices.list.value?.devices).toEqual([device]);
  });

  it('are thrown out and revoked, and one that is gone already is gone', async () => {
    const devices = new RoomDevices('yard');
    expect(await devices.throwOut(device)).toBe(true);
    answers[`DELETE ${list}/tok1`] = [404, { code: 'no_such_device' }];
    expect(await devices.revoke(device)).toBe(true);
    answers[`POST ${list}/tok1/disconnect`] = [403, { code: 'not_allowed' }];
    expect(await devices.throwOut(device)).toBe(false);
    expect([devices.act.general?.code, calls.filter((one) => one.startsWith('GET')).length]).toEqual(['not_allowed', 3]);
  });

  it('have another secret, which is known until the dialog closes', async () => {
    const devices = new RoomDevices('yard');
    answers[`POST ${list}/tok1/renew`] = [200, { id: 'tok1', token: 'wm_x' }];
    await devices.renew(device);
    expect(devices.secret).toBe('wm_x');
    devices.begin();
    expect(devices.secret).toBeNull();
  });

  it('are traced by who may read what they say', () => {
    const one = { ...device, below: true, mine: true, connected: 1 };
    expect(waysWith(one, true)).toEqual(['throwOut', 'trace', 'certificate', 'renew', 'revoke']);
    expect(waysWith(one, false)).toEqual(['throwOut', 'certificate', 'renew', 'revoke']);
    expect(waysWith({ ...one, below: false, connected: 0 }, true)).toEqual(['certificate', 'renew']);
  });

  it('are shown with what they may do', () => {
    expect(presetOf(null)).toEqual({ preset: 'all', branch: null });
    expect(presetOf({ read: ['#'], write: [] })).toEqual({ preset: 'reads', branch: null });
    expect(presetOf({ read: ['pump/#'], write: ['pump/#', 'homeassistant/+/pump/#'] })).toEqual({ preset: 'sensor', branch: 'pump' });
    expect(presetOf({ read: [], write: ['a/+/b'] })).toEqual({ preset: 'all', branch: null });
  });
});
