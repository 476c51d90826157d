/**
 * The console's buffer of events: a ring of typed-array columns, and blocks with the bytes of the data. Appending and dropping take constant
 * time. Data is not parsed here, but when its row is displayed.
 */
import { EVENT_KINDS, type EventKind, isMarkKind, type StreamEvent } from "../../stream/stream-event";

export interface RingLimits {
  eventsMax: number;
  /** Of the data, in UTF-8. */
  bytesMax: number;
}

const BLOCK_BYTES = 1 << 20;
const NONE = -0x80000000;

interface Block {
  bytes: Uint8Array<ArrayBuffer>;
  used: number;
  /** The number of buffered events whose data is in this block. */
  live: number;
}

/** Events are identified by ordinals, which never change. `first` is the oldest buffered one, `end` is one past the newest. */
export class EventRing {
  readonly #limits: RingLimits;
  readonly #kinds: Uint8Array;
  readonly #sources: Uint16Array;
  readonly #names: string[] = [];
  readonly #seqs: Float64Array;
  readonly #atMs: Float64Array;
  readonly #receivedMs: Float64Array;
  readonly #createdMs: Float64Array;
  readonly #updatedMs: Float64Array;
  /** Four words per event. */
  readonly #ids: Uint32Array;
  readonly #blocksOf: Int32Array;
  readonly #offsets: Uint32Array;
  readonly #lengths: Uint32Array;
  /** 1 if the data is ASCII without escapes. */
  readonly #plain: Uint8Array;
  /** The ordinal of the previous event of the same record. */
  readonly #previous: Int32Array;
  readonly #blocks = new Map<number, Block>();
  readonly #latest = new Map<string, number>();
  readonly #encoder = new TextEncoder();
  readonly #decoder = new TextDecoder();
  #openBlock = -1;
  #nextBlock = 0;
  #first = 0;
  #end = 0;
  #denseFirst = 0;
  #bytes = 0;
  #marks = 0;
  #discarded = 0;

  constructor(limits: RingLimits) {
    const size = limits.eventsMax;
    this.#limits = limits;
    this.#kinds = new Uint8Array(size);
    this.#sources = new Uint16Array(size);
    this.#seqs = new Float64Array(size);
    this.#atMs = new Float64Array(size);
    this.#receivedMs = new Float64Array(size);
    this.#createdMs = new Float64Array(size);
    this.#updatedMs = new Float64Array(size);
    this.#ids = new Uint32Array(size * 4);
    this.#blocksOf = new Int32Array(size);
    this.#offsets = new Uint32Array(size);
    this.#lengths = new Uint32Array(size);
    this.#plain = new Uint8Array(size);
    this.#previous = new Int32Array(size);
  }

  get first(): number {
    return this.#first;
  }
  get end(): number {
    return this.#end;
  }
  /** The first ordinal of the part without holes. Before it are only changes that a search has found. */
  get denseFirst(): number {
    return this.#denseFirst;
  }
  /** The number of buffered changes, without marks. */
  get changes(): number {
    return this.#end - this.#first - this.#marks;
  }
  get bytes(): number {
    return this.#bytes;
  }
  /** The number of changes that were dropped to make room. */
  get discarded(): number {
    return this.#discarded;
  }
  get isFull(): boolean {
    return this.#end - this.#first >= this.#limits.eventsMax || this.#bytes >= this.#limits.bytesMax;
  }

