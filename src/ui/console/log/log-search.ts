/** Searches the whole log for changes that match the filter, page by page, until the list is full or the log's beginning is reached. */
import { parseCursor } from "@/src/shared/streams/cursor";
import type { LogPage } from "../../stream/stream-message";
import type { ConsoleEngine } from "../engine/console-engine";
import type { SearchState } from "../engine/console-messages";
import type { Place } from "./log-place";
import type { LogReader } from "./log-reader";

/** The number of changes that one page can find. */
const PAGE_CHANGES = 200;
/** A filter is searched once it has not changed for this long. */
const TYPING_MS = 400;
/** When older changes are requested, so many more are searched. */
const MORE_CHANGES = 100;

export class LogSearch {
  readonly #engine: ConsoleEngine;
  readonly #read: LogReader["readLog"];
  readonly #onProgress: () => void;
  #query: string | undefined;
  /** Where to search on. Undefined: nothing was searched yet. */
  #before: Place | undefined;
  #looked = 0;
  #remaining = 0;
  #abort = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `onProgress` is called when the engine's state has changed. */
  constructor(engine: ConsoleEngine, read: LogReader["readLog"], onProgress: () => void) {
    this.#engine = engine;
    this.#read = read;
    this.#onProgress = onProgress;
  }

  /** The filter or the list has changed. `query`: the filter as an expression. Undefined: everything matches. */
  restart(query: string | undefined): void {
    this.#abort.abort();
    clearTimeout(this.#timer);
    this.#query = query;
    this.#before = undefined;
    this.#engine.setSearch(undefined);
    if (query === undefined || this.#engine.state.history !== "more" || this.#engine.state.matched >= this.#engine.state.rowsShown) return;
    this.#timer = setTimeout(() => void this.#run(this.#engine.state.rowsShown), TYPING_MS);
  }

  /** Searches further. Does nothing while it is searching, and once everything was searched. */
  more(): void {
    const state = this.#engine.state.search?.state;
    if (this.#query === undefined || state === "running" || state === "complete" || state === "full") return;
    clearTimeout(this.#timer);
    void this.#run(this.#engine.state.matched + MORE_CHANGES);
  }

  stop(): void {
    if (this.#engine.state.search?.state !== "running") return;
    this.#abort.abort();
    this.#report("stopped");
  }

  /** Searches until `target` changes match. */
  async #run(target: number): Promise<void> {
    const query = this.#query;
    if (query === undefined) return;
    this.#abort = new AbortController();
    const { signal } = this.#abort;
    if (this.#before === undefined) {
      const { oldest, held, cursor } = this.#engine.state;
      this.#before = oldest ?? (parseCursor(cursor ?? "")?.seq ?? 0) + 1;
      this.#looked = held;
      this.#remaining = typeof this.#before === "number" ? this.#before - 1 : 1;
    }
    while (this.#engine.state.matched < target) {
      if (this.#remaining === 0) return this.#report("complete");
      this.#report("running");
      const page = await this.#read({ query, before: this.#before, limit: PAGE_CHANGES }, signal);
      if (signal.aborted) return;
      if (!page.ok) return this.#report("failed", page.reason);
      this.#note(page.value);
      if (!this.#engine.addFound(page.value.events)) return this.#report("full");
    }
    this.#report("waiting");
  }

  /** How far a page has looked. */
  #note({ searched, progress, more }: LogPage): void {
    if (progress) {
      if (progress.to !== "") this.#before = progress.to;
      this.#looked += progress.count;
      this.#remaining = more ? progress.remaining : 0;
      return;
    }
    const { to, oldest } = searched ?? { to: 1, oldest: 1 };
    const before = typeof this.#before === "number" ? this.#before : to;
    this.#looked += Math.max(0, before - to);
    this.#remaining = more ? Math.max(0, to - oldest) : 0;
    this.#before = to;
  }

  #report(state: SearchState["state"], problem?: string): void {
    const looked = this.#looked;
    const total = looked + (state === "complete" ? 0 : this.#remaining);
    this.#engine.setSearch({ state, looked, total, ...(problem === undefined ? {} : { problem }) });
    this.#onProgress();
  }
}
