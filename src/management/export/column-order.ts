/** Finds an order of a table's columns that keeps the key order of as many records as possible (G14), in bounded memory. */

/** The number of remembered pairs of neighbouring columns. Records of one shape need as many as they have columns; beyond this, no further order is learned. */
const PAIRS_MAX = 100_000;
/** More than any number of columns. */
const PAIR_FACTOR = 2 ** 20;

export interface OrderedColumns {
  columns: string[];
  /** True if `columns` keeps the column order of each record. */
  isExact: boolean;
}

export class ColumnOrder {
  /** The index of each column in order of first appearance. */
  readonly #places = new Map<string, number>();
  /** Pairs of columns that follow each other in a record. */
  readonly #pairs = new Set<number>();
  #isExact = true;

  get size(): number {
    return this.#places.size;
  }

  /** `names` holds a record's columns in its own order, without duplicates. */
  add(names: Iterable<string>): void {
    let before: number | undefined;
    for (const name of names) {
      const place = this.#places.get(name) ?? this.#places.size;
      if (place === this.#places.size) this.#places.set(name, place);
      if (before !== undefined) this.#addPair(before * PAIR_FACTOR + place);
      before = place;
    }
  }

  #addPair(pair: number): void {
    if (this.#pairs.size < PAIRS_MAX) this.#pairs.add(pair);
    else if (!this.#pairs.has(pair)) this.#isExact = false;
  }

  /** Sorts topologically. Of several possible next columns, takes the one seen first; so also where records contradict each other. */
  sort(): OrderedColumns {
    const names = [...this.#places.keys()];
    const followers: number[][] = names.map(() => []);
    const waitsFor: number[] = names.map(() => 0);
    for (const pair of this.#pairs) {
      const [before, after] = [Math.floor(pair / PAIR_FACTOR), pair % PAIR_FACTOR];
      followers[before]?.push(after);
      waitsFor[after] = (waitsFor[after] ?? 0) + 1;
    }
    const isPlaced: boolean[] = names.map(() => false);
    const ready = names.flatMap((_, place) => (waitsFor[place] === 0 ? [place] : []));
    let isExact = this.#isExact;
    let firstLeft = 0;
    const columns: string[] = [];
    while (columns.length < names.length) {
      let place = ready.shift();
      if (place === undefined) {
        while (isPlaced[firstLeft]) firstLeft += 1;
        place = firstLeft;
        isExact = false;
      }
      isPlaced[place] = true;
      columns.push(names[place] ?? "");
      for (const after of followers[place] ?? []) {
        waitsFor[after] = (waitsFor[after] ?? 0) - 1;
        if (waitsFor[after] === 0 && !isPlaced[after]) insert(ready, after);
      }
    }
    return { columns, isExact };
  }
}

/** Keeps `sorted` ascending. */
function insert(sorted: number[], value: number): void {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  sorted.splice(low, 0, value);
}
