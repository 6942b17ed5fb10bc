/** The language of the page and its messages; kept in this browser. */
import { en } from './messages/en';
import type { Key, Messages } from './messages/en';
import { id } from './messages/id';
import { uk } from './messages/uk';
import { fill } from './plural';

export const LANGUAGES = { uk: 'Українська', en: 'English', id: 'Indonesia' } as const;
export type Language = keyof typeof LANGUAGES;

const MESSAGES: Record<Language, Messages> = { uk, en, id };
const STORED = 'perisai.language';

function initial(): Language {
  const wanted = [new URLSearchParams(location.search).get('lang'), localStorage.getItem(STORED), ...navigator.languages];
  for (const tag of wanted) {
    const code = tag?.slice(0, 2).toLowerCase();
    if (code && code in LANGUAGES) return code as Language;
  }
  return 'en';
}

class I18n {
  language = $state<Language>(initial());

  set(language: Language): void {
    this.language = language;
    localStorage.setItem(STORED, language);
    document.documentElement.lang = language;
  }
}

export const i18n = new I18n();
document.documentElement.lang = i18n.language;

/** The message in the page's language, with its values put in. */
export function t(key: Key, values: Record<string, string | number> = {}): string {
  return fill(MESSAGES[i18n.language][key], i18n.language, values);
}

/** A name from properties such as name_uk, name_en: in the page's language, else English, else any. */
export function nameIn(properties: Record<string, unknown>, prefix = 'name_'): string {
  const any = Object.keys(properties).find((key) => key.startsWith(prefix) && properties[key]);
  const value = properties[prefix + i18n.language] || properties[`${prefix}en`] || (any && properties[any]) || '';
  return String(value);
}
