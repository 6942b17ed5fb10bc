/** Keeps rows where they are while somebody points at them: a pure function from the last order to the next. */
export type Key = string | number;

export interface Ordered<T> {
  rows: T[];
  /** Keys of rows that are shown as they were last, although they are no longer there. */
  gone: ReadonlySet<Key>;
  /** How many rows at the end came after the order was held. */
  added: number;
}

/** Nothing held: the rows in their own order. */
export function inOrder<T>(rows: T[]): Ordered<T> {
  return { rows, gone: new Set(), added: 0 };
}

/** The rows in the order of `last`, those that went still in their places, new ones at the end. */
export function keepOrder<T>(last: Ordered<T>, rows: T[], key: (row: T) => Key): Ordered<T> {
  const now = new Map(rows.map((row) => [key(row), row]));
  const gone = new Set<Key>();
  const kept = last.rows.map((row) => {
    const id = key(row);
    const found = now.get(id);
    if (found === undefined) gone.add(id);
    now.delete(id);
    return found ?? row;
  });
  return { rows: [...kept, ...now.values()], gone, added: last.added + now.size };
}
