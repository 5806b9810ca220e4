import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const folder = join(import.meta.dirname, '../src');
const components = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.svelte'))
  .map((name) => ({ name: name.replaceAll('\\', '/'), text: readFileSync(join(folder, name), 'utf8') }));

/** The components that have this, by name. */
const having = (pattern: RegExp) => components.filter(({ text }) => pattern.test(text)).map(({ name }) => name).sort();

describe('All components', () => {
  it('leave a button that waits its focus: none is `disabled`, they are `aria-disabled`', () => {
    expect(having(/aria-disabled=\{/).length).toBeGreaterThan(1);
    expect(having(/(?<!aria-)\bdisabled=\{/)).toEqual([]);
  });

  it('open the one dialog that knows where the focus goes when its opener is gone, and the drawer', () => {
    expect(having(/<dialog\b/)).toEqual(['ui/Dialog.svelte', 'ui/Drawer.svelte']);
  });

  it('tell what devices say apart by its place or key: two names may be the same, and that stops the drawing', () => {
    expect(having(/\{#each \w+ as .*\(\w+\.key\)\}/).length).toBeGreaterThan(0);
    expect(having(/\{#each .*\((\w+\.)?name\)\}/).filter((name) => name.startsWith('chat/devices/'))).toEqual([]);
  });
});
