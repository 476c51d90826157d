/** Keeps the rows of buffered events, because the same rows are sent again and again. */
import { type RowView, toPinPaths, toRowView } from "../list/row-view";
import type { EventRing } from "./event-ring";

const ROWS_MAX = 2000;

export class RowCache {
  readonly #ring: EventRing;
  readonly #rows = new Map<number, RowView>();
  #pins: readonly string[] = [];
  #paths: ReturnType<typeof toPinPaths> = [];
  #isDimmed: ((ordinal: number) => boolean) | undefined;

  constructor(ring: EventRing) {
    this.#ring = ring;
  }

  /** Sets the JSON paths whose values the rows have. */
  setPins(pins: readonly string[]): void {
    if (pins.join("\n") === this.#pins.join("\n")) return;
    this.#pins = pins;
    this.#paths = toPinPaths(pins);
    this.clear();
  }

  /** Decides which rows are dimmed. Undefined: none. */
  setDimmed(isDimmed: ((ordinal: number) => boolean) | undefined): void {
    this.#isDimmed = isDimmed;
    this.clear();
  }

  /** The row of a buffered event. Its preview is cut to what fits, so that the page needs neither long texts nor CSS to shorten them. */
  get(ordinal: number, characters: number): RowView {
    const row = this.#rows.get(ordinal) ?? this.#create(ordinal);
    return row.preview.length > characters ? { ...row, preview: `${row.preview.slice(0, characters - 1)}…` } : row;
  }

  forget(ordinal: number): void {
    this.#rows.delete(ordinal);
  }

  clear(): void {
    this.#rows.clear();
  }

  #create(ordinal: number): RowView {
    if (this.#rows.size >= ROWS_MAX) this.#rows.clear();
    const view = toRowView(this.#ring, ordinal, this.#paths);
    const row: RowView = this.#isDimmed?.(ordinal) ? { ...view, isDimmed: true } : view;
    this.#rows.set(ordinal, row);
    return row;
  }
}
