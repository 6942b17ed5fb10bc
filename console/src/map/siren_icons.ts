/** The sirens' marks, told apart by shape as by colour; the same on the map, in its tooltip and in the legend. */
import type { SirenMark } from '../live/sirens.svelte';
import { readPalette } from './palette';
import type { Palette } from './palette';

export const SIREN_PX = 40;

/** On a square of SIREN_PX: sounding: a full disc with waves; quiet: a ring; not heard: a ring crossed; faulty: a full diamond with a mark. */
export function sirenImage(mark: SirenMark, palette: Palette): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = SIREN_PX;
  const draw = canvas.getContext('2d')!;
  const colour = { on: palette.alarm, off: palette.sensor, lost: palette.watch, fault: palette.watch }[mark];
  for (const [ink, width] of [[palette.halo, 8], [colour, 4]] as const) {
    draw.strokeStyle = draw.fillStyle = ink;
    draw.lineWidth = width;
    draw.beginPath();
    if (mark === 'fault') draw.moveTo(20, 4), draw.lineTo(36, 20), draw.lineTo(20, 36), draw.lineTo(4, 20), draw.closePath();
    else draw.arc(20, 20, mark === 'on' ? 7 : 9, 0, 2 * Math.PI);
    draw.stroke();
    if (mark === 'on' || mark === 'fault') draw.fill();
    draw.beginPath();
    if (mark === 'on') for (const [from, to] of [[-0.8, 0.8], [2.35, 3.95]] as const) draw.moveTo(20 + 15 * Math.cos(from), 20 + 15 * Math.sin(from)), draw.arc(20, 20, 15, from, to);
    if (mark === 'lost') draw.moveTo(8, 32), draw.lineTo(32, 8);
    draw.stroke();
  }
  if (mark === 'fault') {
    draw.fillStyle = palette.halo;
    draw.fillRect(18, 10, 4, 12);
    draw.fillRect(18, 26, 4, 4);
  }
  return canvas;
}

/** The mark as an image address, for lists, in the theme that is on. */
export function sirenUrl(mark: SirenMark): string {
  return sirenImage(mark, readPalette()).toDataURL();
}
