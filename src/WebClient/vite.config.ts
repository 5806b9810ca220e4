import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';
import { compress } from './build/compress.ts';

export default defineConfig({
  plugins: [svelte(), compress()],
  // Relative to the document's <base>: the same build serves every base path.
  base: './',
  build: {
    outDir: 'dist',
    target: ['es2023', 'chrome123', 'firefox120', 'safari17.5'],
    // The polyfill is an inline script, which the server's content security policy refuses.
    modulePreload: { polyfill: false },
    // A data: URL would be refused for scripts and fonts; every asset is a file.
    assetsInlineLimit: 0,
    reportCompressedSize: true,
    chunkSizeWarningLimit: 600,
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
  },
});
