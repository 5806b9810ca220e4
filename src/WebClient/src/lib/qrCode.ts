import { encode } from 'uqr';

/** A text as a QR code: `size` modules wide and high, the quiet zone around it among them. `path`: its dark modules in those units, as SVG draws them. */
export interface QrCode {
  size: number;
  path: string;
}

/** Modules that stay light around it (ISO/IEC 18004, 9.1): readers find no code without them. */
const quietZone = 4;
/** Of the picture that is saved: sharp when it is printed as large as a hand. */
const pixels = 1_024;

/** One seventh of it may be covered or blurred. */
export function qrCodeOf(text: string): QrCode {
  const { size, data } = encode(text, { ecc: 'M', border: quietZone });
  return { size, path: data.flatMap((row, y) => runsOf(row).map(({ from, length }) => `M${from} ${y}h${length}v1h-${length}z`)).join('') };
}

export function svgOf({ size, path }: QrCode): Blob {
  const text = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size} ${size}" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h${size}v${size}H0z"/><path d="${path}"/></svg>`;
  return new Blob([text], { type: 'image/svg+xml' });
}

/** Null: this browser draws none. */
export async function pngOf({ size, path }: QrCode): Promise<Blob | null> {
  const canvas = document.createElement('canvas');
  const scale = Math.ceil(pixels / size);
  canvas.width = canvas.height = size * scale;
  const context = canvas.getContext('2d');
  if (context === null) return null;
  context.fillStyle = '#fff';
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.scale(scale, scale);
  context.fillStyle = '#000';
  context.fill(new Path2D(path));
  return new Promise((resolve) => canvas.toBlob(resolve, 'image/png'));
}

function runsOf(row: readonly boolean[]): { from: number; length: number }[] {
  const runs: { from: number; length: number }[] = [];
  row.forEach((isDark, x) => {
    if (!isDark) return;
    const last = runs.at(-1);
    if (last && last.from + last.length === x) last.length++;
    else runs.push({ from: x, length: 1 });
  });
  return runs;
}
