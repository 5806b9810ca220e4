import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, type Plugin, type ResolvedConfig, type Rolldown } from 'vite';
import type { PartName } from '../src/app/preload';

/** Where each part begins: the module that is imported when it is wanted. */
const begins: Record<PartName, string> = {
  en: 'src/i18n/enDoor.ts',
  'pt-BR': 'src/i18n/ptBRDoor.ts',
  'en.inside': 'src/i18n/en.ts',
  'pt-BR.inside': 'src/i18n/ptBR.ts',
  chat: 'src/chat/index.ts',
  link: 'src/chat/link/link.ts',
};

/** What few visits need: the service worker does not fetch it ahead, or each of them would cost as much again. */
const few = /\/(lib\/highlight\/highlighter\.ts|emojibase-data\/.*\.json)$/;

/**
 * Makes the two scripts that must know how the rest of the page turned out: the document's first one (`src/app/first.ts`), which knows the files of each part,
 * and the service worker (`src/sw`), which knows all that it keeps.
 */
export function firstLoad(): Plugin {
  let config: ResolvedConfig;
  let first: { fileName: string; source: string } | null = null;

  return {
    name: 'webmessenger-first-load',
    configResolved(resolved) {
      config = resolved;
    },
    transformIndexHtml: {
      order: 'post',
      async handler(html, { bundle }) {
        if (!bundle) return withFirst(html, '/src/app/first.ts');
        const source = await script(config, 'src/app/first.ts', { PARTS: JSON.stringify(parts(bundle, config.root)) });
        first = { fileName: `assets/first-${hash([source])}.js`, source };
        return withFirst(html, `./${first.fileName}`);
      },
    },
    generateBundle: {
      order: 'post',
      async handler(_options, bundle) {
        if (first) this.emitFile({ type: 'asset', ...first });
        const made = Object.values(bundle).filter((file) => file.fileName !== 'index.html');
        const contents = new Map(made.map((file) => [file.fileName, file.type === 'chunk' ? file.code : file.source]));
        if (first) contents.set(first.fileName, first.source);
        for (const name of readdirSync(config.publicDir)) contents.set(name, readFileSync(join(config.publicDir, name)));
        const files = [...contents.keys()].sort();
        const late = new Set(made.filter((file) => file.type === 'chunk' && file.facadeModuleId !== null && few.test(file.facadeModuleId)).map((file) => file.fileName));
        const version = hash(files.flatMap((name) => [name, contents.get(name)!]));
        const source = await script(config, 'src/sw/serviceWorker.ts', { FILES: JSON.stringify(files.filter((name) => !late.has(name))), VERSION: JSON.stringify(version) });
        this.emitFile({ type: 'asset', fileName: 'sw.js', source });
      },
    },
  };
}

/** Behind `<base>`, by which it is found; before the styles, for which a script behind them would wait. */
function withFirst(html: string, src: string): string {
  const page = html.indexOf('<script type="module"');
  if (page < 0) throw new Error('index.html has no script of the page.');
  return `${html.slice(0, page)}<script src="${src}"></script>\n    ${html.slice(page)}`;
}

/** The files of each part that the page itself does not load anyway. */
function parts(bundle: Rolldown.OutputBundle, root: string): Record<string, string[]> {
  const chunks = Object.values(bundle).filter((file) => file.type === 'chunk');
  const loaded = new Set(chunks.filter((chunk) => chunk.isEntry).flatMap((chunk) => closure(bundle, chunk.fileName)));
  return Object.fromEntries(
    Object.entries(begins).map(([part, module]) => {
      const chunk = chunks.find((one) => one.facadeModuleId === join(root, module));
      if (!chunk) throw new Error(`${module} has no chunk of its own: is it still imported only when it is wanted?`);
      return [part, closure(bundle, chunk.fileName).filter((file) => !loaded.has(file))];
    }),
  );
}

/** A chunk, its styles, and what it imports. */
function closure(bundle: Rolldown.OutputBundle, fileName: string, seen = new Set<string>()): string[] {
  const chunk = bundle[fileName];
  if (chunk?.type !== 'chunk' || seen.has(fileName)) return [...seen];
  seen.add(fileName);
  for (const style of chunk.viteMetadata?.importedCss ?? []) seen.add(style);
  for (const imported of chunk.imports) closure(bundle, imported, seen);
  return [...seen];
}

/** One classic script without imports. */
async function script(config: ResolvedConfig, entry: string, define: Record<string, string>): Promise<string> {
  const made = await build({
    configFile: false,
    root: config.root,
    publicDir: false,
    logLevel: 'warn',
    define,
    build: {
      write: false,
      target: config.build.target || 'es2023',
      modulePreload: false,
      rolldownOptions: { input: join(config.root, entry), output: { format: 'iife' } },
    },
  });
  const [output] = 'output' in made ? made.output : [];
  if (output?.type !== 'chunk') throw new Error(`${entry} was not built.`);
  return output.code;
}

function hash(contents: (string | Uint8Array)[]): string {
  const sum = createHash('sha256');
  for (const content of contents) sum.update(content).update('\0');
  return sum.digest('base64url').slice(0, 10);
}