  /** Appends an event, and drops the oldest ones while a limit is exceeded. Returns its ordinal. */
  append(event: StreamEvent): number {
    if (this.#end - this.#first >= this.#limits.eventsMax) this.#drop();
    const ordinal = this.#end;
    this.#end += 1;
    this.#write(ordinal, event);
    const isMark = isMarkKind(event.kind);
    this.#previous[this.#slot(ordinal)] = isMark ? NONE : (this.#latest.get(event.recordId) ?? NONE);
    if (isMark) this.#marks += 1;
    else this.#latest.set(event.recordId, ordinal);
    // The newest event stays even if it alone exceeds the limit.
    while (this.#bytes > this.#limits.bytesMax && this.#end - this.#first > 1) this.#drop();
    return ordinal;
  }

  /**
   * Prepends an event that is older than all others. `isFound`: a search has found it, so there can be others between it and the next. If the ring is
   * full, it changes nothing and returns false.
   */
  prepend(event: StreamEvent, isFound = false): boolean {
    if (this.isFull || !this.#hasRoom(event.data)) return false;
    this.#first -= 1;
    if (!isFound) this.#denseFirst = this.#first;
    const ordinal = this.#first;
    this.#write(ordinal, event);
    this.#previous[this.#slot(ordinal)] = NONE;
    const next = this.#findNext(ordinal);
    if (next === undefined) this.#latest.set(event.recordId, ordinal);
    else this.#previous[this.#slot(next)] = ordinal;
    return true;
  }

  /** Removes what a search has found. It does not count as discarded. */
  dropFound(): void {
    this.#dropBefore(this.#denseFirst);
  }

  /** Removes everything. Ordinals are not used again. */
  clear(): void {
    this.#dropBefore(this.#end);
    this.#discarded = 0;
    this.#latest.clear();
  }

  /** Replaces the kind and the sentence of a mark. */
  rewriteMark(ordinal: number, kind: EventKind, data: string): void {
    const slot = this.#checked(ordinal);
    this.#release(slot);
    this.#kinds[slot] = EVENT_KINDS.indexOf(kind);
    this.#store(slot, data);
    this.#plain[slot] = 0;
  }

  setAtMs(ordinal: number, atMs: number): void {
    this.#atMs[this.#checked(ordinal)] = atMs;
  }

  holds(ordinal: number): boolean {
    return ordinal >= this.#first && ordinal < this.#end;
  }

  /** Throws RangeError for an ordinal that is not buffered, as all getters below do. */
  kind(ordinal: number): EventKind {
    return EVENT_KINDS[this.#at(this.#kinds, ordinal)] ?? "create";
  }
  /** 0 for a creation, 1 for an update, 2 for a deletion, -1 for a mark. */
  operation(ordinal: number): number {
    const kind = this.#at(this.#kinds, ordinal);
    return kind > 2 ? -1 : kind;
  }
  /** The number of the endpoint in the console. */
  source(ordinal: number): number {
    return this.#at(this.#sources, ordinal);
  }
  /** True if it has changes of several endpoints, which are not ordered by seq. */
  get isMixed(): boolean {
    return this.#names.length > 1;
  }
  /** Names the endpoint of a number. */
  nameSource(source: number, name: string): void {
    this.#names[source] = name;
  }
  endpointName(ordinal: number): string {
    return this.#names[this.source(ordinal)] ?? "";
  }
  seq(ordinal: number): number {
    return this.#at(this.#seqs, ordinal);
  }
  atMs(ordinal: number): number {
    return this.#at(this.#atMs, ordinal);
  }
  /** Of the data, in UTF-8. */
  size(ordinal: number): number {
    return this.#at(this.#lengths, ordinal);
  }
  /** True if the data is ASCII without escapes, so that its bytes equal the displayed text. */
  isPlain(ordinal: number): boolean {
    return this.#at(this.#plain, ordinal) === 1;
  }
  recordId(ordinal: number): string {
    const slot = this.#checked(ordinal) * 4;
    let id = "";
    for (let word = 0; word < 4; word += 1) id += (this.#ids[slot + word] ?? 0).toString(16).padStart(8, "0");
    return id;
  }
  /** The bytes of the data. Valid until the ring changes. */
  bytesOf(ordinal: number): Uint8Array {
    const slot = this.#checked(ordinal);
    const offset = this.#offsets[slot] ?? 0;
    const block = this.#blocks.get(this.#blocksOf[slot] ?? -1);
    return block ? block.bytes.subarray(offset, offset + (this.#lengths[slot] ?? 0)) : new Uint8Array();
  }
  /** The data, or its first `bytesMax` bytes, which can end in a broken character. */
  data(ordinal: number, bytesMax = Number.POSITIVE_INFINITY): string {
    const bytes = this.bytesOf(ordinal);
    return this.#decoder.decode(bytes.length > bytesMax ? bytes.subarray(0, bytesMax) : bytes);
  }
  read(ordinal: number): StreamEvent {
    const slot = this.#checked(ordinal);
    return {
      kind: this.kind(ordinal),
      source: this.source(ordinal),
      seq: this.seq(ordinal),
      atMs: this.atMs(ordinal),
      receivedMs: this.#receivedMs[slot] ?? Number.NaN,
      recordId: this.recordId(ordinal),
      createdMs: this.#createdMs[slot] ?? 0,
      updatedMs: this.#updatedMs[slot] ?? 0,
      data: this.data(ordinal),
    };
  }
  /** The previous event of the same record, if it is buffered. Undefined also if there can be others between them. */
  previous(ordinal: number): number | undefined {
    const previous = this.#at(this.#previous, ordinal);
    return previous !== NONE && previous >= this.#denseFirst ? previous : undefined;
  }

  #dropBefore(ordinal: number): void {
    const discarded = this.#discarded;
    while (this.#first < ordinal) this.#drop();
    this.#discarded = discarded;
  }

  #slot(ordinal: number): number {
    const size = this.#limits.eventsMax;
    return ((ordinal % size) + size) % size;
  }

  #checked(ordinal: number): number {
    if (!this.holds(ordinal)) throw new RangeError(`Event ${ordinal} is not buffered (${this.#first} to ${this.#end - 1}).`);
    return this.#slot(ordinal);
  }

  #at(column: Uint8Array | Uint16Array | Uint32Array | Int32Array | Float64Array, ordinal: number): number {
    return column[this.#checked(ordinal)] ?? 0;
  }

  #write(ordinal: number, event: StreamEvent): void {
    const slot = this.#slot(ordinal);
    this.#kinds[slot] = EVENT_KINDS.indexOf(event.kind);
    this.#sources[slot] = event.source ?? 0;
    this.#seqs[slot] = event.seq;
    this.#atMs[slot] = event.atMs;
    this.#receivedMs[slot] = event.receivedMs;
    this.#createdMs[slot] = event.createdMs;
    this.#updatedMs[slot] = event.updatedMs;
    for (let word = 0; word < 4; word += 1) this.#ids[slot * 4 + word] = Number.parseInt(event.recordId.slice(word * 8, word * 8 + 8), 16);
    this.#store(slot, event.data);
    this.#plain[slot] = this.#lengths[slot] === event.data.length && !event.data.includes("\\") ? 1 : 0;
  }

  #store(slot: number, data: string): void {
    // Long data gets a block of its own, so that no block is left half empty.
    if (data.length > BLOCK_BYTES / 4) {
      const bytes = this.#encoder.encode(data);
      const name = this.#addBlock({ bytes, used: bytes.length, live: 0 });
      this.#note(slot, name, 0, bytes.length);
      return;
    }
    let block = this.#blocks.get(this.#openBlock);
    let written = block ? this.#encoder.encodeInto(data, block.bytes.subarray(block.used)) : undefined;
    if (!block || !written || written.read < data.length) {
      const full = this.#openBlock;
      block = { bytes: new Uint8Array(BLOCK_BYTES), used: 0, live: 0 };
      this.#openBlock = this.#addBlock(block);
      this.#freeIfUnused(full);
      written = this.#encoder.encodeInto(data, block.bytes);
    }
    this.#note(slot, this.#openBlock, block.used, written.written);
    block.used += written.written;
  }

  /** Encodes the data only if it might not fit: UTF-8 has at most three bytes per UTF-16 unit. */
  #hasRoom(data: string): boolean {
    const room = this.#limits.bytesMax - this.#bytes;
    return data.length * 3 <= room || this.#encoder.encode(data).length <= room;
  }

  #addBlock(block: Block): number {
    const name = this.#nextBlock;
    this.#nextBlock = (this.#nextBlock + 1) & 0x3fffffff;
    this.#blocks.set(name, block);
    return name;
  }

  #note(slot: number, block: number, offset: number, length: number): void {
    this.#blocksOf[slot] = block;
    this.#offsets[slot] = offset;
    this.#lengths[slot] = length;
    this.#bytes += length;
    const held = this.#blocks.get(block);
    if (held) held.live += 1;
  }

