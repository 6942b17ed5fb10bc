/** Values put into messages: {n} stands for a value, {n:area|areas} for the word that goes with it. */
import type { Language } from './i18n.svelte';

/** The order in which a language's forms are written. */
const FORMS: Record<Language, Intl.LDMLPluralRule[]> = { en: ['one', 'other'], uk: ['one', 'few', 'many'], id: ['other'] };

function form(language: Language, value: number, forms: string[]): string {
  const index = FORMS[language].indexOf(new Intl.PluralRules(language).select(value));
  return forms[index] ?? forms.at(-1)!;
}

/** Numbers are written as the language writes them; a word is chosen by a number only. */
export function fill(message: string, language: Language, values: Record<string, string | number>): string {
  return message.replace(/\{(\w+)(?::([^}]*))?\}/g, (_, name: string, forms?: string) => {
    const value = values[name] ?? '';
    if (forms !== undefined) return form(language, Number(value), forms.split('|'));
    return typeof value === 'number' ? value.toLocaleString(language) : value;
  });
}
