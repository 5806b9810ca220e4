import { createRequire } from 'node:module';
import { Duplex } from 'node:stream';
import { expect, it, vi } from 'vitest';

vi.hoisted(() => Object.defineProperty(globalThis, 'location', { value: new URL('https://chat.example.org/'), configurable: true }));
vi.hoisted(() => Object.defineProperty(globalThis, 'document', { value: { baseURI: 'https://chat.example.org/', addEventListener: () => undefined }, configurable: true }));

// The library itself, with the other end of its stream in the test's hand.
const packets = createRequire(createRequire(import.meta.url).resolve('mqtt'))('mqtt-packet') as typeof import('mqtt-packet');
const refusal = { reasonString: 'none of yours', userProperties: { code: 'data_rate', retry: '3' } };

function server(): Duplex {
  const stream = new Duplex({
    read: () => undefined,
    write: (chunk: Buffer, _encoding, done) => {
      parser.parse(chunk);
      done();
    },
  });
  const say = (packet: import('mqtt-packet').Packet) => stream.push(packets.generate(packet, { protocolVersion: 5 }));
  const parser = packets.parser({ protocolVersion: 5 });
  parser.on('packet', (packet) => {
    if (packet.cmd === 'connect') say({ cmd: 'connack', reasonCode: 0, sessionPresent: false });
    if (packet.cmd === 'publish') say({ cmd: packet.qos === 2 ? 'pubrec' : 'puback', messageId: packet.messageId!, reasonCode: 0x97, properties: refusal });
  });
  return stream;
}

vi.mock('../../../src/chat/link/lean/mqtt.cjs', () => ({
  MqttClient: (createRequire(import.meta.url)('mqtt') as typeof import('mqtt')).MqttClient,
  browserStreamBuilder: () => server(),
}));

import { Link } from '../../../src/chat/link/link';

it('a publish that is refused says why, at QoS 1 and at QoS 2', async () => {
  const link = await new Promise<Link>((resolve) => {
    const made: Link = new Link('test', { opened: () => resolve(made), message: () => undefined, closed: () => undefined });
  });
  for (const qos of [1, 2] as const) {
    expect(await link.publish('rooms/garden/data/a', '1', { qos })).toEqual({ ok: false, code: 0x97, text: 'none of yours', name: 'data_rate', retry: 3 });
  }
  link.abandon();
});