  #freeIfUnused(name: number): void {
    if (name !== this.#openBlock && this.#blocks.get(name)?.live === 0) this.#blocks.delete(name);
  }

  #drop(): void {
    const ordinal = this.#first;
    const slot = this.#slot(ordinal);
    if (isMarkKind(this.kind(ordinal))) {
      this.#marks -= 1;
    } else {
      this.#discarded += 1;
      const id = this.recordId(ordinal);
      if (this.#latest.get(id) === ordinal) this.#latest.delete(id);
    }
    this.#release(slot);
    this.#first += 1;
    this.#denseFirst = Math.max(this.#denseFirst, this.#first);
  }

  /** Frees the data of a slot. */
  #release(slot: number): void {
    this.#bytes -= this.#lengths[slot] ?? 0;
    const name = this.#blocksOf[slot] ?? -1;
    const block = this.#blocks.get(name);
    if (block) block.live -= 1;
    this.#freeIfUnused(name);
  }

  /** The next event of the same record after `ordinal`. Compares the last word of the id first, because it is random. */
  #findNext(ordinal: number): number | undefined {
    const mine = this.#slot(ordinal) * 4;
    for (let other = ordinal + 1; other < this.#end; other += 1) {
      const theirs = this.#slot(other) * 4;
      if (
        this.#ids[theirs + 3] === this.#ids[mine + 3] &&
        this.#ids[theirs + 2] === this.#ids[mine + 2] &&
        this.#ids[theirs + 1] === this.#ids[mine + 1] &&
        this.#ids[theirs] === this.#ids[mine]
      ) {
        return other;
      }
    }
    return undefined;
  }
}
