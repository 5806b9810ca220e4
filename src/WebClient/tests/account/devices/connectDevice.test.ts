import { render } from 'svelte/server';
import { expect, it, vi } from 'vitest';

vi.hoisted(() => Object.defineProperty(globalThis, 'location', { value: new URL('https://chat.example.org/rooms/garden'), configurable: true }));
vi.hoisted(() => Object.defineProperty(globalThis, 'document', { value: { baseURI: 'https://chat.example.org/', documentElement: {}, addEventListener: () => undefined }, configurable: true }));

import ConnectDevice from '../../../src/account/devices/ConnectDevice.svelte';
import DeviceAccess from '../../../src/account/devices/DeviceAccess.svelte';
import type { ServerPorts } from '../../../src/account/shellLines';
import { readRoom, type Room } from '../../../src/chat/model/protocol';
import { enAccount as en } from '../../../src/i18n/enAccount';
import { Fetched } from '../../../src/lib/fetched.svelte';

const room = (id: string, more: object = {}): Room => readRoom({ id, title: `<b>${id}</b>`, member: true, ...more })!;
const dialog = (...rooms: Room[]) => render(ConnectDevice, { props: { user: 'ana', rooms, onclose: () => undefined } }).body;

function access(value: ServerPorts | null, failed = false) {
  const server = new Fetched<ServerPorts>(async () => ({ ok: true, value: value! }));
  server.value = value;
  if (failed) server.problem = { status: 503, code: null, message: '', fields: {}, retryAfter: null } as NonNullable<typeof server.problem>;
  return render(DeviceAccess, { props: { server, id: 'T1', name: 'Greenhouse', branch: 'greenhouse', preset: 'sensor', user: 'ana', token: 'wm_secret' } }).body;
}

it('offers a moderator all that a device may, and begins with the least of it', () => {
  const page = dialog(room('garden', { role: 'moderator' }));
  for (const text of [en['devices.preset.sensor'], en['devices.preset.all'], en['devices.preset.reads'], en['devices.branch']]) expect(page).toContain(text);
  expect(page).toMatch(/value="sensor"[^>]*checked|checked[^>]*value="sensor"/);
  expect(page).not.toContain('<select');
  expect(page).toContain('&lt;b>garden&lt;/b>');
});

it('offers a member of a room whose moderators alone write data what reads', () => {
  const page = dialog(room('garden', { role: 'member', policy: { data: { read: 'members', write: 'moderators' } } }));
  expect(page).toContain(en['devices.readsOnly']);
  expect(page).not.toContain(en['devices.preset.sensor']);
});

it('lets the room be chosen among many, and says what to do where there is none', () => {
  expect(dialog(room('garden'), room('lobby'))).toContain('<select');
  expect(dialog()).toContain(en['devices.noRooms']);
  expect(dialog()).not.toContain('<form');
});

it('shows the token at once, and the rest when the server has said where it is', () => {
  expect(access(null)).toContain('wm_secret');
  expect(access(null, true)).toContain(en['devices.waysFailed']);
  const there = access({ mqtt: { host: null, port: 1884, local: false }, mqtts: { host: 'mqtt.example.org', port: 8883, local: false }, websocket: '/mqtt' });
  for (const text of ['mqtt.example.org', '8883', 'mosquitto_pub -h mqtt.example.org', 'greenhouse/temperature', 'ESPHome', 'Tasmota']) expect(there).toContain(text);
  expect(there).not.toContain('Zigbee2MQTT');
  expect(there).not.toContain(en['devices.note.clear']);
});

it('warns where the token would travel unencrypted, and where there is no MQTT for devices', () => {
  expect(access({ mqtt: { host: null, port: 1883, local: false }, mqtts: null, websocket: '/mqtt' })).toContain(en['devices.note.clear']);
  expect(access({ mqtt: { host: null, port: 1883, local: true }, mqtts: null, websocket: '/mqtt' })).toContain('own machine');
  expect(access({ mqtt: null, mqtts: null, websocket: '/mqtt' })).toContain(en['devices.noWay']);
});
