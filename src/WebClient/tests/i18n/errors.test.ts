import { beforeAll, describe, expect, it, vi } from 'vitest';
import { en } from '../../src/i18n/en';
import type { fieldText as FieldText } from '../../src/i18n/errors';
import { ptBR } from '../../src/i18n/ptBR';

describe('errors of fields', () => {
  let fieldText: typeof FieldText;

  beforeAll(async () => {
    // What the language is chosen by when the module is read.
    vi.stubGlobal('navigator', { languages: ['en'] });
    vi.stubGlobal('document', { documentElement: {} });
    ({ fieldText } = await import('../../src/i18n/errors'));
  });

  it.each(['userName', 'displayName', 'nickname'] as const)('P34: a reserved %s is not said to be somebody’s', (field) => {
    const said = (code: string) => fieldText({ [field]: [{ code, message: 'the server’s words' }] }, field);
    expect(said('looks_taken')).toBe(en[`error.${field}.looks_taken`]);
    expect(said('reserved')).toBe(en[`error.${field}.reserved`]);
    for (const catalogue of [en, ptBR]) expect(catalogue[`error.${field}.reserved`]).not.toBe(catalogue[`error.${field}.looks_taken`]);
  });
});
