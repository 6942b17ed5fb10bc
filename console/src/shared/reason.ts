/** The service's reason of an alert (alerting/reason.py) in the page's language; what it does not know stays as it was written. */
import type { Threat } from '../live/message';
import { i18n, t } from './i18n.svelte';
import type { Key } from './messages/en';

const REACH = /^(?:(\d+) )?.*?(may|will probably) reach this area in about (\d+) (s|min) \(probability (.+?)\)(?:; (.+))?\.$/;
const WITHIN = /^(?:(\d+) )?.*?within the danger distance of this area \(probability (.+?)\)(?:; (.+))?\.$/;
const BY_HAND = /^An operator raised this \w+: (.+?)\.?$/;
const CANCELLED = 'cancelled by an operator: ';
const WHY: Record<string, Key> = {
  'the danger has passed': 'reason.passed',
  'the tracks that caused it were not seen again': 'reason.lost',
  'an alarm takes its place': 'reason.raised',
  'the time set by the operator is over': 'reason.over',
  'released by an operator': 'reason.released',
  'released by itself, as no operator answered in time': 'reason.unanswered',
};

function ending(why: string | undefined): string {
  if (!why) return '.';
  if (why.startsWith(CANCELLED)) return `; ${t('reason.cancelled', { said: why.slice(CANCELLED.length) })}.`;
  const known = why.split('; ').map((part) => (WHY[part] ? t(WHY[part]) : part));
  return `; ${known.join('; ')}.`;
}

export function reasonText(reason: string, threat: Threat): string {
  if (i18n.language === 'en') return reason;
  const what = (count: string | undefined): string => `${count ? `${count} × ` : ''}${t(`threat.${threat}`)}`;
  const chance = (share: string): string => share.replace('under', '<');
  const reach = REACH.exec(reason);
  if (reach) {
    const [, count, verb, n, unit, share, why] = reach;
    const time = `${n} ${t(unit === 's' ? 'unit.s' : 'unit.min')}`;
    return t(verb === 'may' ? 'reason.may' : 'reason.probably', { what: what(count), time, chance: chance(share!) }) + ending(why);
  }
  const within = WITHIN.exec(reason);
  if (within) return t('reason.within', { what: what(within[1]), chance: chance(within[2]!) }) + ending(within[3]);
  const said = BY_HAND.exec(reason);
  return said ? `${t('reason.by_hand', { said: said[1]! })}.` : reason;
}
