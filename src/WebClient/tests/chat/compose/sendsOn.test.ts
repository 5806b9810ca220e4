import { describe, expect, it } from 'vitest';
import { sendsOn, type KeyPress } from '../../../src/chat/compose/sendsOn';

const press = (more: Partial<KeyPress> = {}): KeyPress => ({
  key: 'Enter',
  keyCode: 13,
  isComposing: false,
  shiftKey: false,
  altKey: false,
  ctrlKey: false,
  metaKey: false,
  repeat: false,
  ...more,
});

describe('sendsOn', () => {
  it('sends on Enter, once for each press, and on no other key', () => {
    expect(sendsOn(press(), false, 'enter')).toBe(true);
    expect(sendsOn(press({ repeat: true }), false, 'enter')).toBe(false);
    expect(sendsOn(press({ key: 'a', keyCode: 65 }), false, 'enter')).toBe(false);
  });

  it.each([{ shiftKey: true }, { altKey: true }])('begins a new line with %j', (modifier) => expect(sendsOn(press(modifier), false, 'enter')).toBe(false));

  it.each([
    ['other browsers', { isComposing: true, keyCode: 229 }],
    ['Safari', { isComposing: false, keyCode: 229 }],
    ['a browser without keyCode', { isComposing: true, keyCode: 0 }],
  ])('P28: Enter that ends a composition does not send in %s', (_, composing) => {
    expect(sendsOn(press(), false, 'enter')).toBe(true);
    expect(sendsOn(press(composing), false, 'enter')).toBe(false);
    expect(sendsOn(press({ ...composing, ctrlKey: true }), true, 'enter')).toBe(false);
  });

  it('P8: on a touch screen Enter begins a new line, and only with Ctrl or ⌘ it sends', () => {
    expect(sendsOn(press(), true, 'enter')).toBe(false);
    expect(sendsOn(press({ ctrlKey: true }), true, 'enter')).toBe(true);
    expect(sendsOn(press({ metaKey: true }), true, 'enter')).toBe(true);
  });

  it('sends on Ctrl+Enter alone where that was chosen', () => {
    expect(sendsOn(press(), false, 'ctrlEnter')).toBe(false);
    expect(sendsOn(press({ ctrlKey: true }), false, 'ctrlEnter')).toBe(true);
    expect(sendsOn(press({ metaKey: true }), true, 'ctrlEnter')).toBe(true);
  });
});
