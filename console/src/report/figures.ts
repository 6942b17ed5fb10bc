/** The figures of a night from its alerts: pure functions. */
import type { AlertMessage, Threat } from '../live/message';
import type { Area } from '../map/areas';

export interface AreaFigures {
  code: string;
  alarms: number;
  /** Hours under alarm, spans that overlap counted once. */
  hours: number;
  person_hours: number;
  first_us: number;
  last_us: number;
}

export interface Night {
  alarms: number;
  watches: number;
  first_us: number;
  last_us: number;
  residents: number;
  person_hours: number;
  /** Median minutes of an alarm that has ended; null when none has. */
  median_min: number | null;
  threats: { threat: Threat; alarms: number }[];
  /** The longest under alarm first. */
  areas: AreaFigures[];
}

const HOUR_US = 3.6e9;

function hoursOf(spans: [number, number][]): number {
  let [total, end] = [0, -Infinity];
  for (const [from, to] of spans.sort((a, b) => a[0] - b[0])) {
    total += Math.max(0, to - Math.max(from, end));
    end = Math.max(end, to);
  }
  return total / HOUR_US;
}

function median(values: number[]): number | null {
  const sorted = values.sort((a, b) => a - b);
  return sorted.length ? sorted[sorted.length >> 1]! : null;
}

/** now_us: to where an alert that goes on is counted. */
export function nightOf(alerts: AlertMessage[], areas: Map<string, Area>, now_us: number): Night {
  const alarms = alerts.filter(({ level }) => level === 'alarm');
  const spans = new Map<string, [number, number][]>();
  const threats = new Map<Threat, number>();
  for (const { area, start_us, end_us, threat } of alarms) {
    spans.set(area, [...(spans.get(area) ?? []), [start_us, end_us ?? now_us]]);
    threats.set(threat, (threats.get(threat) ?? 0) + 1);
  }
  const figures = [...spans].map(([code, own]): AreaFigures => {
    const hours = hoursOf(own);
    const times = own.flat();
    const people = areas.get(code)?.population ?? 0;
    return { code, alarms: own.length, hours, person_hours: hours * people, first_us: Math.min(...times), last_us: Math.max(...times) };
  });
  const ended = alarms.flatMap(({ start_us, end_us }) => (end_us === null ? [] : [(end_us - start_us) / 6e7]));
  return {
    alarms: alarms.length,
    watches: alerts.length - alarms.length,
    first_us: alerts.reduce((least, { start_us }) => Math.min(least, start_us), Infinity),
    last_us: alerts.reduce((most, { end_us }) => Math.max(most, end_us ?? now_us), 0),
    residents: figures.reduce((sum, { code }) => sum + (areas.get(code)?.population ?? 0), 0),
    person_hours: figures.reduce((sum, row) => sum + row.person_hours, 0),
    median_min: median(ended),
    threats: [...threats].map(([threat, count]) => ({ threat, alarms: count })).sort((a, b) => b.alarms - a.alarms),
    areas: figures.sort((a, b) => b.hours - a.hours || a.code.localeCompare(b.code)),
  };
}

export interface Hours {
  /** Start of each hour. */
  times_us: number[];
  alarms: number[];
  /** Median minutes between an alarm's start and the arrival foreseen then; null in an hour without. */
  lead_min: (number | null)[];
}

/** The alarms by the hour in which they began, hours without one between them included. */
export function hourly(alerts: AlertMessage[]): Hours {
  const alarms = alerts.filter(({ level }) => level === 'alarm');
  if (!alarms.length) return { times_us: [], alarms: [], lead_min: [] };
  const hourOf = ({ start_us }: AlertMessage): number => Math.floor(start_us / HOUR_US);
  const first = alarms.reduce((least, alert) => Math.min(least, hourOf(alert)), Infinity);
  const last = alarms.reduce((most, alert) => Math.max(most, hourOf(alert)), 0);
  const hours: AlertMessage[][] = Array.from({ length: last - first + 1 }, () => []);
  for (const alert of alarms) hours[hourOf(alert) - first]!.push(alert);
  return {
    times_us: hours.map((_, i) => (first + i) * HOUR_US),
    alarms: hours.map((own) => own.length),
    lead_min: hours.map((own) => median(own.flatMap(({ eta_s }) => (eta_s === null || !Number.isFinite(eta_s) ? [] : [Math.max(0, eta_s) / 60])))),
  };
}
