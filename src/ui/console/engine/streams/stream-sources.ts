/** The streams that fill the console's list: of each, the cursor to resume from and what it recovers after an interruption. */
import type { ConnectionState } from "../../../stream/stream-connection";
import { type MarkedList, Recovery } from "./recovery";

interface Source {
  cursor: string | undefined;
  isLive: boolean;
  /** When the connection was lost, by this computer's clock. */
  lostMs: number | undefined;
  recovery: Recovery;
}

/** Sources are numbers from 0 on. The console of one endpoint has only 0. */
export class StreamSources {
  readonly #sources: Source[] = [];
  readonly #createList: (source: number) => MarkedList;

  constructor(createList: (source: number) => MarkedList) {
    this.#createList = createList;
  }

  cursor(source: number): string | undefined {
    return this.#sources[source]?.cursor;
  }
  setCursor(source: number, cursor: string): void {
    this.#get(source).cursor = cursor;
  }
  recovery(source: number): Recovery {
    return this.#get(source).recovery;
  }
  lostMs(source: number): number | undefined {
    return this.#get(source).lostMs;
  }

  /** Returns true if the stream was lost just now. */
  setConnection(source: number, { state }: ConnectionState, nowMs: number): boolean {
    const found = this.#get(source);
    const isLost = found.isLive && state !== "live";
    if (isLost) found.lostMs = nowMs;
    found.isLive = state === "live";
    return isLost;
  }

  /** The list was replaced, and the marks with it. */
  forget(): void {
    for (const { recovery } of this.#sources) recovery.forget();
  }

  #get(source: number): Source {
    for (let next = this.#sources.length; next <= source; next += 1)
      this.#sources.push({ cursor: undefined, isLive: false, lostMs: undefined, recovery: new Recovery(this.#createList(next)) });
    const found = this.#sources[source];
    if (!found) throw new RangeError(`There is no source ${source}.`);
    return found;
  }
}
