import { render } from 'svelte/server';
import { expect, it } from 'vitest';
import QuietRow from '../../../src/chat/host/QuietRow.svelte';
import type { KeptRoom } from '../../../src/chat/host/roomChanges.svelte';

it('offers to make a room quiet, and not one where nobody writes any more', () => {
  const drawn = (archived: boolean) => render(QuietRow, { props: { room: { room: { rules: { archived } } } as unknown as KeptRoom } }).body;
  expect(drawn(false)).toContain('<button');
  expect(drawn(true)).not.toContain('<button');
});
