import { afterEach, describe, expect, it, vi } from 'vitest';
import { Copying } from '../../src/lib/copying.svelte';

afterEach(() => vi.unstubAllGlobals());

/** A browser that lets the page write to its clipboard, or not, in the new way and in the old one. */
function clipboard(writes: boolean): void {
  const area = { style: {}, select() {}, remove() {} };
  vi.stubGlobal('navigator', { clipboard: { writeText: () => (writes ? Promise.resolve() : Promise.reject(new Error('not allowed'))) } });
  vi.stubGlobal('document', { createElement: () => area, body: { append() {} }, activeElement: null, execCommand: () => false });
  vi.stubGlobal('HTMLElement', class {});
}

describe('Copying', () => {
  it('knows what was copied last', async () => {
    clipboard(true);
    const copying = new Copying();
    await copying.copy('hello', 'first');
    await copying.copy('world', 'second');
    expect([copying.outcome, copying.copied]).toEqual(['copied', 'second']);
    copying.clear();
    expect([copying.outcome, copying.copied]).toEqual([null, null]);
  });

  it('says so when the browser refuses', async () => {
    clipboard(false);
    const copying = new Copying();
    await copying.copy('hello', 'first');
    expect([copying.outcome, copying.copied]).toEqual(['notCopied', null]);
  });
});
