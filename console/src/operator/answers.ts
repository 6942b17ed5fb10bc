/** What the service answers an operator, in the page's language; what is not known here stays as it was written. */
import { i18n, t } from '../shared/i18n.svelte';
import type { Key } from '../shared/messages/en';

const KNOWN: Record<string, Key> = {
  'name or password are wrong': 'session.wrong',
  'too many wrong tries; wait': 'session.wait',
  'sign in first': 'session.first',
  'needs a second operator': 'order.waiting',
  'needs a second operator, with what you did alone just before': 'order.waiting.sum',
  'the second operator must be another than the first': 'order.another',
  'the time it was to last until has passed': 'order.passed',
  'areas: no alert is on in any of them': 'order.none_on',
  'areas: no alert is on or proposed in any of them': 'order.none_on',
  'areas: nothing waits to be released in any of them': 'order.none_waits',
};

export function answerText(said: string): string {
  const key = i18n.language === 'en' ? undefined : KNOWN[said];
  return key ? t(key) : said;
}
