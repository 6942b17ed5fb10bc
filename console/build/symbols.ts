/** The APP-6 symbols, drawn when the console is built: the page needs twenty-four pictures, not the library. */
import ms from 'milsymbol';
import type { Plugin } from 'vite';
import { THREATS } from '../src/live/message';
import type { Threat } from '../src/live/message';
import type { Affiliation } from '../src/live/picture';

const NAME = 'virtual:symbols';

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
const SIZE = 15;

/** The 20-digit code; civil aircraft are neutral traffic, and an exercise is told in the symbol itself. */
function symbolCode(affiliation: Affiliation, threat: Threat): string {
  const { set, modifiers, entity } = ENTITY[threat];
  const civil = affiliation === 'neutral' && threat === 'aircraft';
  return `100${IDENTITY[affiliation]}${set}0000${civil ? '120100' : entity}${modifiers}`;
}

function symbols(): Record<string, { svg: string; width: number; height: number }> {
  const made: Record<string, { svg: string; width: number; height: number }> = {};
  for (const affiliation of Object.keys(IDENTITY) as Affiliation[]) {
    for (const threat of THREATS) {
      const size = SIZE * (affiliation === 'neutral' ? 0.75 : 1);
      const look = { size, outlineWidth: 2, outlineColor: 'rgba(0,0,0,0.55)', civilianColor: false };
      const symbol = new ms.Symbol(symbolCode(affiliation, threat), look);
      const { width, height } = symbol.getSize();
      made[`${affiliation}-${threat}`] = { svg: symbol.asSVG(), width, height };
    }
  }
  return made;
}

/** `virtual:symbols`: SVG text and size by `affiliation-class`. */
export function symbolsPlugin(): Plugin {
  return {
    name: 'symbols',
    resolveId: (id) => (id === NAME ? `\0${NAME}` : undefined),
    load: (id) => (id === `\0${NAME}` ? `export default ${JSON.stringify(symbols())}` : undefined),
  };
}
