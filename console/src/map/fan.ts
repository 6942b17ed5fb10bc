/** Where a track may go and when: the fan of a forecast with its isochrones. Pure functions. */
import type { Track } from '../live/picture';
import type { Area } from './areas';
import { offset } from './geometry';

export interface Reach {
  area?: string;
  probability: number;
  eta_s: number | null;
}

export interface Arc {
  minutes: number;
  /** Ends and middle points of the arc, lon and lat, from left to right of the course. */
  points: [number, number][];
}

export interface Fan {
  from: [number, number];
  arcs: Arc[];
}

const METRES_PER_DEGREE = 111_195;
const MINUTES = [1, 2, 5, 10, 15, 20, 30, 45];
const ARC_POINTS = 12;
/** Areas foreseen to be reached within this share of a time shape its arc. */
const NEAR = 0.35;
const NARROWEST_RAD = 0.035;
const WIDEST_RAD = 1.2;
/** Half a fan holds 90 %: 1.645 standard deviations on each side. */
const K90 = 1.645;
const SLOWEST_MPS = 15;

/** Bearing from north and distance of a place from the track, radians and metres. */
function towards(track: Track, lon: number, lat: number): { bearing: number; distance_m: number } {
  const east = (lon - track.lon) * METRES_PER_DEGREE * Math.cos((track.lat * Math.PI) / 180);
  const north = (lat - track.lat) * METRES_PER_DEGREE;
  return { bearing: Math.atan2(east, north), distance_m: Math.hypot(east, north) };
}

const turn = (angle: number): number => Math.atan2(Math.sin(angle), Math.cos(angle));

/** Mean offset from the course and its spread, of the areas foreseen around a time; null when there are none. */
function spreadAt(rows: { off: number; weight: number; eta_s: number }[], time_s: number): { off: number; half: number } | null {
  const near = rows.filter(({ eta_s }) => Math.abs(eta_s - time_s) <= Math.max(60, NEAR * time_s));
  const total = near.reduce((sum, { weight }) => sum + weight, 0);
  if (total <= 0) return null;
  const off = near.reduce((sum, row) => sum + row.weight * row.off, 0) / total;
  const variance = near.reduce((sum, row) => sum + row.weight * (row.off - off) ** 2, 0) / total;
  return { off, half: Math.min(WIDEST_RAD, Math.max(NARROWEST_RAD, K90 * Math.sqrt(variance))) };
}

/** The fan of a track from what is foreseen for it, or null when nothing is, or it hardly moves. */
export function fanOf(track: Track, reaches: Reach[], areas: Map<string, Area>): Fan | null {
  const speed = Math.hypot(track.ve, track.vn);
  if (speed < SLOWEST_MPS) return null;
  const course = Math.atan2(track.ve, track.vn);
  const rows = reaches.flatMap(({ area, probability, eta_s }) => {
    const found = areas.get(area ?? '');
    if (!found || eta_s === null || eta_s <= 0) return [];
    return [{ off: turn(towards(track, ...found.centre).bearing - course), weight: probability, eta_s }];
  });
  const arcs: Arc[] = [];
  for (const minutes of MINUTES) {
    const spread = spreadAt(rows, minutes * 60);
    if (!spread) continue;
    const radius_m = speed * minutes * 60;
    const points = Array.from({ length: ARC_POINTS + 1 }, (_, i): [number, number] => {
      const bearing = course + spread.off + spread.half * ((2 * i) / ARC_POINTS - 1);
      return offset(track.lon, track.lat, radius_m * Math.sin(bearing), radius_m * Math.cos(bearing));
    });
    arcs.push({ minutes, points });
  }
  return arcs.length ? { from: [track.lon, track.lat], arcs } : null;
}

/** The front at a share (0..1) of the way from the track to the last arc: arcs in between are blended. */
export function frontOf({ from, arcs }: Fan, share: number): [number, number][] {
  const last = arcs.at(-1)!.minutes;
  const minutes = share * last;
  const after = arcs.findIndex((arc) => arc.minutes >= minutes);
  const outer = arcs[after]!;
  const inner = arcs[after - 1];
  const low = inner?.minutes ?? 0;
  const mix = (minutes - low) / (outer.minutes - low);
  return outer.points.map((point, i) => {
    const start = inner?.points[i] ?? from;
    return [start[0] + mix * (point[0] - start[0]), start[1] + mix * (point[1] - start[1])];
  });
}
