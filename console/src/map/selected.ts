/** What marks the selected track or area on the map. */
import type { Picture } from '../live/picture';
import type { Area } from './areas';

export type Target = { kind: 'track'; id: number } | { kind: 'area'; code: string } | null;

interface Place {
  lat: number;
  lon: number;
}

export function selectedShapes(target: Target, picture: Picture, areas: Map<string, Area>, history: Place[]): GeoJSON.FeatureCollection {
  const features: GeoJSON.Feature[] = [];
  if (target?.kind === 'track') {
    if (history.length > 1) {
      const coordinates = history.map(({ lon, lat }) => [lon, lat]);
      features.push({ type: 'Feature', properties: { kind: 'history' }, geometry: { type: 'LineString', coordinates } });
    }
    const track = picture.tracks.get(target.id);
    if (track) {
      features.push({ type: 'Feature', properties: { kind: 'track' }, geometry: { type: 'Point', coordinates: [track.lon, track.lat] } });
    }
  } else if (target?.kind === 'area') {
    const area = areas.get(target.code);
    if (area) features.push({ type: 'Feature', properties: { kind: 'area' }, geometry: area.feature.geometry });
  }
  return { type: 'FeatureCollection', features };
}
