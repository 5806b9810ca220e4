import { describe, expect, it } from 'vitest';
import { splitLinks } from '../../src/lib/links';

const links = (text: string) => splitLinks(text).flatMap((part) => (part.kind === 'link' ? [part.href] : []));

describe('splitLinks', () => {
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

  it('is quick about long text without links', () => {
    const text = 'h'.repeat(4000) + 'http:/'.repeat(600) + ')'.repeat(4000);
    expect(splitLinks(text)).toEqual([{ kind: 'text', text }]);
  });
});
