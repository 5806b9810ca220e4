/** A colour for a name on light and on dark surfaces, as CSS values. */
export interface NickColour {
  light: string;
  dark: string;
}

export type Rgb = readonly [number, number, number];

/** The least favourable surfaces that a name or avatar is drawn on (see the tokens in app/app.css). */
export const worstLightSurface: Rgb = [0xf3, 0xe8, 0xdb];
export const worstDarkSurface: Rgb = [0x3a, 0x31, 0x4b];

const hues = 24;
const wantedContrast = 4.6;

/** Choosing a colour by contrast takes dozens of steps, and there are few: each is chosen once. */
const chosen: NickColour[] = [];

/** The same name has the same colour everywhere; colours are chosen by contrast, so that every one of them can be read. */
export function nickColour(userName: string): NickColour {
  const index = hash(userName) % hues;
  const hue = index * (360 / hues);
  return (chosen[index] ??= { light: css(readable(hue, worstLightSurface, -1)), dark: css(readable(hue, worstDarkSurface, 1)) });
}

/** Walks from mid lightness away from the surface until the colour can be read on it. */
function readable(hue: number, surface: Rgb, step: 1 | -1): Rgb {
  const saturation = step < 0 ? 0.72 : 0.62;
  let lightness = 50;
  let colour = fromHsl(hue, saturation, lightness / 100);
  while (contrast(colour, surface) < wantedContrast && lightness > 0 && lightness < 100) {
    lightness += step;
    colour = fromHsl(hue, saturation, lightness / 100);
  }
  return colour;
}

function css(colour: Rgb): string {
  return `rgb(${colour.join(' ')})`;
}

/** FNV-1a over code points: short, and stable across browsers and versions. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const char of text) value = Math.imul(value ^ char.codePointAt(0)!, 0x01000193);
  return (value ^ (value >>> 15)) >>> 0;
}

function fromHsl(hue: number, saturation: number, lightness: number): Rgb {
  const chroma = saturation * Math.min(lightness, 1 - lightness);
  const channel = (offset: number): number => {
    const k = (offset + hue / 30) % 12;
    return Math.round(255 * (lightness - chroma * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  };
  return [channel(0), channel(8), channel(4)];
}

/** WCAG 2 contrast ratio. */
export function contrast(a: Rgb, b: Rgb): number {
  const [lighter, darker] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
  return (lighter + 0.05) / (darker + 0.05);
}

function luminance(colour: Rgb): number {
  const [r, g, b] = colour.map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
