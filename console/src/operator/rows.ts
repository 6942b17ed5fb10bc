/** The order and choice of rows in the lists: pure functions. */
import type { Alert, Track } from '../live/picture';

/** Alarms before watches, the soonest first; those without a time last. */
export function sortAlerts(alerts: Iterable<Alert>): Alert[] {
  const when = (alert: Alert): number => alert.arrival_us ?? Infinity;
  return [...alerts].sort((a, b) => {
    if (a.level !== b.level) return a.level === 'alarm' ? -1 : 1;
    return when(a) - when(b) || a.area.localeCompare(b.area);
  });
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
