import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ReadPositions } from '../../../src/chat/rooms/readPositions';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

async function attached() {
  const said: string[] = [];
  const positions = new ReadPositions({ me: 'ana', told() {} });
  await positions.attach(
    {
      subscribe: () => Promise.resolve('granted' as const),
      publish: (topic, payload) => {
        said.push(`${topic} ${payload}`);
        return Promise.resolve({ ok: true as const, logged: null });
      },
    },
    true,
  );
  return { said, positions };
}

it('says at most once a second how far it has been read', async () => {
  const { said, positions } = await attached();
  for (const seq of [3, 4, 5]) positions.read('lobby', seq, 'e');
  expect(said).toEqual(['users/ana/read/lobby {"seq":3,"epoch":"e"}']);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(said.slice(1)).toEqual(['users/ana/read/lobby {"seq":5,"epoch":"e"}']);
});

it('says at once that the reader has gone back, and nothing older after it', async () => {
  const { said, positions } = await attached();
  positions.read('lobby', 4, 'e');
  positions.read('lobby', 5, 'e');
  positions.goBack('lobby', 2, 'e');
  expect(said.slice(1)).toEqual(['users/ana/read/lobby {"seq":2,"epoch":"e","back":true}']);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(said).toHaveLength(2);
});
