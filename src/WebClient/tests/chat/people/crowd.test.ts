import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CrowdState } from '../../../src/chat/people/crowd.svelte';

const person = (user: string) => ({ user, name: user, kind: 'guest', since: '2026-11-23T06:59:12.000Z' });

/** What was asked, and answers that come when the test says so. */
class Server {
  readonly asked: string[] = [];
  readonly #waiting: ((response: Response) => void)[] = [];

  fetch = (path: string): Promise<Response> => {
    this.asked.push(path);
    return new Promise((resolve) => this.#waiting.push(resolve));
  };

  /** The oldest question that has no answer. */
  async answer(users: string[], next: string | null = null, status = 200): Promise<void> {
    await vi.waitFor(() => expect(this.#waiting.length).toBeGreaterThan(0));
    this.#waiting.shift()!(Response.json({ people: users.map(person), next }, { status }));
    await vi.advanceTimersByTimeAsync(0);
  }
}

const path = '/api/rooms/lobby/people?limit=100';
const users = (crowd: CrowdState) => crowd.list.map(({ user }) => user);

describe('CrowdState', () => {
  let server: Server;
  let crowd: CrowdState;

  beforeEach(() => {
    vi.useFakeTimers();
    server = new Server();
    vi.stubGlobal('fetch', server.fetch);
    crowd = new CrowdState('lobby');
  });

  afterEach(() => {
    crowd.stop();
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it('R1: asks for nothing by itself, and for a page when the reader comes near the end of what is there', async () => {
    expect(server.asked).toEqual([]);
    void crowd.read();
    expect(server.asked).toEqual([path]);
    await server.answer(['a', 'b'], 'b 1');
    expect([users(crowd), crowd.hasMore]).toEqual([['a', 'b'], true]);
    void crowd.readMore();
    void crowd.readMore();
    expect(server.asked.slice(1)).toEqual([`${path}&after=b+1`]);
    // Somebody who has a new name may come twice.
    await server.answer(['b', 'c']);
    expect([users(crowd), crowd.hasMore]).toEqual([['a', 'b', 'c'], false]);
    await crowd.readMore();
    expect(server.asked).toHaveLength(2);
  });

  it('R1: looks for somebody when the reader pauses, and takes no answer to what was looked for before', async () => {
    crowd.look('an');
    crowd.look('ana');
    expect(crowd.reading).toBe(true);
    await vi.advanceTimersByTimeAsync(300);
    expect(server.asked).toEqual([`${path}&search=ana`]);
    crowd.look('bea');
    await server.answer(['ana']);
    expect(users(crowd)).toEqual([]);
    await vi.advanceTimersByTimeAsync(300);
    await server.answer(['bea']);
    expect([users(crowd), crowd.reading]).toEqual([['bea'], false]);
    // Everybody was not asked for.
    crowd.look('');
    await vi.advanceTimersByTimeAsync(300);
    expect([users(crowd), crowd.reading, server.asked.length]).toEqual([[], false, 2]);
  });

  it('R1: asks for a page that failed when the reader says so', async () => {
    void crowd.read();
    await server.answer([], null, 503);
    expect(crowd.problem?.status).toBe(503);
    await crowd.readMore();
    expect(server.asked).toHaveLength(1);
    void crowd.read();
    await server.answer(['a']);
    expect([crowd.problem, users(crowd)]).toEqual([null, ['a']]);
  });
});
