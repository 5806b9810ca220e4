import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import { en as enInside } from '../../src/i18n/en';
import { enAccount } from '../../src/i18n/enAccount';
import { enAdmin } from '../../src/i18n/enAdmin';
import { enDoor } from '../../src/i18n/enDoor';
import { enSeldom } from '../../src/i18n/enSeldom';
import { ptBR as ptBRInside } from '../../src/i18n/ptBR';
import { ptBRAccount } from '../../src/i18n/ptBRAccount';
import { ptBRAdmin } from '../../src/i18n/ptBRAdmin';
import { ptBRDoor } from '../../src/i18n/ptBRDoor';
import { ptBRSeldom } from '../../src/i18n/ptBRSeldom';

const src = join(import.meta.dirname, '../../src');
const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((name) => /\.(svelte|ts)$/.test(name) && !/i18n.(en|ptBR)(Door|Account|Seldom|Bots|Rooms|Guard|Asking|Directory|Admin|ServerSettings|[A-Z]\w*)?\.ts$/.test(name));
const sources = files.map((name) => ({ name, text: readFileSync(join(src, name), 'utf8') }));
const all = sources.map((source) => source.text).join('\n');
const placeholders = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort();

/** Keys made at run time: the prefix stands in a template literal, as in `theme.${name}`. */
const prefixes = [...all.matchAll(/`([a-zA-Z.]+[.a-z])\$\{/g)].map((match) => match[1]!);
const isUsed = (key: string) => {
  const stem = key.replace(/\.(one|other)$/, '');
  return all.includes(`'${key}'`) || all.includes(`'${stem}'`) || prefixes.some((prefix) => key.startsWith(prefix));
};

const en = { ...enDoor, ...enInside, ...enAccount, ...enAdmin, ...enSeldom };
const ptBR = { ...ptBRDoor, ...ptBRInside, ...ptBRAccount, ...ptBRAdmin, ...ptBRSeldom };

/** What the page loads before anybody is in: what is imported when it is wanted is not. */
function loadedAtDoor(path = 'app/main.ts', seen = new Set<string>()): Set<string> {
  const text = sources.find(({ name }) => normalize(name) === normalize(path))?.text;
  if (text === undefined || seen.has(path)) return seen;
  seen.add(path);
  for (const [, name] of text.matchAll(/^\s*(?:import|export) (?!type)(?:[^;]*? from )?'(\.[^']+)';/gm)) {
    const at = join(dirname(path), name!);
    for (const file of [at, `${at}.ts`, join(at, 'index.ts')]) loadedAtDoor(file, seen);
  }
  return seen;
}

describe('catalogues', () => {
  it('have the same keys, each in one part', () => {
    expect(Object.keys(ptBRInside).sort()).toEqual(Object.keys(enInside).sort());
    expect(Object.keys(ptBRDoor).sort()).toEqual(Object.keys(enDoor).sort());
    expect(Object.keys(ptBRAccount).sort()).toEqual(Object.keys(enAccount).sort());
    expect(Object.keys(ptBRAdmin).sort()).toEqual(Object.keys(enAdmin).sort());
    expect(Object.keys(ptBRSeldom).sort()).toEqual(Object.keys(enSeldom).sort());
    expect(Object.keys(en)).toHaveLength([enDoor, enInside, enAccount, enAdmin, enSeldom].reduce((count, part) => count + Object.keys(part).length, 0));
  });

  it('have each key in one file: of two that are spread into the same part, the later one would be said for both', () => {
    for (const language of ['en', 'ptBR']) {
      const parts = readdirSync(join(src, 'i18n')).filter((name) => new RegExp(`^${language}([A-Z]\\w*)?\\.ts$`).test(name));
      const keys = parts.flatMap((name) => [...readFileSync(join(src, 'i18n', name), 'utf8').matchAll(/^ {2}'([^']+)':/gm)].map((match) => match[1]!));
      expect(keys.filter((key, index) => keys.indexOf(key) !== index)).toEqual([]);
      expect(keys).toHaveLength(Object.keys(language === 'en' ? en : ptBR).length);
    }
  });

  it('have at the door each word that is said there, and no others', () => {
    const atDoor = loadedAtDoor();
    expect(atDoor).toContain('session/Door.svelte');
    expect(atDoor).not.toContain('chat/ChatPage.svelte');
    const text = sources.filter(({ name }) => atDoor.has(name)).map((source) => source.text).join('\n');
    const stems = [...text.matchAll(/`([a-zA-Z.]+[.a-z])\$\{/g)].map((match) => match[1]!);
    const isSaid = (key: string) => text.includes(`'${key}'`) || text.includes(`'${key.replace(/\.(one|other)$/, '')}'`) || stems.some((stem) => stem !== 'error.' && key.startsWith(stem));
    expect(Object.keys({ ...enInside, ...enAccount, ...enAdmin, ...enSeldom }).filter(isSaid)).toEqual([]);
    // Which codes come at the door, the server decides.
    expect(Object.keys(enDoor).filter((key) => !isSaid(key) && !key.startsWith('error.'))).toEqual([]);
  });

  it('have the same placeholders in every text', () => {
    for (const key of Object.keys(en) as (keyof typeof en)[]) expect(placeholders(ptBR[key]), key).toEqual(placeholders(en[key]));
  });

  it('have for the pages of the account what nothing else says', () => {
    const others = sources.filter(({ name }) => !name.startsWith('account')).map((source) => source.text).join('\n');
    expect(Object.keys(enAccount).filter((key) => others.includes(`'${key}'`) || others.includes(`'${key.replace(/\.(one|other)$/, '')}'`))).toEqual([]);
  });

  it('have for the pages of the server what nothing else says', () => {
    const others = sources.filter(({ name }) => !/^account.admin/.test(name)).map((source) => source.text).join('\n');
    expect(Object.keys(enAdmin).filter((key) => others.includes(`'${key}'`) || others.includes(`'${key.replace(/\.(one|other)$/, '')}'`))).toEqual([]);
  });

  it('have for what is seldom opened what nothing else says', () => {
    const later = /^chat.(goals|devices.|host.|model.actTexts|room.(AroundView|KeptLine|RoomGone|AskIn|ReportDialog)|compose.(ComposerMute|HelpSheet|ComposerQuestion|OrderDialog|hostCommands)|(mentions|saved|search).\w+Pane|palette.Palette|people.(ActFields|AddMember|PersonCard|personActs|CommonRooms)|rooms.(Directory|InvitationCard|NewRoomDialog|Unsent|FirstSteps|RoomFromFile)|talk.(TalksPage|BeginTalk|TalkPane))|^session.(Invite|NewPassword).svelte|^ui.(DayPicker|EmojiPicker|SaidLine)|^account.admin/;
    const others = sources.filter(({ name }) => !later.test(name)).map((source) => source.text).join('\n');
    // What is wrong with a field is asked for by the field's name and the server's code.
    const isOfField = (key: string) => /^error\.\w+\.\w+$/.test(key) && others.includes(`, '${key.split('.')[1]}')`);
    expect(Object.keys(enSeldom).filter((key) => isOfField(key) || others.includes(`'${key}'`) || others.includes(`'${key.replace(/\.(one|other)$/, '')}'`))).toEqual([]);
  });

  it('have no empty text', () => {
    for (const catalogue of [en, ptBR]) for (const [key, text] of Object.entries(catalogue)) expect(text.trim(), key).not.toBe('');
  });

  it('have no key that nothing uses', () => {
    expect(Object.keys(en).filter((key) => !isUsed(key))).toEqual([]);
  });

  it('hold every text of the components', () => {
    const bare = sources
      .filter((source) => source.name.endsWith('.svelte'))
      .flatMap((source) => {
        const markup = source.text.replace(/<(script|style)[\s\S]*?<\/\1>/g, '').replace(/<!--[\s\S]*?-->/g, '');
        const literal = [...markup.matchAll(/\b(?:aria-label|placeholder|title|alt)="([^"{]+)"/g)].map((match) => match[1]);
        const text = [...markup.replace(/=>/g, '').matchAll(/>([^<>{}]*\p{L}{2,}[^<>{}]*)</gu)].map((match) => match[1]);
        return [...literal, ...text].map((found) => `${source.name}: ${found}`);
      });
    expect(bare).toEqual([]);
  });
});
