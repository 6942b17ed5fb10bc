/** What the operator chose to see; not what there is to see. Kept in this browser. */
const LAYERS = ['trails', 'vectors', 'ellipses', 'forecast', 'neutral', 'sensors', 'sirens'] as const;
export type LayerName = (typeof LAYERS)[number];
export const LAYER_NAMES: readonly LayerName[] = LAYERS;

const STORED = 'perisai.view';
const STANDARD: Record<LayerName, boolean> = { trails: true, vectors: true, ellipses: true, forecast: true, neutral: true, sensors: false, sirens: false };

interface Kept {
  layers: Record<LayerName, boolean>;
  sound: boolean;
  /** Partner nations whose layer is switched off. */
  partners_off: string[];
}

function kept(): Kept {
  try {
    const stored = JSON.parse(localStorage.getItem(STORED) ?? '{}') as Partial<Kept>;
    return { layers: { ...STANDARD, ...stored.layers }, sound: stored.sound ?? true, partners_off: stored.partners_off ?? [] };
  } catch {
    return { layers: { ...STANDARD }, sound: true, partners_off: [] };
  }
}

class View {
  layers = $state(kept().layers);
  sound = $state(kept().sound);
  partners_off = $state(kept().partners_off);
  /** Text that narrows both lists. */
  search = $state('');
  /** What lies open over or beside the map. */
  open = $state<'layers' | 'sensors' | 'desk' | 'help' | null>(null);
  /** Asks the map whether all that was given is drawn. */
  settled: () => boolean = () => false;
  /** When the lists first showed a picture with its names, ms after the page began. */
  listed_ms = 0;
  /** When the map first showed a picture with its ground, ms after the page began. */
  drawn_ms = 0;
  /** Counts the times the whole region was asked for. */
  home = $state(0);

  /** Let the details of what is selected be seen: what lies over them closes. */
  details(): void {
    if (this.open === 'sensors' || this.open === 'desk') this.open = null;
  }

  toggleLayer(name: LayerName): void {
    this.layers[name] = !this.layers[name];
    this.keep();
  }

  togglePartner(id: string): void {
    this.partners_off = this.partners_off.includes(id) ? this.partners_off.filter((one) => one !== id) : [...this.partners_off, id];
    this.keep();
  }

  toggleSound(): void {
    this.sound = !this.sound;
    this.keep();
  }

  toggle(name: 'layers' | 'sensors' | 'desk' | 'help'): void {
    this.open = this.open === name ? null : name;
  }

  private keep(): void {
    localStorage.setItem(STORED, JSON.stringify({ layers: this.layers, sound: this.sound, partners_off: this.partners_off }));
  }
}

export const view = new View();
