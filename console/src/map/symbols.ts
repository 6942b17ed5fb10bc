/** Images of the map: APP-6 symbols by affiliation and class, hatchings of the levels, sensors. */
import ms from 'milsymbol';
import { THREATS } from '../live/message';
import type { Threat } from '../live/message';
import type { Affiliation } from '../live/picture';
import { iconName } from './tracks';
import type { Palette } from './palette';

/** Digit 4 of the APP-6(D) identification code: standard identity. */
const IDENTITY: Record<Affiliation, string> = { unknown: '1', neutral: '4', suspect: '5', hostile: '6' };

/** Symbol set, entity and modifiers (digits 5-6, 11-16, 17-20) of each class. */
const ENTITY: Record<Threat, { set: string; entity: string; modifiers: string }> = {
  drone: { set: '01', entity: '110300', modifiers: '0000' },
  cruise: { set: '02', entity: '110000', modifiers: '0102' },
  ballistic: { set: '02', entity: '110000', modifiers: '0202' },
  glide_bomb: { set: '02', entity: '110000', modifiers: '0101' },
  aircraft: { set: '01', entity: '110100', modifiers: '0000' },
  other: { set: '01', entity: '000000', modifiers: '0000' },
};

export interface MapImage {
  name: string;
  data: ImageData;
  pixelRatio: number;
}

const RATIO = 2;

/** The 20-digit code; civil aircraft are neutral traffic, and an exercise is told in the symbol itself. */
export function symbolCode(affiliation: Affiliation, threat: Threat): string {
  const { set, modifiers, entity } = ENTITY[threat];
  const civil = affiliation === 'neutral' && threat === 'aircraft';
  return `100${IDENTITY[affiliation]}${set}0000${civil ? '120100' : entity}${modifiers}`;
}

function imageOf(canvas: HTMLCanvasElement): ImageData {
  return canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
}

export function symbolCanvas(affiliation: Affiliation, threat: Threat, size = 15, ratio = RATIO): HTMLCanvasElement {
  const scale = affiliation === 'neutral' ? 0.75 : 1;
  const look = { size: size * scale, outlineWidth: 2, outlineColor: 'rgba(0,0,0,0.55)', civilianColor: false };
  return new ms.Symbol(symbolCode(affiliation, threat), look).asCanvas(ratio);
}

function hatch(colour: string, crossed: boolean): ImageData {
  const size = 16;
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = size;
  const draw = canvas.getContext('2d')!;
  draw.strokeStyle = colour;
  draw.globalAlpha = crossed ? 0.75 : 0.55;
  draw.lineWidth = crossed ? 1.6 : 1.2;
  for (const shift of [-size, 0, size]) {
    draw.moveTo(shift, size);
    draw.lineTo(shift + size, 0);
    if (crossed) {
      draw.moveTo(shift, 0);
      draw.lineTo(shift + size, size);
    }
  }
  draw.stroke();
  return imageOf(canvas);
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
  return imageOf(canvas);
}

/** A copy that lies in plain memory, as the canvas it is drawn on does. */
function inMemory(source: HTMLCanvasElement): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  canvas.width = source.width;
  canvas.height = source.height;
  canvas.getContext('2d', { willReadFrequently: true })!.drawImage(source, 0, 0);
  return canvas;
}

/** The symbols of all affiliations and classes, at twice the size they are drawn at, by name. */
export function trackIcons(): Map<string, HTMLCanvasElement> {
  const icons = new Map<string, HTMLCanvasElement>();
  for (const affiliation of Object.keys(IDENTITY) as Affiliation[]) {
    for (const threat of THREATS) icons.set(iconName(affiliation, threat), inMemory(symbolCanvas(affiliation, threat)));
  }
  return icons;
}

/** The hatchings and the sensors' marks. */
export function mapImages(palette: Palette): MapImage[] {
  const images: MapImage[] = [];
  images.push({ name: 'hatch-watch', data: hatch(palette.watch, false), pixelRatio: RATIO });
  images.push({ name: 'hatch-alarm', data: hatch(palette.alarm, true), pixelRatio: RATIO });
  images.push({ name: 'sensor-live', data: sensorImage(palette.sensor, false), pixelRatio: RATIO });
  images.push({ name: 'sensor-waiting', data: sensorImage(palette.sensor, true), pixelRatio: RATIO });
  images.push({ name: 'sensor-silent', data: sensorImage(palette.alarm, true), pixelRatio: RATIO });
  return images;
}

const urls = new Map<string, string>();

/** The symbol as an image address, for lists. */
export function symbolUrl(affiliation: Affiliation, threat: Threat): string {
  const name = iconName(affiliation, threat);
  let url = urls.get(name);
  if (!url) {
    url = symbolCanvas(affiliation, threat).toDataURL();
    urls.set(name, url);
  }
  return url;
}
