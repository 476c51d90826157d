/**
 * Keeps the list's rows and scroll position in step with the flushes of the worker: it follows the newest rows, or keeps the visible rows in place
 * while others are added and dropped. Without React, because at thousands of changes per second every row is replaced in every frame.
 */
import { isAtEnd, ROW_PX, toAnchored, toScrollTop, toVisibleRows, toWindow, toWindowSize, type Viewport } from "../../grid/row-window";
import type { Flush, View } from "../engine/console-messages";
import { RowPool } from "./row-pool";
import { LIST_HEAD_PX, LIST_START_PX, toColumns, toPreviewCharacters, toRowId } from "./row-style";

/** Older changes are loaded when the list is scrolled this close to its top. */
const OLDER_AT_PX = 200;
/** Newer changes are loaded when an earlier part of the log is scrolled this close to its end. */
const NEWER_AT_PX = 200;
const END_PX = Number.MAX_SAFE_INTEGER;

export interface ListElements {
  /** The grid, which scrolls. */
  grid: HTMLElement;
  /** As high as all rows. */
  spacer: HTMLElement;
  /** Holds the drawn rows. */
  box: HTMLElement;
}

/** The state of the list that the page shows beside the rows. */
export interface ListStatus {
  following: boolean;
  /** The number of rows that have arrived since the list stopped following. */
  unseen: number;
  /** True if the last row is visible. */
  atEnd: boolean;
}

/** The source of the rows. */
export interface ListSource {
  setView(view: View): void;
  loadOlder(): void;
  loadNewer(): void;
  /** Replaces an earlier part of the log by the newest changes. */
  seek(place: { kind: "newest" }): void;
  /** Calls `listener` with every flush, once a frame. Returns a function that unsubscribes. */
  subscribe(listener: (flush: Flush) => void): () => void;
}

export class ListController {
  #flush: Flush;
  #source: ListSource | undefined;
  #elements: ListElements | undefined;
  #pool: RowPool | undefined;
  #pins: readonly string[] = [];
  #selected: number | undefined;
  #following = true;
  #seenEnd: number;
  #seenArrived: number;
  #scrollTop = 0;
  #widthPx = 0;
  #heightPx = 0;
  #drawnCount = -1;
  #status: ListStatus = { following: true, unseen: 0, atEnd: true };
  readonly #listeners = new Set<() => void>();

  /** True if the list has a column for the endpoint. */
  readonly hasEndpoints: boolean;

  constructor(initial: Flush, hasEndpoints: boolean) {
    this.hasEndpoints = hasEndpoints;
    this.#flush = initial;
    this.#seenEnd = initial.end;
    this.#seenArrived = initial.arrived;
  }

  get status(): ListStatus {
    return this.#status;
  }

