import { describe, expect, it } from 'vitest';
import { contrast, nickColour, worstDarkSurface, worstLightSurface, type Rgb } from '../../src/lib/nickColour';

const rgb = (css: string) => css.match(/\d+/g)!.map(Number) as unknown as Rgb;
const names = Array.from({ length: 500 }, (_, index) => `user-${index}`);

describe('nickColour', () => {
  it('can be read on the least favourable surface of both themes', () => {
    for (const name of names) {
      const { light, dark } = nickColour(name);
      expect(contrast(rgb(light), worstLightSurface), `${name} ${light}`).toBeGreaterThanOrEqual(4.5);
      expect(contrast(rgb(dark), worstDarkSurface), `${name} ${dark}`).toBeGreaterThanOrEqual(4.5);
    }
  });

  it('can be read when the avatar turns it around', () => {
    for (const name of names) {
      const { light, dark } = nickColour(name);
      expect(contrast(rgb(light), [255, 255, 255])).toBeGreaterThanOrEqual(4.5);
      expect(contrast(rgb(dark), [0x17, 0x13, 0x1f])).toBeGreaterThanOrEqual(4.5);
    }
  });

  it('is the same for the same name, and not the same for all', () => {
    expect(nickColour('ana')).toEqual(nickColour('ana'));
    expect(new Set(names.map((name) => nickColour(name).light)).size).toBeGreaterThan(20);
  });
});
