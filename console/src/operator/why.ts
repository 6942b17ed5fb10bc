/** Why a track is classed as it is, and what its history looks like: pure functions. */
import { THREATS } from '../live/message';
import type { Threat } from '../live/message';
import type { HistoryPoint, TrackRow } from './detail.svelte';

const METRES_PER_DEGREE = 111_195;

/** The classes by probability, the likeliest first; those under 1 % left out. */
export function classes(row: TrackRow): { threat: Threat; probability: number }[] {
  return THREATS.map((threat) => ({ threat, probability: row[`p_${threat}`] ?? 0 }))
    .filter(({ probability }) => probability >= 0.01)
    .sort((a, b) => b.probability - a.probability);
}

/** Speed over ground between points of the history, km/h; one fewer than there are points. */
export function speeds(history: HistoryPoint[]): number[] {
  return history.slice(1).map((point, i) => {
    const before = history[i]!;
    const north = (point.lat - before.lat) * METRES_PER_DEGREE;
    const east = (point.lon - before.lon) * METRES_PER_DEGREE * Math.cos((point.lat * Math.PI) / 180);
    const seconds = (point.time_us - before.time_us) / 1e6;
    return seconds > 0 ? (Math.hypot(north, east) / seconds) * 3.6 : 0;
  });
}

/** Percent of each class over the history, of those that ever had a twentieth; the likeliest at the end first. */
export function classSeries(history: HistoryPoint[]): { threat: Threat; values: number[] }[] {
  return THREATS.map((threat, i) => ({ threat, values: history.map(({ classes }) => 100 * (classes[i] ?? 0)) }))
    .filter(({ values }) => values.some((value) => value >= 5))
    .sort((a, b) => b.values.at(-1)! - a.values.at(-1)!);
}
