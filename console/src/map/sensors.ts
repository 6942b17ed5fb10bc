/** Drawing data of the sensors: a mark each, and the reach of those that see far. */
import type { SensorState } from '../live/message';
import type { SensorPlace } from '../live/sensors.svelte';
import { circle } from './geometry';

/** Reaches under this are smaller than the mark at the scales a region is watched at. */
const DRAWN_REACH_M = 20_000;

export function sensorShapes(places: SensorPlace[], states: Map<string, SensorState>): GeoJSON.FeatureCollection {
  const features: GeoJSON.Feature[] = [];
  for (const { id, lat, lon, max_range_m } of places) {
    const state = states.get(id)?.state ?? 'waiting';
    if (max_range_m !== null && max_range_m >= DRAWN_REACH_M) {
      features.push({ type: 'Feature', properties: { state }, geometry: { type: 'Polygon', coordinates: [circle(lon, lat, max_range_m)] } });
    }
    features.push({ type: 'Feature', properties: { id, state }, geometry: { type: 'Point', coordinates: [lon, lat] } });
  }
  return { type: 'FeatureCollection', features };
}
