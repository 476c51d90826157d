/** The ordinals of the events that match the filter, in order. The index of an event does not change while older ones are added or dropped. */
export class MatchedList {
  readonly #ordinals: Int32Array;
  readonly #sizeMax: number;
  #first = 0;
  #end = 0;
  /** The ordinals of marks, which are rare, in order. */
  #marks: number[] = [];

  constructor(sizeMax: number) {
    this.#sizeMax = sizeMax;
    this.#ordinals = new Int32Array(sizeMax);
  }

  get first(): number {
    return this.#first;
  }
  get end(): number {
    return this.#end;
  }

  /** The number of marks. */
  get marks(): number {
    return this.#marks.length;
  }

  /** Removes everything. Indexes start at 0 again. */
  clear(): void {
    this.#first = 0;
    this.#end = 0;
    this.#marks = [];
  }

  /** Appends the newest. The caller first drops what the ring dropped, so there is room. */
  append(ordinal: number, isMark = false): void {
    if (isMark) this.#marks.push(ordinal);
    this.#ordinals[this.#slot(this.#end)] = ordinal;
    this.#end += 1;
  }

  /** Prepends one that is older than all others. */
  prepend(ordinal: number): void {
    this.#first -= 1;
    this.#ordinals[this.#slot(this.#first)] = ordinal;
  }

  /** Drops all before `ordinal`. */
  dropBefore(ordinal: number): void {
    while (this.#first < this.#end && this.at(this.#first) < ordinal) this.#first += 1;
    while ((this.#marks[0] ?? ordinal) < ordinal) this.#marks.shift();
  }

  /** The ordinal at an index between `first` and `end`. */
  at(index: number): number {
    return this.#ordinals[this.#slot(index)] ?? 0;
  }

  /** The index of `ordinal`, or of the next higher one; `end` if there is none. */
  indexFrom(ordinal: number): number {
    let low = this.#first;
    let high = this.#end;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (this.at(middle) < ordinal) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The ordinal `by` rows from `from` within a range of indexes, and its index. Without `from`: the last one. */
  step(
    from: number | undefined,
    by: number,
    { first, end }: { first: number; end: number },
  ): { ordinal: number | undefined; index: number } {
    if (end === first) return { ordinal: undefined, index: first };
    let index = from === undefined ? end - 1 : this.indexFrom(from);
    if (from !== undefined) {
      const isShown = index < end && this.at(index) === from;
      // One step from an event that the filter hides leads to its neighbour.
      index += isShown || by < 0 ? by : by - 1;
    }
    index = Math.min(Math.max(index, first), end - 1);
    return { ordinal: this.at(index), index };
  }

  #slot(index: number): number {
    return ((index % this.#sizeMax) + this.#sizeMax) % this.#sizeMax;
  }
}
