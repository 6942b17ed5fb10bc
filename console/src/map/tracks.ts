/** Drawing data of the tracks: pure functions from the picture to GeoJSON. */
import type { Impact, Threat } from '../live/message';
import type { Affiliation, Track } from '../live/picture';
import { ellipse, offset } from './geometry';

type Collection = GeoJSON.FeatureCollection;

/** A speed vector shows where a track will be after so long. */
export const VECTOR_S = 120;

/** Neutral traffic is drawn first, so that what threatens lies on top. */
const ORDER: Record<Affiliation, number> = { neutral: 0, unknown: 1, suspect: 2, hostile: 3 };

export function iconName(affiliation: Affiliation, threat: Threat): string {
  return `track-${affiliation}-${threat}`;
}

function collection(features: GeoJSON.Feature[]): Collection {
  return { type: 'FeatureCollection', features };
}

function line(coordinates: [number, number][], properties: object): GeoJSON.Feature {
  return { type: 'Feature', properties: { ...properties }, geometry: { type: 'LineString', coordinates } };
}

export function trackPoints(tracks: Iterable<Track>): Collection {
  const features: GeoJSON.Feature[] = [];
  for (const track of tracks) {
    const kmh = Math.round(Math.hypot(track.ve, track.vn) * 3.6);
    features.push({
      type: 'Feature',
      id: track.id,
      properties: {
        id: track.id,
        icon: iconName(track.affiliation, track.threat),
        affiliation: track.affiliation,
        status: track.status,
        order: ORDER[track.affiliation],
        label: `${track.id} · ${kmh} km/h`,
      },
      geometry: { type: 'Point', coordinates: [track.lon, track.lat] },
    });
  }
  return collection(features);
}

export function trackVectors(tracks: Iterable<Track>): Collection {
  const features: GeoJSON.Feature[] = [];
  for (const track of tracks) {
    const ahead = offset(track.lon, track.lat, track.ve * VECTOR_S, track.vn * VECTOR_S);
    features.push(line([[track.lon, track.lat], ahead], { affiliation: track.affiliation }));
  }
  return collection(features);
}

/** One line per affiliation: few features, however many tracks there are. */
export function trackTrails(tracks: Iterable<Track>): Collection {
  const lines = new Map<Affiliation, [number, number][][]>();
  for (const { affiliation, trail, lon, lat } of tracks) {
    const points: [number, number][] = [];
    for (let i = 0; i + 1 < trail.length; i += 2) points.push([trail[i]!, trail[i + 1]!]);
    points.push([lon, lat]);
    if (points.length < 2) continue;
    const group = lines.get(affiliation) ?? [];
    group.push(points);
    lines.set(affiliation, group);
  }
  return collection(
    [...lines].map(([affiliation, coordinates]) => ({
      type: 'Feature',
      properties: { affiliation },
      geometry: { type: 'MultiLineString', coordinates },
    })),
  );
}

/** The 90 % ellipse of each position that is uncertain enough to matter. */
export function trackEllipses(tracks: Iterable<Track>): Collection {
  const features: GeoJSON.Feature[] = [];
  for (const track of tracks) {
    if (!(track.p_ee + track.p_nn > 0)) continue;
    features.push(line(ellipse(track.lon, track.lat, track.p_ee, track.p_en, track.p_nn, 24), { affiliation: track.affiliation }));
  }
  return collection(features);
}

/** The regions that hold a ballistic impact with 90 %: an area, never a point. */
export function impactRegions(impacts: Impact[]): Collection {
  return collection(
    impacts.map((impact) => ({
      type: 'Feature',
      properties: { track: impact.track },
      geometry: { type: 'Polygon', coordinates: [ellipse(impact.lon, impact.lat, impact.ee, impact.en, impact.nn, 48)] },
    })),
  );
}
