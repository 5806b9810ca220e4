import { t } from '../i18n/i18n.svelte';
import type { FieldError } from '../lib/http';

/** How long a password must be is said once: by what is wrong with it, when that is its length. */
export function passwordHint(errors: Record<string, FieldError[]>): string | undefined {
  return errors['password']?.some(({ code }) => code === 'too_short') ? undefined : t('form.passwordHint');
}
