/** Small earth geometry for drawing: offsets of metres on a map, and ellipses of covariances. */
const METRES_PER_DEGREE = 111_195;

/** The point `east_m`, `north_m` away; good to a percent within a few hundred km. */
export function offset(lon: number, lat: number, east_m: number, north_m: number): [number, number] {
  return [lon + east_m / (METRES_PER_DEGREE * Math.cos((lat * Math.PI) / 180)), lat + north_m / METRES_PER_DEGREE];
}

/** sqrt of the chi-square quantile with 2 degrees of freedom that holds 90 % of the probability. */
export const K90 = 2.1460;

/** The ring of an ellipse that holds 90 % of a 2-D normal distribution; covariance in m², east and north. */
export function ellipse(lon: number, lat: number, ee: number, en: number, nn: number, points = 32): [number, number][] {
  const mean = (ee + nn) / 2;
  const spread = Math.hypot((ee - nn) / 2, en);
  const major = K90 * Math.sqrt(Math.max(mean + spread, 0));
  const minor = K90 * Math.sqrt(Math.max(mean - spread, 0));
  const turn = 0.5 * Math.atan2(2 * en, ee - nn);
  return Array.from({ length: points + 1 }, (_, i) => {
    const angle = (2 * Math.PI * i) / points;
    const [a, b] = [major * Math.cos(angle), minor * Math.sin(angle)];
    return offset(lon, lat, a * Math.cos(turn) - b * Math.sin(turn), a * Math.sin(turn) + b * Math.cos(turn));
  });
}

export function circle(lon: number, lat: number, radius_m: number, points = 48): [number, number][] {
  const variance = (radius_m / K90) ** 2;
  return ellipse(lon, lat, variance, 0, variance, points);
}

/** West, south, east, north of all positions in a collection. */
export function bounds(collection: GeoJSON.FeatureCollection): [number, number, number, number] | null {
  let [west, south, east, north] = [180, 90, -180, -90];
  const walk = (value: unknown): void => {
    if (!Array.isArray(value)) return;
    if (typeof value[0] === 'number' && typeof value[1] === 'number') {
      west = Math.min(west, value[0]);
      east = Math.max(east, value[0]);
      south = Math.min(south, value[1]);
      north = Math.max(north, value[1]);
    } else value.forEach(walk);
  };
  for (const feature of collection.features) if ('coordinates' in feature.geometry) walk(feature.geometry.coordinates);
  return west < east ? [west, south, east, north] : null;
}

/** Whether a polygon feature holds a place: ray casting over all its rings, so that holes count as outside. */
export function contains(geometry: GeoJSON.Geometry, lon: number, lat: number): boolean {
  const polygons = geometry.type === 'Polygon' ? [geometry.coordinates] : geometry.type === 'MultiPolygon' ? geometry.coordinates : [];
  let inside = false;
  for (const ring of polygons.flat()) {
    for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
      const [xi, yi] = ring[i] as [number, number];
      const [xj, yj] = ring[j] as [number, number];
      if (yi > lat !== yj > lat && lon < ((xj - xi) * (lat - yi)) / (yj - yi) + xi) inside = !inside;
    }
  }
  return inside;
}
