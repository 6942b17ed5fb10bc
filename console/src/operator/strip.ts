/** The night at a glance: a pure function from counts to a drawing. */
import type { Span } from '../live/replay';

/** The outline of the counts in a box of 100 x 100 that stands for first_us..last_us; the highest count fills it. */
export function stripPath(span: Span, first_us: number, last_us: number): string {
  const most = Math.max(1, ...span.alarms);
  const part = (span.last_us - span.first_us) / Math.max(1, span.alarms.length);
  const x = (us: number): string => ((100 * (us - first_us)) / (last_us - first_us)).toFixed(2);
  const points = span.alarms.map((count, i) => `H${x(span.first_us + i * part)}V${(100 - (100 * count) / most).toFixed(1)}`);
  return span.alarms.length ? `M${x(span.first_us)} 100${points.join('')}H${x(span.last_us)}V100Z` : '';
}
