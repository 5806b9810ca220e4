import { searchText } from './searchText';

/** Letters of other scripts, and digits, beside the Latin letter that the eye takes them for. */
const twins: Record<string, string> = {
  // Cyrillic
  а: 'a', в: 'b', с: 'c', ԁ: 'd', е: 'e', һ: 'h', і: 'i', ј: 'j', к: 'k', ӏ: 'i', м: 'm', н: 'h', о: 'o', р: 'p', ԛ: 'q', ѕ: 's', т: 't', у: 'y', ѵ: 'v', ԝ: 'w', х: 'x',
  // Greek
  α: 'a', β: 'b', ε: 'e', η: 'n', ι: 'i', κ: 'k', μ: 'm', ν: 'v', ο: 'o', ρ: 'p', τ: 't', υ: 'u', χ: 'x', ζ: 'z', γ: 'y',
  // Small capitals
  ᴀ: 'a', ʙ: 'b', ᴄ: 'c', ᴅ: 'd', ᴇ: 'e', ɢ: 'g', ʜ: 'h', ɪ: 'i', ᴊ: 'j', ᴋ: 'k', ʟ: 'i', ᴍ: 'm', ɴ: 'n', ᴏ: 'o', ᴘ: 'p', ʀ: 'r', ᴛ: 't', ᴜ: 'u', ᴠ: 'v', ᴡ: 'w', ʏ: 'y', ᴢ: 'z',
  // Within Latin: I, l and 1 are one stroke.
  l: 'i', ɡ: 'g', ɑ: 'a', 0: 'o', 1: 'i',
};

/**
 * What is left of a name for a hasty eye: two names of one look may be taken for each other. It is no guard, and finds fewer than the server's rules:
 * it decides where the user name is shown beside the display name.
 */
export function lookOf(name: string): string {
  const letters = searchText(name).replace(/[^\p{L}\p{N}]/gu, '');
  return letters === '' ? name.trim() : [...letters].map((letter) => twins[letter] ?? letter).join('').replaceAll('rn', 'm');
}
