import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Published } from '../../../src/chat/link/link';
import { ReadPositions } from '../../../src/chat/rooms/readPositions';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

async function attached(answer: () => Promise<Published> = () => Promise.resolve({ ok: true, logged: null })) {
  const said: string[] = [];
  const wentBack: string[] = [];
  const positions = new ReadPositions({ me: 'ana', told() {}, wentBack: (room) => void wentBack.push(room) });
  await positions.attach(
    {
      subscribe: () => Promise.resolve('granted' as const),
      publish: (topic, payload) => {
        said.push(`${topic} ${payload}`);
        return answer();
      },
    },
    true,
  );
  return { said, wentBack, positions };
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

it('says nothing twice that is on its way, and again what was lost', async () => {
  const answers: ((answer: Published) => void)[] = [];
  const { said, wentBack, positions } = await attached(() => new Promise((resolve) => answers.push(resolve)));
  positions.goBack('lobby', 2, 'e');
  await vi.advanceTimersByTimeAsync(5_000);
  expect([said.length, wentBack]).toEqual([1, []]);
  answers[0]!('lost');
  await vi.advanceTimersByTimeAsync(1_000);
  expect(said).toHaveLength(2);
  answers[1]!({ ok: true, logged: null });
  await vi.advanceTimersByTimeAsync(5_000);
  expect([said.length, wentBack]).toEqual([2, ['lobby']]);
});
