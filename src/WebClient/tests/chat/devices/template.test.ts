import { describe, expect, it } from 'vitest';
import { render } from '../../../src/chat/devices/template';

const made = (template: string, value: string) => {
  const rendered = render(template, value);
  return rendered.kind === 'text' ? rendered.text : rendered.kind;
};

describe('A value template', () => {
  it('takes the value, or what stands in it', () => {
    expect(made('{{ value }}', '21.5')).toBe('21.5');
    expect(made('{{value_json.a.b}}', '{"a":{"b":7}}')).toBe('7');
    expect(made(`{{ value_json['air temp']["x"][1] }}`, '{"air temp":{"x":[1,"two"]}}')).toBe('two');
    expect(made('{{ value_json[-1] }}', '[1,2,3]')).toBe('3');
    expect(made('{{ value_json.on }} / {{ value }} W', '{"on":true}')).toBe('True / {"on":true} W');
    expect(made('ready', 'x')).toBe('ready');
  });

  it('calculates as its filters say', () => {
    expect(made('{{ value | float | round(1) }}', '21.46')).toBe('21.5');
    expect(made('{{ value_json.t | round }}', '{"t":21.46}')).toBe('21');
    expect(made('{{ value | int }}', '-3.9')).toBe('-3');
    expect(made('{{ value | float(0) }}', 'nan')).toBe('0');
    expect(made('{{ value_json.t | default("?") | upper }}', '{}')).toBe('?');
    expect(made('{{ value|lower|trim }}', ' ON ')).toBe('on');
  });

  it('says nothing where something has to be there and is not', () => {
    expect(made('{{ value_json.state | is_defined }}', '{"other":1}')).toBe('nothing');
    expect(made('{{ value_json.state | is_defined }}', '{"state":"ON"}')).toBe('ON');
    expect(made('{{ value_json.a.b.c }}', 'no JSON')).toBe('');
  });

  it('of any other shape is not guessed at', () => {
    for (const template of [
      '{% if value %}1{% endif %}',
      '{{ value * 2 }}',
      '{{ states("sensor.a") }}',
      '{{ value.__class__() }}',
      '{{ value | regex_replace("a","b") }}',
      '{{ value | constructor }}',
      '{{ value | round(value) }}',
      '{{ value | float }}',
      `{{ ${'value'.padEnd(2_000)} }}`,
    ]) {
      expect(made(template, 'text'), template).toBe('unknown');
    }
  });

  it('reaches nothing but what was sent', () => {
    expect(made('{{ value_json.constructor }}', '{}')).toBe('');
    expect(made('{{ value_json.__proto__ }}', '{}')).toBe('');
    expect(made('{{ value_json.length }}', '[1]')).toBe('');
    expect(made('{{ value.length }}', 'abc')).toBe('');
  });
});
