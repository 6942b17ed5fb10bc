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

/** Points of an SVG polyline for values, in a box of the given size; the range is at least `span`. */
export function polyline(values: number[], width: number, height: number, span: number): string {
  if (values.length < 2) return '';
  const low = Math.min(...values);
  const range = Math.max(Math.max(...values) - low, span);
  return values
    .map((value, i) => `${((i / (values.length - 1)) * width).toFixed(1)},${(height - ((value - low) / range) * height).toFixed(1)}`)
    .join(' ');
}
