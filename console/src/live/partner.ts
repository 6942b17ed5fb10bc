/** A partner nation's layer: what its messages so far add up to. Replaced, never changed, so pictures can share it. */
import { STATUSES, THREATS } from './message';
import type { PartnerMessage, Status, Threat } from './message';

export interface PartnerTrack {
  id: number;
  lat: number;
  lon: number;
  ve: number;
  vn: number;
  status: Status;
  threat: Threat;
  neutral: boolean;
}

export interface Partner {
  id: string;
  names: Record<string, string>;
  state: PartnerMessage['state'];
  age_s: number | null;
  at_us: number;
  tracks: ReadonlyMap<number, PartnerTrack>;
}

export function partnerAfter(known: Partner | undefined, given: PartnerMessage, at_us: number): Partner {
  const { id, names, state, age_s, tracks: a, gone } = given;
  const tracks = new Map(known?.tracks);
  for (let i = 0; i < a.id.length; i++) {
    tracks.set(a.id[i]!, {
      id: a.id[i]!,
      lat: a.lat[i]!,
      lon: a.lon[i]!,
      ve: a.ve[i]!,
      vn: a.vn[i]!,
      status: STATUSES[a.status[i]!] ?? 'tentative',
      threat: THREATS[a.threat[i]!] ?? 'other',
      neutral: a.neutral[i] === 1,
    });
  }
  for (const track of gone) tracks.delete(track);
  return { id, names, state, age_s, at_us, tracks };
}

/** Its name in a language, else in English, else in any, else its id. */
export function partnerName({ id, names }: Partner, language: string): string {
  return names[language] ?? names['en'] ?? Object.values(names)[0] ?? id;
}
