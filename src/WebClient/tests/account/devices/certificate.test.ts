import { render } from 'svelte/server';
import { expect, it, vi } from 'vitest';

vi.hoisted(() => Object.defineProperty(globalThis, 'location', { value: new URL('https://chat.example.org/rooms/garden'), configurable: true }));
vi.hoisted(() => Object.defineProperty(globalThis, 'document', { value: { baseURI: 'https://chat.example.org/', documentElement: {}, addEventListener: () => undefined }, configurable: true }));

import { fingerprintText, hasPrivateKey } from '../../../src/account/devices/certificate';
import CertificateAccess from '../../../src/account/devices/CertificateAccess.svelte';
import DeviceAccess from '../../../src/account/devices/DeviceAccess.svelte';
import type { ServerPorts } from '../../../src/account/shellLines';
import AccessCard from '../../../src/chat/devices/AccessCard.svelte';
import type { Device } from '../../../src/chat/devices/roomDevices.svelte';
import { enAccount as en } from '../../../src/i18n/enAccount';
import { enSeldom } from '../../../src/i18n/enSeldom';
import { Fetched } from '../../../src/lib/fetched.svelte';

const print = '00a1'.repeat(16);
const held = { fingerprint: print, notBefore: '2026-01-01T00:00:00Z', notAfter: '2099-01-01T00:00:00Z' };
const tls = { mqtt: null, mqtts: { host: 'mqtt.example.org', port: 8883, local: false }, websocket: '/mqtt' };
const device = { name: 'Bed', branch: 'bed', preset: 'sensor' as const, user: 'ana' };

function serverOf(value: ServerPorts) {
  const server = new Fetched<ServerPorts>(async () => ({ ok: true, value }));
  server.value = value;
  return server;
}

it('shows a fingerprint as openssl does, and knows a private key of whatever kind', () => {
  expect(fingerprintText(print)).toBe(Array.from({ length: 16 }, () => '00:A1').join(':'));
  expect(fingerprintText(print, 4)).toBe('00:A1:00:A1…');
  for (const kind of ['', 'RSA ', 'EC ', 'ENCRYPTED ']) expect(hasPrivateKey(`-----BEGIN ${kind}PRIVATE KEY-----`)).toBe(true);
  expect(hasPrivateKey('-----BEGIN CERTIFICATE-----')).toBe(false);
});

it('offers a certificate where the server takes one, with lines to make and to show it', () => {
  const page = (certificates: boolean) => render(DeviceAccess, { props: { server: serverOf({ ...tls, certificates }), id: 'T1', token: 'wm_secret', ...device } }).body;
  expect(page(true)).toContain(en['certificate.instead']);
  expect(page(true)).toContain('openssl req -x509');
  expect(page(true)).toContain('-u ana --cert device.pem --key device.key -q 1 -r -t bed/temperature');
  expect(page(false)).not.toContain(en['certificate.instead']);
});

it('shows the one that a token has, when it ends and how it is taken away, also where none are taken any more', () => {
  const page = (value: ServerPorts, has: typeof held | null) => render(CertificateAccess, { props: { server: serverOf(value), id: 'T1', held: has, ...device } }).body;
  expect(page({ ...tls, certificates: true }, held)).toContain(fingerprintText(print));
  expect(page({ ...tls, certificates: true }, null)).not.toContain(en['certificate.takeAway']);
  const off = page({ ...tls, certificates: false }, held);
  expect(off).toContain(en['certificate.takeAway']);
  expect(off).toContain(en['certificate.off']);
  expect(page({ ...tls, certificates: false }, null)).not.toContain('<textarea');
});

it('lists it with the device, for whose token alone it is to be changed', () => {
  const listed: Device = {
    id: 'T1', name: 'Bed', by: 'ana', topics: null, createdAt: held.notBefore, expiresAt: null, lastSeen: null, address: null, works: true,
    mine: true, below: true, connected: 0, rate: 0, refusals: 0, lastRefusal: null, clients: [], more: 0, certificate: held,
  };
  const card = (more: Partial<Device>) => render(AccessCard, { props: { device: { ...listed, ...more }, reads: true, onact: () => undefined } }).body;
  expect(card({})).toContain('00:A1:00:A1:00:A1:00:A1…');
  expect(card({})).toContain(`>${enSeldom['access.certificate']}</button>`);
  expect(card({ mine: false })).not.toContain(`>${enSeldom['access.certificate']}</button>`);
  expect(card({ certificate: null })).not.toContain('00:A1');
});
