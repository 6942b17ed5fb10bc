/** Images of the map and the lists: APP-6 symbols by affiliation and class (build/symbols.ts), sensors. */
import symbols from 'virtual:symbols';
import type { Threat } from '../live/message';
import type { Affiliation } from '../live/picture';
import { SIREN_MARKS } from '../live/sirens.svelte';
import type { Palette } from './palette';
import { SIREN_PX, sirenImage } from './siren_icons';

export interface MapImage {
  name: string;
  data: ImageData;
  pixelRatio: number;
}

const RATIO = 2;

export function iconName(affiliation: Affiliation, threat: Threat): string {
  return `${affiliation}-${threat}`;
}

const urls = new Map(Object.entries(symbols).map(([name, { svg }]) => [name, `data:image/svg+xml,${encodeURIComponent(svg)}`]));

/** The symbol as an image address, for lists. */
export function symbolUrl(affiliation: Affiliation, threat: Threat): string {
  return urls.get(iconName(affiliation, threat))!;
}

function sensorImage(colour: string, silent: boolean): ImageData {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = 20;
  const draw = canvas.getContext('2d')!;
  draw.strokeStyle = draw.fillStyle = colour;
  draw.lineWidth = 3;
  draw.beginPath();
  draw.moveTo(10, 3);
  draw.lineTo(17, 16);
  draw.lineTo(3, 16);
  draw.closePath();
  draw.stroke();
  if (!silent) draw.fill();
  return draw.getImageData(0, 0, canvas.width, canvas.height);
}

/** The symbols of all affiliations and classes, at twice the size they are drawn at, by name. */
export async function trackIcons(): Promise<Map<string, HTMLCanvasElement>> {
  const drawn = Object.entries(symbols).map(async ([name, { width, height }]): Promise<[string, HTMLCanvasElement]> => {
    const image = new Image();
    image.src = urls.get(name)!;
    await image.decode();
    const canvas = document.createElement('canvas');
    canvas.width = Math.ceil(width * RATIO);
    canvas.height = Math.ceil(height * RATIO);
    // In plain memory, as the canvas it is drawn on is.
    canvas.getContext('2d', { willReadFrequently: true })!.drawImage(image, 0, 0, canvas.width, canvas.height);
    return [name, canvas];
  });
  return new Map(await Promise.all(drawn));
}

function sirenMark(mark: (typeof SIREN_MARKS)[number], palette: Palette): MapImage {
  const data = sirenImage(mark, palette).getContext('2d')!.getImageData(0, 0, SIREN_PX, SIREN_PX);
  return { name: `siren-${mark}`, data, pixelRatio: RATIO };
}

/** The marks of sensors and sirens. */
export function mapImages(palette: Palette): MapImage[] {
  return [
    { name: 'sensor-live', data: sensorImage(palette.sensor, false), pixelRatio: RATIO },
    { name: 'sensor-waiting', data: sensorImage(palette.sensor, true), pixelRatio: RATIO },
    { name: 'sensor-silent', data: sensorImage(palette.alarm, true), pixelRatio: RATIO },
    ...SIREN_MARKS.map((mark) => sirenMark(mark, palette)),
  ];
}
