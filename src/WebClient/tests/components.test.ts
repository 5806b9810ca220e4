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
});
