/**
 * A map for entries that come and go with requests. `Map` and `Set` of V8 are costly there: each time that one has filled with deleted entries, it moves to a new table,
 * and the old table keeps a reference to the new one. Once a table is in the old generation, every later one is reachable until the next full collection, with all
 * requests that were in it (docs/adr/0042-objects-of-requests-die-young.md).
 */

interface Cell<Key, Value> {
  readonly key: Key;
  /** undefined: the entry was deleted. */
  value: Value | undefined;
  previous: Cell<Key, Value> | undefined;
  next: Cell<Key, Value> | undefined;
}

/** Deleted entries up to this number are kept, so that a key that comes back needs no new entry. */
const DELETED_MAX = 32;

/**
 * Like `Map`: entries are in the order in which their keys were set, and a key that was deleted and set again is at the end. A deleted key is kept until as many keys as are
 * present, and at least 32, have been deleted; its value is not.
 */
export class ShortLivedMap<Key, Value extends object | string | number | true> {
  #cells = new Map<Key, Cell<Key, Value>>();
  #first: Cell<Key, Value> | undefined;
  #last: Cell<Key, Value> | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(key: Key): Value | undefined {
    return this.#cells.get(key)?.value;
  }

  /** Adds an entry at the end, or replaces the value of the entry with this key. */
  set(key: Key, value: Value): void {
    let cell = this.#cells.get(key);
    if (cell?.value !== undefined) {
      cell.value = value;
      return;
    }
    if (cell) cell.value = value;
    else {
      cell = { key, value, previous: undefined, next: undefined };
      this.#cells.set(key, cell);
    }
    cell.previous = this.#last;
    if (this.#last) this.#last.next = cell;
    else this.#first = cell;
    this.#last = cell;
    this.#size += 1;
  }

  /** Returns true if there was an entry. */
  delete(key: Key): boolean {
    const cell = this.#cells.get(key);
    if (cell?.value === undefined) return false;
    const { previous, next } = cell;
    if (previous) previous.next = next;
    else this.#first = next;
    if (next) next.previous = previous;
    else this.#last = previous;
    // Nothing that is reachable from a deleted entry may lead to a later one.
    cell.value = undefined;
    cell.previous = undefined;
    cell.next = undefined;
    this.#size -= 1;
    const deleted = this.#cells.size - this.#size;
    if (deleted > DELETED_MAX && deleted > this.#size) this.#forgetDeleted();
    return true;
  }

  /** The entries in order. The entry that was returned last may be deleted meanwhile; after any other change, the result is undefined. */
  *entries(): Generator<[key: Key, value: Value], undefined> {
    for (let cell = this.#first; cell; ) {
      const { next } = cell;
      if (cell.value !== undefined) yield [cell.key, cell.value];
      cell = next;
    }
  }

  #forgetDeleted(): void {
    const cells = new Map<Key, Cell<Key, Value>>();
    for (let cell = this.#first; cell; cell = cell.next) cells.set(cell.key, cell);
    this.#cells = cells;
  }
}
