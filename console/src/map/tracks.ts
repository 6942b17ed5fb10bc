/** What of the moving picture is in sight, in pixels: pure functions from the picture to drawing data. */
import type { Impact } from '../live/message';
import type { Affiliation, Track } from '../live/picture';
import { ellipse, offset } from './geometry';
import type { Projection } from './projection';

/** A speed vector shows where a track will be after so long. */
export const VECTOR_S = 120;

/** Closer points of a trail than this would only be drawn over each other. */
const TRAIL_STEP_PX = 3;
const MARGIN_PX = 40;

/** Neutral traffic is drawn first, so that what threatens lies on top. */
const ORDER: Record<Affiliation, number> = { neutral: 0, unknown: 1, suspect: 2, hostile: 3 };

export interface Mark {
  track: Track;
  x: number;
  y: number;
}

/** The tracks in sight, in the order they are drawn. */
export function marksInSight(tracks: Iterable<Track>, view: Projection): Mark[] {
  const marks: Mark[] = [];
  for (const track of tracks) {
    const mark = { track, x: view.x(track.lon), y: view.y(track.lat) };
    const { x, y } = mark;
    if (x > -MARGIN_PX && y > -MARGIN_PX && x < view.width + MARGIN_PX && y < view.height + MARGIN_PX) marks.push(mark);
  }
  return marks.sort((a, b) => ORDER[a.track.affiliation] - ORDER[b.track.affiliation] || a.track.id - b.track.id);
}

/** Pixels of the way a track came, newest first, starting at its mark. */
export function trailPixels(mark: Mark, view: Projection): number[] {
  const points = [mark.x, mark.y];
  let [x, y] = [mark.x, mark.y];
  const { trail } = mark.track;
  for (let i = trail.length - 2; i >= 0; i -= 2) {
    const [px, py] = [view.x(trail[i]!), view.y(trail[i + 1]!)];
    if (Math.abs(px - x) + Math.abs(py - y) < TRAIL_STEP_PX) continue;
    points.push(px, py);
    [x, y] = [px, py];
  }
  return points;
}

/** Pixels of where a track will be after VECTOR_S. */
export function vectorPixels({ track }: Mark, view: Projection): [number, number] {
  const [lon, lat] = offset(track.lon, track.lat, track.ve * VECTOR_S, track.vn * VECTOR_S);
  return [view.x(lon), view.y(lat)];
}

function pixels(ring: [number, number][], view: Projection): number[] {
  return ring.flatMap(([lon, lat]) => [view.x(lon), view.y(lat)]);
}

/** Pixels of the ellipse that holds a track's position with 90 %. */
export function errorPixels({ track }: Mark, view: Projection): number[] {
  return pixels(ellipse(track.lon, track.lat, track.p_ee, track.p_en, track.p_nn, 24), view);
}

/** Pixels of the region that holds a ballistic impact with 90 %: an area, never a point. */
export function impactPixels(impact: Impact, view: Projection): number[] {
  return pixels(ellipse(impact.lon, impact.lat, impact.ee, impact.en, impact.nn, 48), view);
}

/** The track nearest to a place on the screen, within a reach in pixels. */
export function nearest(marks: Mark[], x: number, y: number, reach_px: number): Track | null {
  let best: Track | null = null;
  let least = reach_px;
  for (const mark of marks) {
    const distance = Math.hypot(mark.x - x, mark.y - y);
    if (distance <= least) [best, least] = [mark.track, distance];
  }
  return best;
}
