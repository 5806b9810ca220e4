import jsQR from 'jsqr';
import { expect, it } from 'vitest';
import { qrCodeOf, type QrCode } from '../../src/lib/qrCode';

/** As a camera sees it, four dots a module. */
function read({ size, path }: QrCode): string | null {
  const scale = 4;
  const width = size * scale;
  const dots = new Uint8ClampedArray(width * width * 4).fill(255);
  for (const [, x, y, length] of path.matchAll(/M(\d+) (\d+)h(\d+)v1h-\d+z/g)) {
    for (let row = Number(y) * scale; row < (Number(y) + 1) * scale; row++) {
      for (let column = Number(x) * scale; column < (Number(x) + Number(length)) * scale; column++) dots.fill(0, (row * width + column) * 4, (row * width + column) * 4 + 3);
    }
  }
  return jsQR(dots, width, width)?.data ?? null;
}

it.each(['http://localhost:8080/i#q83vEjRWeJC4pL0aZ7tYxg', 'https://chat.example.org/talk/here/i#q83vEjRWeJC4pL0aZ7tYxg', `https://${'a-long-name.'.repeat(15)}example.org/i#q83vEjRWeJC4pL0aZ7tYxg`])(
  'is read again as the link that it was made of: %s',
  (url) => {
    expect(read(qrCodeOf(url))).toBe(url);
  },
);

it('keeps four light modules around itself, without which readers do not find it', () => {
  const { size, path } = qrCodeOf('https://chat.example.org/i#q83vEjRWeJC4pL0aZ7tYxg');
  const dark = [...path.matchAll(/M(\d+) (\d+)h(\d+)/g)].map(([, x, y, length]) => [Number(x), Number(x) + Number(length), Number(y)] as const);
  expect([Math.min(...dark.map(([from]) => from)), size - Math.max(...dark.map(([, to]) => to)), Math.min(...dark.map(([, , y]) => y)), size - 1 - Math.max(...dark.map(([, , y]) => y))]).toEqual([4, 4, 4, 4]);
});
