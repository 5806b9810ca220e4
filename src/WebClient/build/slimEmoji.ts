import type { Plugin } from 'vite';

interface Labelled {
  hexcode: string;
  unicode: string;
  label: string;
  tags?: string[];
  order?: number;
  group?: number;
}

/** Of the data of emoji the page takes what they are found by: half of it is their skin tones. */
export function slimEmoji(): Plugin {
  return {
    name: 'webmessenger-slim-emoji',
    // Before it becomes a module.
    enforce: 'pre',
    transform(code, id) {
      if (!/\/emojibase-data\/\w+\/compact\.json$/.test(id)) return null;
      const all = JSON.parse(code) as Labelled[];
      return JSON.stringify(all.map(({ hexcode, unicode, label, tags, order, group }) => ({ hexcode, unicode, label, tags, order, group })));
    },
  };
}