  /** Calls `listener` when the status changes. Returns a function that unsubscribes. */
  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Draws the flushes of `source`. Returns a function that disconnects it. */
  connect(source: ListSource): () => void {
    this.#source = source;
    const unsubscribe = source.subscribe((flush) => this.#draw(flush));
    this.#sendView();
    return () => {
      unsubscribe();
      this.#source = undefined;
    };
  }

  /** Draws into elements. `onPress` is called with the ordinal of a clicked change. Returns a function that detaches them. */
  attach(elements: ListElements, onPress: (ordinal: number) => void): () => void {
    const { grid, box } = elements;
    this.#elements = elements;
    this.#pool = new RowPool(box, toColumns(this.#pins.length, this.hasEndpoints), onPress);
    this.#drawnCount = -1;
    this.#measure();
    this.#draw(this.#flush);
    const onScroll = () => this.#onScroll();
    const observer = new ResizeObserver(() => {
      this.#measure();
      if (this.#following) this.#scrollTo(END_PX);
      this.#sendView();
    });
    grid.addEventListener("scroll", onScroll, { passive: true });
    observer.observe(grid);
    return () => {
      grid.removeEventListener("scroll", onScroll);
      observer.disconnect();
      box.replaceChildren();
      this.#elements = undefined;
      this.#pool = undefined;
    };
  }

  /** Sets the JSON paths that have columns. The caller attaches the elements again, because the rows get other cells. */
  setPins(pins: readonly string[]): void {
    this.#pins = pins;
    this.#sendView();
  }

  select(ordinal: number | undefined): void {
    if (this.#selected === ordinal) return;
    this.#selected = ordinal;
    this.#drawRows();
  }

  /** Scrolls to the newest row and follows. */
  follow = (): void => {
    if (this.#flush.detached) this.#source?.seek({ kind: "newest" });
    this.#setFollow(true);
    this.#sendView();
    this.#scrollTo(END_PX);
  };

  /** Stops following. */
  hold(): void {
    this.#setFollow(false);
    this.#sendView();
  }

  /** Follows again if the newest row is visible. */
  release(): void {
    if (!this.#flush.detached && isAtEnd(this.#viewport(), this.#flush.end - this.#flush.first)) this.follow();
  }

  /** Scrolls to the oldest row, and loads older ones. */
  toTop = (): void => {
    this.#setFollow(false);
    this.#scrollTo(0);
    this.#sendView();
    if (canLoadOlder(this.#flush)) this.#source?.loadOlder();
  };

  /** Scrolls a row into view and stops following. `index` is that of `Flush`. */
  reveal(index: number): void {
    this.#setFollow(false);
    this.#scrollTo(toScrollTop(this.#viewport(), index - this.#flush.first));
    this.#sendView();
  }

  /** The view for which the worker should send rows. */
  readView(): View {
    const viewport = this.#viewport();
    const { first, end } = this.#flush;
    const pins = this.#pins;
    const characters = toPreviewCharacters(this.#widthPx, pins.length, this.hasEndpoints);
    if (this.#following) return { follow: true, count: toVisibleRows(viewport.height), characters, pins };
    const { from, to } = toWindow(viewport, end - first);
    return { follow: false, from: first + from, count: Math.max(to - from, toWindowSize(viewport.height)), characters, pins };
  }

  #measure(): void {
    if (!this.#elements) return;
    this.#widthPx = this.#elements.grid.clientWidth;
    this.#heightPx = this.#elements.grid.clientHeight;
  }

  /** The part of the grid in which rows are visible. The head covers its top. */
  #viewport(): Viewport {
    return { scrollTop: this.#scrollTop, height: Math.max(0, this.#heightPx - LIST_HEAD_PX), headPx: LIST_START_PX };
  }

  #sendView(): void {
    this.#source?.setView(this.readView());
  }

  #scrollTo(top: number): void {
    const grid = this.#elements?.grid;
    if (!grid) return;
    grid.scrollTop = top;
    this.#scrollTop = grid.scrollTop;
  }

  #onScroll(): void {
    const grid = this.#elements?.grid;
    if (!grid) return;
    const before = this.#scrollTop;
    this.#scrollTop = grid.scrollTop;
    const { first, end, detached } = this.#flush;
    const wasFollowing = this.#following;
    const movedUp = this.#scrollTop < before;
    const viewport = this.#viewport();
    if (detached) {
      this.#setFollow(false);
      if (!movedUp && isAtEnd({ ...viewport, scrollTop: viewport.scrollTop + NEWER_AT_PX }, end - first)) this.#source?.loadNewer();
    } else if (isAtEnd(viewport, end - first)) this.#setFollow(true);
    else if (movedUp || !this.#following) this.#setFollow(false);
    if (movedUp && this.#scrollTop < OLDER_AT_PX && canLoadOlder(this.#flush)) this.#source?.loadOlder();
    // A jump to the end shows rows that the worker has not sent yet.
    if (!this.#following || !wasFollowing) this.#sendView();
  }

  #setFollow(next: boolean): void {
    if (this.#following === next) return;
    this.#following = next;
    if (!next) {
      this.#seenEnd = this.#flush.end;
      this.#seenArrived = this.#flush.arrived;
    }
    this.#notify();
  }

  /** Writes first and scrolls last, so that a flush costs one layout. */
  #draw(flush: Flush): void {
    const last = this.#flush;
    this.#flush = flush;
    const elements = this.#elements;
    if (!elements) return;
    const count = flush.end - flush.first;
    if (count !== this.#drawnCount) {
      this.#drawnCount = count;
      elements.spacer.style.height = `${LIST_START_PX + count * ROW_PX}px`;
      elements.grid.setAttribute("aria-rowcount", String(count + 1));
    }
    this.#drawRows();
    if (this.#following) {
      this.#scrollTo(END_PX);
    } else if (flush.generation !== last.generation) {
      const anchor = flush.anchor ?? flush.end;
      // A third from the top, so that some earlier rows are visible too.
      this.#scrollTo(Math.max(0, LIST_START_PX + (anchor - flush.first) * ROW_PX - this.#viewport().height / 3));
      this.#sendView();
    } else if (flush.first !== last.first) {
      this.#scrollTo(toAnchored(this.#scrollTop, last.first - flush.first));
      this.#sendView();
    }
    this.#notify();
  }

  #drawRows(): void {
    if (!this.#elements || !this.#pool) return;
    const { rows, from, first } = this.#flush;
    const { isActiveDrawn } = this.#pool.draw({ rows, from, first, selected: this.#selected });
    const { grid } = this.#elements;
    const active = isActiveDrawn && this.#selected !== undefined ? toRowId(this.#selected) : null;
    if (grid.getAttribute("aria-activedescendant") === active) return;
    if (active === null) grid.removeAttribute("aria-activedescendant");
    else grid.setAttribute("aria-activedescendant", active);
  }

  #notify(): void {
    const { from, rows, end, arrived, detached } = this.#flush;
    const next: ListStatus = {
      following: this.#following,
      // Changes that are loaded from the log are not new, and those that a pause hides are not in the list.
      unseen: this.#following || detached ? 0 : Math.max(0, Math.min(end - this.#seenEnd, arrived - this.#seenArrived)),
      atEnd: from + rows.length >= end && !detached,
    };
    const { following, unseen, atEnd } = this.#status;
    if (following === next.following && unseen === next.unseen && atEnd === next.atEnd) return;
    this.#status = next;
    for (const listener of this.#listeners) listener();
  }
}

/** True if there can be older changes to load, or to find. */
function canLoadOlder({ history, search }: Flush): boolean {
  return search ? search.state === "waiting" : history === "more";
}
