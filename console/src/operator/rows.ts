/** The order and choice of rows in the lists: pure functions. */
import type { Alert, Track } from '../live/picture';

/** Alarms before watches, the soonest first; those without a time last. */
export function sortAlerts(alerts: Iterable<Alert>): Alert[] {
  const when = (alert: Alert): number => alert.arrival_us ?? Infinity;
  return [...alerts].sort((a, b) => {
    if (a.level !== b.level) return a.level === 'alarm' ? -1 : 1;
    const [x, y] = [when(a), when(b)];
    // Compared, not subtracted: two without a time are equal, and codes need no language.
    return x < y ? -1 : x > y ? 1 : a.area < b.area ? -1 : 1;
  });
}

/** A row of the alert list: one area, or all of a region that are reached now. */
export type AlertRow = { kind: 'area'; key: string; alert: Alert; inside: boolean } | { kind: 'region'; key: string; region: string; alerts: Alert[]; open: boolean };

/** Fewer than this stand for themselves. */
const REGION_LEAST = 4;

/**
 * The sorted alerts as rows: alarms whose time has come are put together by region, for a hundred rows that say 'now'
 * hide the one that does not.
 */
export function alertRows(alerts: Alert[], now_us: number, regionOf: (area: string) => string, isOpen: (region: string, alerts: Alert[]) => boolean): AlertRow[] {
  const regions = new Map<string, Alert[]>();
  for (const alert of alerts) {
    if (alert.level !== 'alarm' || alert.arrival_us === null || alert.arrival_us > now_us) continue;
    const region = regionOf(alert.area);
    if (region) regions.set(region, [...(regions.get(region) ?? []), alert]);
  }
  const rows: AlertRow[] = [];
  const together = new Set<Alert>();
  const largest = [...regions].filter(([, own]) => own.length >= REGION_LEAST).sort(([a, x], [b, y]) => y.length - x.length || (a < b ? -1 : 1));
  for (const [region, own] of largest) {
    const open = isOpen(region, own);
    rows.push({ kind: 'region', key: `region ${region}`, region, alerts: own, open });
    for (const alert of own) {
      together.add(alert);
      if (open) rows.push({ kind: 'area', key: alert.area, alert, inside: true });
    }
  }
  for (const alert of alerts) if (!together.has(alert)) rows.push({ kind: 'area', key: alert.area, alert, inside: false });
  return rows;
}

export type TrackColumn = 'id' | 'class' | 'speed' | 'altitude' | 'course';
const RANK = { hostile: 0, suspect: 1, unknown: 2, neutral: 3 } as const;

function cell(track: Track, column: TrackColumn): number | string {
  switch (column) {
    case 'id':
      return track.id;
    case 'class':
      return `${RANK[track.affiliation]} ${track.threat}`;
    case 'speed':
      return Math.hypot(track.ve, track.vn);
    case 'altitude':
      return Number.isFinite(track.alt_m) ? track.alt_m : -1e9;
    case 'course':
      return (Math.atan2(track.ve, track.vn) + 2 * Math.PI) % (2 * Math.PI);
  }
}

/** Sorted by the column, up or down; equals by number, so that rows do not jump about. */
export function sortTracks(tracks: Iterable<Track>, column: TrackColumn, down: boolean): Track[] {
  const sign = down ? -1 : 1;
  return [...tracks].sort((a, b) => {
    const [x, y] = [cell(a, column), cell(b, column)];
    return (x < y ? -sign : x > y ? sign : 0) || a.id - b.id;
  });
}

/** Whether every word of the search is found in one of the texts. */
export function matches(search: string, ...texts: string[]): boolean {
  const all = texts.join(' ').toLocaleLowerCase();
  return search
    .toLocaleLowerCase()
    .split(/\s+/)
    .every((word) => all.includes(word));
}
