import { describe, expect, it } from 'vitest';
import { toProblem } from '../../src/lib/http';

describe('toProblem', () => {
  it('reads field errors as objects and as plain strings, whatever the case of the field', () => {
    const body = { title: 'Bad', code: 'invalid', detail: 'Fix it.', errors: { userName: [{ code: 'taken', message: 'Taken.' }], Email: ['No.'], password: 'Short.' } };
    expect(toProblem(400, JSON.stringify(body))).toEqual({
      status: 400,
      code: 'invalid',
      message: 'Fix it.',
      fields: {
        userName: [{ code: 'taken', message: 'Taken.' }],
        email: [{ code: null, message: 'No.' }],
        password: [{ code: null, message: 'Short.' }],
      },
      retryAfter: null,
    });
  });

  it.each(['', '<html>Bad gateway</html>', 'null', '[]', '{"errors":[1]}'])('takes %s for an answer without details', (content) => {
    expect(toProblem(502, content)).toEqual({ status: 502, code: null, message: '', fields: {}, retryAfter: null });
  });

  it.each([
    ['40', 40],
    [new Date(Date.now() + 90_500).toUTCString(), 90],
    ['Thu, 01 Jan 1970 00:00:00 GMT', 0],
    ['soon', null],
    [null, null],
  ])('P34: Retry-After %s is %s seconds', (header, seconds) => {
    const { retryAfter } = toProblem(429, '', header);
    if (seconds === null) expect(retryAfter).toBeNull();
    // A date has whole seconds.
    else expect(Math.abs(retryAfter! - seconds)).toBeLessThanOrEqual(1);
  });
});
