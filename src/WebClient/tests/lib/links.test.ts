import { describe, expect, it } from 'vitest';
import { inlines } from '../../src/lib/format/inline';
import { Budget, type Inline } from '../../src/lib/format/tree';

type Part = Exclude<Inline, { children: Inline[] }>;

/** The texts here have no marks: all that there is in their trees is text and links. */
const splitLinks = (text: string) => inlines(text, new Budget()) as Part[];

const links = (text: string) => splitLinks(text).flatMap((part) => (part.kind === 'link' ? [part.href] : []));

describe('Links', () => {
  it('finds http and https links and keeps every character', () => {
    const text = 'see https://example.org/a?b=c#d and http://example.net, ok';
    const parts = splitLinks(text);
    expect(parts.map((part) => part.text).join('')).toBe(text);
    expect(links(text)).toEqual(['https://example.org/a?b=c#d', 'http://example.net/']);
  });

  it.each([
    ['https://example.org.', 'https://example.org/'],
    ['(https://example.org/x)', 'https://example.org/x'],
    ['https://en.wikipedia.org/wiki/A_(b)', 'https://en.wikipedia.org/wiki/A_(b)'],
    ['https://example.org/x?!', 'https://example.org/x'],
  ])('leaves the punctuation around %s out', (text, href) => expect(links(text)).toEqual([href]));

  it.each(['javascript:alert(1)', 'data:text/html,x', 'vbscript:x', 'file:///etc/passwd', 'ftp://example.org', 'https://', 'java\nscript:alert(1)'])(
    'Attack_52: %s stays text',
    (text) => {
      expect(links('https://example.org')).toHaveLength(1);
      expect(splitLinks(text)).toEqual([{ kind: 'text', text }]);
    },
  );

  it('does not follow a link that shows one host and opens another', () => {
    expect(links('https://bank.example@evil.example/')).toEqual([]);
  });

  it('ends a link at a quote or an angle bracket', () => {
    expect(links('https://example.org/"onclick=alert(1)')).toEqual(['https://example.org/']);
    expect(links('<https://example.org/>')).toEqual(['https://example.org/']);
  });

  it.each([
    ['“https://example.org/x”', '”'],
    ['«https://example.org/x»', '»'],
    ['‹https://example.org/x›', '›'],
    ['‘https://example.org/x’', '’'],
    ['（https://example.org/x）です', '）です'],
    ['「https://example.org/x」', '」'],
    ['『https://example.org/x』', '』'],
    ['看https://example.org/x。再见', '。再见'],
    ['看https://example.org/x，再见', '，再见'],
    ['https://example.org/x、https', '、https'],
    ['https://example.org/x！', '！'],
    ['https://example.org/x：例', '：例'],
    ['他说“https://example.org/x”。', '”。'],
    ['https://example.org/x’s', null],
  ])('B17: closing quotes and CJK marks end the link in %s', (text, rest) => {
    const parts = splitLinks(text);
    expect(parts.map((part) => part.text).join('')).toBe(text);
    const href = rest === null ? `https://example.org/x${encodeURIComponent('’')}s` : 'https://example.org/x';
    expect(links(text)).toEqual([href]);
    if (rest !== null) expect(parts.at(-1)).toEqual({ kind: 'text', text: rest });
  });

  it.each([
    ['a soft hyphen', 'https://exam\u00adple.org/', 'https://example.org/'],
    ['a fraction slash', 'https://bank.example\u2044evil.example/', null],
    ['a division slash', 'https://bank.example\u2215evil.example/', null],
    ['a combining solidus', 'https://bank.example\u0338evil.example/', null],
    ['Cyrillic', 'https://аpple.example/', 'https://xn--pple-43d.example/'],
    ['full-width letters', 'https://ｅvil.example/', 'https://evil.example/'],
    ['capital letters', 'https://PayPaI.example/', 'https://paypai.example/'],
    ['percent signs', 'https://%65vil.example/a', 'https://evil.example/a'],
    ['a number', 'http://0x7f000001/', 'http://127.0.0.1/'],
    ['backslashes', 'https://evil.example\\@bank.example', 'https://evil.example/@bank.example'],
    ['more slashes', 'https:///evil.example/bank.example', 'https://evil.example/bank.example'],
    ['letters beyond ASCII', 'https://bücher.example/straße', 'https://xn--bcher-kva.example/stra%C3%9Fe'],
  ])('S9: a host written with %s is shown as the browser opens it', (_, text, href) => {
    expect(splitLinks('https://example.org/ä?ö#ü')).toMatchObject([{ kind: 'link', text: 'https://example.org/ä?ö#ü' }]);
    const parts = splitLinks(text);
    // Some versions of Unicode forbid such a host: then it is no link.
    if (!URL.canParse(text)) return expect(parts).toEqual([{ kind: 'text', text }]);
    expect(parts).toEqual([{ kind: 'link', text: href ?? new URL(text).href, href: href ?? new URL(text).href }]);
    expect(parts[0]!.text).toMatch(/^[\x20-\x7e]+$/);
  });

  it.each(['\u202e', '\u202d', '\u2067', '\u2066', '\u200f', '\u061c'])('S9: %j is part of no link, and ends with the text that it stands in', (control) => {
    const text = `${control}see https://example.org/${control}moc.knab and https://example.net`;
    const parts = splitLinks(text);
    expect(parts.filter((part) => part.kind === 'link').map((part) => part.text)).toEqual(['https://example.org/', 'https://example.net']);
    const opens = /[\u202a\u202b\u202d\u202e\u2066-\u2068]/g;
    const closes = /[\u202c\u2069]/g;
    for (const part of parts) expect(part.text.match(closes)?.length ?? 0).toBe(part.text.match(opens)?.length ?? 0);
  });

  it('S9: a host that is longer than a name may be is no link', () => {
    const named = (length: number) => `https://${`${'a'.repeat(49)}.`.repeat(length / 50)}org/`;
    expect(links(named(200))).toHaveLength(1);
    expect(links(named(300))).toEqual([]);
    expect(links(`https://${'ä'.repeat(300)}.org/`)).toEqual([]);
  });

  it.each([
    ['closing brackets', (n: number) => `https://a${')]}'.repeat(n)}`],
    ['brackets of all kinds', (n: number) => `https://a/${'([{'.repeat(n)}${'}]).'.repeat(n)}`],
    ['full stops', (n: number) => `https://a${'.,;'.repeat(n)}`],
    ['beginnings', (n: number) => 'https://'.repeat(n)],
    ['links', (n: number) => 'https://a.b/) '.repeat(n)],
    ['controls', (n: number) => '\u202e\u2067'.repeat(n) + '\u2069\u202c'.repeat(n)],
    ['lines of controls', (n: number) => '\u202e\u2067\n'.repeat(n)],
  ])('S5: the work for text of %s grows no faster than the text', (_, made) => {
    // Node compares and copies strings in these methods: the characters that they go over are the work.
    const work = (text: string) => {
      let seen = 0;
      const methods = ['split', 'slice', 'substring', 'indexOf', 'lastIndexOf', 'includes', 'replace', 'matchAll', 'startsWith', 'endsWith'] as const;
      const originals = methods.map((name) => String.prototype[name] as (...args: unknown[]) => unknown);
      methods.forEach((name, index) => {
        Object.defineProperty(String.prototype, name, {
          value(this: string, ...args: unknown[]) {
            const result = originals[index]!.apply(this, args);
            seen += name === 'slice' || name === 'substring' ? String(result).length : this.length;
            return result;
          },
          configurable: true,
          writable: true,
        });
      });
      try {
        splitLinks(text);
      } finally {
        methods.forEach((name, index) => Object.defineProperty(String.prototype, name, { value: originals[index], configurable: true, writable: true }));
      }
      return seen;
    };
    const [once, fourfold] = [work(made(250)), work(made(1_000))];
    expect(once).toBeGreaterThan(0);
    expect(fourfold).toBeLessThanOrEqual(once * 6);
  });

  it('is quick about long text without links', () => {
    const text = 'h'.repeat(4000) + 'http:/'.repeat(600) + ')'.repeat(4000);
    expect(splitLinks(text)).toEqual([{ kind: 'text', text }]);
  });

  it('www. leads to the web, and shows the host as the browser has it', () => {
    expect(splitLinks('see www.example.org/a, or WWW.Example.org')).toEqual([
      { kind: 'text', text: 'see ' },
      { kind: 'link', text: 'www.example.org/a', href: 'https://www.example.org/a' },
      { kind: 'text', text: ', or ' },
      { kind: 'link', text: 'https://www.example.org/', href: 'https://www.example.org/' },
    ]);
    expect(splitLinks('www.аpple.example')).toMatchObject([{ text: 'https://www.xn--pple-43d.example/' }]);
    for (const text of ['www.', 'www.example', 'awww.example.org', 'www..org', 'www.bank.example@evil.example/']) expect(links(text).filter((href) => href.startsWith('http')), text).toEqual([]);
  });

  it('an e-mail address opens a letter, and only one of plain letters does', () => {
    expect(splitLinks('ask ana.maria+x@mail.example.org.')).toEqual([
      { kind: 'text', text: 'ask ' },
      { kind: 'link', text: 'ana.maria+x@mail.example.org', href: 'mailto:ana.maria+x@mail.example.org' },
      { kind: 'text', text: '.' },
    ]);
    expect(links('https://a.example/?to=x@b.example and y@c.example')).toEqual(['https://a.example/?to=x@b.example', 'mailto:y@c.example']);
    for (const text of ['@ana', 'ana@host', 'anà@example.org', 'ana@exаmple.org', 'a@b.c', 'user:pw@example.org', 'ana@example.org@evil.example', 'ana?bcc=x@example.org']) {
      expect(links(text), text).toEqual([]);
    }
  });

  it('a link in bold ends before the marks', () => {
    expect(inlines('**https://example.org/a_b**', new Budget())).toEqual([{ kind: 'strong', children: [{ kind: 'link', text: 'https://example.org/a_b', href: 'https://example.org/a_b' }] }]);
  });

  it('S9: a link that is called something says where it leads', () => {
    expect(splitLinks('[the docs](https://example.org/a_(b))')).toEqual([{ kind: 'link', text: 'the docs', href: 'https://example.org/a_(b)', host: 'example.org' }]);
    expect(splitLinks('[the docs](https://аpple.example/)')).toMatchObject([{ host: 'xn--pple-43d.example' }]);
  });

  it.each(['[https://bank.example](https://evil.example)', '[bank.example](https://evil.example)', '[www.bank](https://evil.example)', '[me@bank](https://evil.example)'])(
    'S9: %s does not hide behind another address',
    (text) => {
      const parts = splitLinks(text);
      expect(parts.map((part) => part.text.replace(/\/$/, '')).join('')).toBe(text);
      for (const part of parts) if (part.kind === 'link') expect(new URL(part.href).host).toBe(new URL(part.text).host);
    },
  );

  it.each(['[x](javascript:alert(1))', '[x](data:text/html,y)', '[x](//evil.example)', '[x](https://a@evil.example/)', '[x](/api/session)', '[ ](https://evil.example)'])(
    'Attack_52: %s is no link that is called x',
    (text) => expect(splitLinks(text).filter((part) => 'host' in part)).toEqual([]),
  );
});
