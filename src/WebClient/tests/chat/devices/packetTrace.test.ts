import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { clockOf, detailsOf, isRefusal, PacketTrace, type Packet } from '../../../src/chat/devices/packetTrace.svelte';

vi.mock('../../../src/lib/base', () => ({ onHost: (path: string) => path, base: '/', url: (path: string) => path }));

const ping: Packet = { at: '2026-11-30T10:00:00.123Z', client: 'bed', way: 'in', packet: 'PINGREQ', bytes: 2 };
const devices = '/api/rooms/yard/devices';
let calls: string[] = [];
let answers: [number, unknown][] = [];

/** The next answer: `count` packets more. */
const part = (count: number, over = false, more = 0): [number, unknown] => [200, { began: ping.at, over, packets: Array.from({ length: count }, () => ping), more }];

beforeEach(() => {
  vi.useFakeTimers();
  calls = [];
  answers = [];
  vi.stubGlobal('fetch', (path: string, init: RequestInit) => {
    calls.push(`${init.method} ${path}`);
    const [status, body] = answers.shift()!;
    return Promise.resolve(new Response(JSON.stringify(body), { status }));
  });
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe('A trace', () => {
  it('is read from where it was left off, until it is over', async () => {
    const trace = new PacketTrace(devices, 'tok/1');
    answers = [part(0), part(2), [503, { code: 'busy' }], part(1, true, 7)];
    await trace.begin();
    expect([trace.phase, trace.packets.length]).toEqual(['running', 0]);
    for (let second = 0; second < 5; second++) await vi.advanceTimersByTimeAsync(1_000);
    expect(calls).toEqual([
      `POST ${devices}/tok%2F1/trace`,
      `GET ${devices}/tok%2F1/trace?after=0`,
      `GET ${devices}/tok%2F1/trace?after=2`,
      `GET ${devices}/tok%2F1/trace?after=2`,
    ]);
    expect([trace.phase, trace.packets.length, trace.more, trace.problem]).toEqual(['over', 3, 7, null]);
  });

  it('ends where somebody else has begun another', async () => {
    const trace = new PacketTrace(devices, 'a');
    answers = [part(2), [200, { began: '2026-11-30T10:01:05.000Z', over: false, packets: [ping], more: 0 }]];
    await trace.begin();
    await vi.advanceTimersByTimeAsync(5_000);
    expect([trace.phase, trace.packets.length, calls.length]).toEqual(['over', 2, 2]);
  });

  it('is not read when nobody looks, and fails where it may not be read any more', async () => {
    const trace = new PacketTrace(devices, 'a');
    answers = [part(1), [404, { code: 'no_such_device' }]];
    await trace.begin();
    trace.stop();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(calls.length).toBe(1);

    answers = [part(0), [404, { code: 'no_such_device' }]];
    await trace.begin();
    await vi.advanceTimersByTimeAsync(5_000);
    expect([trace.phase, trace.problem?.code, calls.length]).toEqual(['failed', 'no_such_device', 3]);

    answers = [[409, { code: 'trace_running' }]];
    await trace.begin();
    expect([trace.phase, trace.problem?.code, trace.packets]).toEqual(['failed', 'trace_running', []]);
  });

  it('says what MQTT calls it', () => {
    expect(detailsOf({ ...ping, qos: 1, retain: true, dup: true, id: 7, bytes: 42 })).toBe('QoS 1 · retain · DUP · #7 · 42 B');
    expect(detailsOf({ ...ping, codes: [135, 1], bytes: 6 })).toBe('6 B · 0x87 Not authorized · 0x01');
    expect([isRefusal(ping), isRefusal({ ...ping, codes: [1] }), isRefusal({ ...ping, codes: [0, 0x80] })]).toEqual([false, false, true]);
  });
});

it('has the hour, the minute and the second of a packet, and its milliseconds', () => {
  expect([new Date(2026, 10, 30, 16, 36, 24, 862), new Date(2026, 10, 30, 0, 0, 4, 7)].map((at) => clockOf(at.toISOString()))).toEqual(['16:36:24.862', '00:00:04.007']);
});
