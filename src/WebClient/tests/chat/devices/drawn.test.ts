import { render } from 'svelte/server';
import { expect, it, vi } from 'vitest';

vi.hoisted(() => Object.defineProperty(globalThis, 'location', { value: new URL('https://chat.example.org/rooms/garden'), configurable: true }));
vi.hoisted(() => Object.defineProperty(globalThis, 'document', { value: { baseURI: 'https://chat.example.org/', documentElement: {}, addEventListener: () => undefined }, configurable: true }));

import type { Link } from '../../../src/chat/link/link';
import { readDiscovery } from '../../../src/chat/devices/discovery';
import { dataOf } from '../../../src/chat/devices/roomData.svelte';
import Shown from '../../../src/chat/devices/Shown.svelte';
import ShownTile from '../../../src/chat/devices/ShownTile.svelte';
import Tile from '../../../src/chat/devices/Tile.svelte';
import { describe as describeValue } from '../../../src/chat/devices/undescribed';
import { enSeldom } from '../../../src/i18n/enSeldom';

const config = 'homeassistant/switch/lamp/config';
const bytes = (text: string) => new TextEncoder().encode(text);

async function opened(values: Record<string, string>) {
  vi.stubGlobal('fetch', () => Promise.resolve(new Response('{"values":[]}')));
  const room = { id: 'garden', room: null };
  const data = dataOf(room);
  const link = { heardData: null, subscribe: () => Promise.resolve('granted'), unsubscribe: () => undefined } as unknown as Link;
  data.look(link);
  await vi.waitFor(() => expect(data.phase).toBe('ready'));
  for (const [topic, text] of Object.entries(values)) link.heardData!(`rooms/garden/data/${topic}`, bytes(text), true);
  await vi.waitFor(() => expect(data.entities.length).toBeGreaterThan(0));
  vi.unstubAllGlobals();
  return { room, data, link };
}

it('a tile that publishes elsewhere says so, and any tile does when it is pointed at', async () => {
  const { data } = await opened({ a: '1' });
  const drawn = (command: string) => render(Tile, { props: { entity: readDiscovery(config, { stat_t: 'lamp/state', cmd_t: command }, '')![0]!, data, works: true } }).body;
  expect(drawn('heater/set')).toMatch(/<p class="foreign[^>]*>.*publishes to heater\/set/);
  expect(drawn('lamp/set')).not.toContain('foreign');
  expect(drawn('lamp/set')).toContain('title="publishes to lamp/set"');
});

it('members of one name are all shown', async () => {
  const { data } = await opened({ o: '{"a b":1,"a":{"b":2}}' });
  expect(render(Shown, { props: { entity: describeValue('o', { a: 1 }), values: data } }).body.match(/<dt\b/g)).toHaveLength(2);
});

it('/show finds any topic, and says who may not read', async () => {
  const { room, data, link } = await opened({ [config]: '{"stat_t":"lamp/state","cmd_t":"lamp/set"}', 'lamp/set': 'ON' });
  const drawn = (wanted: string) => render(ShownTile, { props: { room, link, wanted, onclose: () => undefined } }).body;
  expect(drawn('lamp/set')).toContain('ON');
  expect(drawn('nowhere')).toContain('no tile and no topic');
  data.look(link, false);
  expect(drawn('nowhere')).toContain(enSeldom['tiles.notAllowed']);
});
