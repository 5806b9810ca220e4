import { svelte } from '@sveltejs/vite-plugin-svelte';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { compress } from './build/compress.ts';
import { firstLoad } from './build/firstLoad.ts';
import { slimEmoji } from './build/slimEmoji.ts';

const lean = (name: string) => fileURLToPath(new URL(`./src/chat/link/lean/${name}`, import.meta.url));

type ModuleInfo = { isEntry: boolean; importers: readonly string[] } | null;

/** Whether a module for which `begins` holds imports it, at whatever remove, without waiting until it is wanted. */
function isImportedBy(begins: (id: string, info: ModuleInfo) => boolean, id: string, infoOf: (id: string) => ModuleInfo): boolean {
  const seen = new Set([id]);
  for (const one of seen) {
    const info = infoOf(one);
    if (begins(one, info)) return true;
    for (const importer of info?.importers ?? []) seen.add(importer);
  }
  return false;
}

const isDoor = (_id: string, info: ModuleInfo) => info?.isEntry === true;
/** What a first visit loads behind the door. */
const isChat = (id: string) => /[\\/]src[\\/]chat[\\/](index|link[\\/]link)\.ts$/.test(id);
const isOfAccount = (id: string) => /[\\/]src[\\/]account[\\/]/.test(id);

export default defineConfig({
  plugins: [slimEmoji(), svelte(), firstLoad(), compress()],
  // Relative to the document's <base>: the same build serves every base path.
  base: './',
  resolve: {
    // The MQTT library is written for Node.js and brings much of it along: the page takes what it uses. Half of the library's weight is what is left out.
    alias: [
      { find: /^bl$/, replacement: 'bl/BufferList' },
      { find: /^debug$/, replacement: lean('debug.cjs') },
      { find: /^process\/$/, replacement: lean('process.ts') },
      { find: /^readable-stream$/, replacement: lean('readableStream.cjs') },
      { find: /^(abort-controller|lru-cache|worker-timers|ws)$/, replacement: lean('unused.ts') },
    ],
  },
  build: {
    outDir: 'dist',
    target: ['es2023', 'chrome123', 'firefox120', 'safari17.5'],
    // Of their own: taking a year among the targets for a browser that lacks `light-dark()`, Lightning CSS puts media queries in its place, and the choice
    // of colours has no effect.
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    // The polyfill is an inline script, which the server's content security policy refuses.
    modulePreload: { polyfill: false },
    // A data: URL would be refused for scripts and fonts; every asset is a file.
    assetsInlineLimit: 0,
    reportCompressedSize: true,
    chunkSizeWarningLimit: 600,
    // What several parts use goes into one file, not into one for each pair of them: on a slow line each file costs more than its bytes.
    // What parts behind the door share comes with the chat if that uses it, and the door does not load it; what only later parts share is of its own.
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            { name: (id, modules) => (isImportedBy(isDoor, id, (one) => modules.getModuleInfo(one)) ? 'shared' : null), minShareCount: 2, priority: 3 },
            { name: (id, modules) => (isImportedBy(isChat, id, (one) => modules.getModuleInfo(one)) ? 'chat' : null), minShareCount: 2, priority: 2 },
            { name: (id) => (isOfAccount(id) ? null : 'later'), minShareCount: 2, priority: 1 },
            // What the pages of one's account share with a dialog of the chat: neither door nor chat loads it.
            { name: (id) => (isOfAccount(id) ? 'account' : null), minShareCount: 2, priority: 0 },
          ],
        },
      },
    },
  },
  worker: { format: 'es' },
  server: {
    // `npm run dev` beside a running server: the page comes from Vite, everything else from WebMessenger.
    proxy: {
      '/api': 'http://localhost:8080',
      '/mqtt': { target: 'ws://localhost:8080', ws: true },
    },
  },
  test: {
    include: ['tests/**/*.test.ts'],
    setupFiles: ['tests/setup.ts'],
    // Milliseconds: a machine that does much else takes its time.
    testTimeout: 30_000,
  },
});
