import { beforeEach, expect, it, vi } from 'vitest';
import { Composing, type Composed } from '../../../src/chat/compose/composing.svelte';
import type { About } from '../../../src/store/store';

let about: About | null;
let epoch: string | null;
const here = new Map<number, Composed>();
const read = vi.fn(async (_seq: number): Promise<Composed | null> => null);
const log = { about: () => about, turn: (next: About | null) => void (about = next), epoch: () => epoch, find: (seq: number) => here.get(seq) ?? null, read };
const said = (text: string, deleted = false): Composed => ({ name: 'Ana', text, deleted });

beforeEach(() => {
  [about, epoch] = [null, 'e'];
  here.clear();
  read.mockClear();
  here.set(1, said('hi')).set(2, said('mine'));
});

it('is about one thing at a time', () => {
  const composing = new Composing(log);
  composing.answer(1);
  expect(composing.reply).toEqual({ seq: 1, name: 'Ana', text: 'hi', gone: false });
  composing.change(2);
  expect([composing.reply, composing.edit?.seq, composing.text, composing.calls]).toEqual([null, 2, 'mine', 2]);
  composing.answer(1);
  expect(composing.edit).toBeNull();
  composing.leave();
  expect([composing.reply, composing.edit, composing.text]).toEqual([null, null, '']);
});

it('has the same before it after a reload, and keeps no words but those that were changed', () => {
  const before = new Composing(log);
  before.answer(1);
  expect(new Composing(log).reply).toMatchObject({ seq: 1, text: 'hi' });
  before.change(2);
  expect(JSON.stringify(about)).not.toContain('mine');
  before.text = 'mine, and more';
  const after = new Composing(log);
  expect([after.edit?.seq, after.text]).toEqual([2, 'mine, and more']);
  after.text = 'mine';
  expect(about).toEqual({ what: 'edit', of: 2, epoch: 'e', text: null });
});

it('keeps the words of a change whose message is deleted meanwhile, and those alone', () => {
  const composing = new Composing(log);
  composing.change(2);
  here.set(2, said('', true));
  composing.gone(2);
  expect([composing.edit, composing.stray]).toEqual([null, null]);
  here.set(2, said('mine'));
  composing.change(2);
  composing.text = 'mine, and more';
  composing.gone(3);
  expect(composing.edit).not.toBeNull();
  here.set(2, said('', true));
  composing.gone(2);
  expect(composing.takeStray()).toBe('mine, and more');
  expect(composing.takeStray()).toBeNull();
});

it('says that the message is gone that is answered, and forgets its words', () => {
  const composing = new Composing(log);
  composing.answer(1);
  here.set(1, said('', true));
  composing.gone(1);
  expect(composing.reply).toEqual({ seq: 1, name: 'Ana', text: null, gone: true });
  here.delete(1);
  composing.gone(1);
  expect(composing.reply).toMatchObject({ text: null, gone: true });
});

it('takes a message for gone that another life of the log had', () => {
  about = { what: 'reply', of: 1, epoch: 'before' };
  const composing = new Composing(log);
  expect(composing.reply).toMatchObject({ text: null, gone: true });
  epoch = null;
  expect(new Composing(log).reply).toMatchObject({ gone: false });
});

it('asks the server once for what is not here, and again when the connection is back', async () => {
  about = { what: 'edit', of: 9, epoch: 'e', text: 'half' };
  const composing = new Composing(log);
  composing.look();
  composing.look();
  await vi.waitFor(() => expect(read).toHaveBeenCalledTimes(1));
  read.mockResolvedValueOnce(said('', true));
  composing.lookAgain();
  await vi.waitFor(() => expect(composing.stray).toEqual({ text: 'half', why: 'gone' }));
  expect(read.mock.calls).toEqual([[9], [9]]);
  expect(composing.edit).toBeNull();
});
