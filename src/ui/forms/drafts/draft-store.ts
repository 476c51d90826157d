/**
 * Keeps unsaved work: in memory while the page is open, and in the session storage of the tab, so that it survives a reload, a sign-in and a restart
 * of the server (ADR 52). Secrets are kept in memory only. Pure, except for the given storage and clock.
 */

export interface DraftEntry {
  readonly value: unknown;
  /** When it was last changed, in milliseconds since 1970. */
  readonly changedAtMs: number;
  /** It was sent, and stays only to be changed further. It is not stored. */
  readonly isSent?: boolean;
}

export interface DraftPorts {
  /** Undefined if the browser blocks storage. May throw, for example when it is full. */
  storage: () => Storage | undefined;
  nowMs: () => number;
  /** Calls `run` after `ms` milliseconds. */
  setTimer: (run: () => void, ms: number) => void;
}

const PREFIX = "rested-draft:";
/** The longest text of a draft that is stored, in UTF-16 units. A record may have 1 MB, and a draft contains two versions of it. */
export const DRAFT_LENGTH_MAX = 3_000_000;
/** The longest text of all stored drafts. Browsers store about 5 million units for a tab. */
const DRAFTS_LENGTH_MAX = 4_500_000;
export const DRAFT_AGE_MAX_MS = 7 * 86_400_000;
/** A draft is stored at most this long after a change. Storing a long text at each key would be felt. */
const STORE_AFTER_MS = 300;

export class DraftStore {
  readonly #ports: DraftPorts;
  /** Undefined: there is none, in storage either. */
  readonly #entries = new Map<string, DraftEntry | undefined>();
  readonly #unstored = new Set<string>();
  /** Drafts that would be lost with the page: secrets, and those that the storage did not take. */
  readonly #unkept = new Set<string>();
  readonly #listeners = new Set<() => void>();
  #version = 0;

  constructor(ports: DraftPorts) {
    this.#ports = ports;
  }

  /** Increased by each change of a draft. */
  get version(): number {
    return this.#version;
  }

  /** The draft of an object. The same entry until it changes. */
  read(key: string): DraftEntry | undefined {
    if (!this.#entries.has(key)) this.#entries.set(key, this.#load(key));
    return this.#entries.get(key);
  }

  /** `isSecret`: it is not stored, because it can contain a password. */
  write(key: string, value: unknown, { isSecret = false }: { isSecret?: boolean } = {}): void {
    this.#entries.set(key, { value, changedAtMs: this.#ports.nowMs() });
    if (isSecret) {
      this.#unkept.add(key);
    } else {
      if (this.#unstored.size === 0) this.#ports.setTimer(() => this.flush(), STORE_AFTER_MS);
      this.#unstored.add(key);
    }
    this.#notify();
  }

  /** Keeps the value in memory, but no longer as unsaved work. */
  settle(key: string): void {
    const entry = this.read(key);
    if (!entry) return;
    this.#remove(key);
    this.#entries.set(key, { ...entry, isSent: true });
    this.#notify();
  }

  clear(key: string): void {
    this.#remove(key);
    if (this.read(key) === undefined) return;
    this.#entries.set(key, undefined);
    this.#notify();
  }

  #remove(key: string): void {
    this.#unstored.delete(key);
    this.#unkept.delete(key);
    this.#withStorage((storage) => storage.removeItem(PREFIX + key));
  }

  /** Removes the drafts whose keys start with `prefix` and that were changed at `untilMs` or earlier. */
  clearAll(prefix: string, untilMs = Number.POSITIVE_INFINITY): void {
    for (const key of this.list(prefix)) if ((this.read(key)?.changedAtMs ?? 0) <= untilMs) this.clear(key);
  }

  /** The keys of the drafts whose keys start with `prefix`, in order of the keys. */
  list(prefix: string): string[] {
    const keys = new Set(this.#storedKeys().filter((key) => key.startsWith(prefix)));
    for (const key of this.#entries.keys()) if (key.startsWith(prefix)) keys.add(key);
    return [...keys].filter((key) => isUnsaved(this.read(key))).sort();
  }

  /** Stores the changes now. Called before the page may end. */
  flush(): void {
    for (const key of this.#unstored) this.#store(key);
    this.#unstored.clear();
  }

  /** True if closing the page now would lose a draft. */
  hasUnkept(): boolean {
    this.flush();
    return this.#unkept.size > 0;
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #notify(): void {
    this.#version += 1;
    for (const listener of this.#listeners) listener();
  }

  #store(key: string): void {
    const entry = this.#entries.get(key);
    if (!entry) return;
    const text = JSON.stringify(entry);
    const isStored = this.#withStorage((storage) => {
      const others = this.#storedKeys().reduce(
        (sum, other) => sum + (other === key ? 0 : (storage.getItem(PREFIX + other)?.length ?? 0)),
        0,
      );
      if (text.length > DRAFT_LENGTH_MAX || others + text.length > DRAFTS_LENGTH_MAX) return false;
      storage.setItem(PREFIX + key, text);
      return true;
    });
    if (isStored) this.#unkept.delete(key);
    else this.#unkept.add(key);
  }

  #load(key: string): DraftEntry | undefined {
    const entry = this.#withStorage((storage) => parseEntry(storage.getItem(PREFIX + key)));
    if (!entry) return undefined;
    if (this.#ports.nowMs() - entry.changedAtMs <= DRAFT_AGE_MAX_MS) return entry;
    this.#withStorage((storage) => storage.removeItem(PREFIX + key));
    return undefined;
  }

  #storedKeys(): string[] {
    const names = this.#withStorage((storage) => Array.from({ length: storage.length }, (_, index) => storage.key(index) ?? "")) ?? [];
    return names.filter((name) => name.startsWith(PREFIX)).map((name) => name.slice(PREFIX.length));
  }

  #withStorage<Value>(use: (storage: Storage) => Value): Value | undefined {
    try {
      const storage = this.#ports.storage();
      return storage && use(storage);
    } catch {
      return undefined;
    }
  }
}

function isUnsaved(entry: DraftEntry | undefined): boolean {
  return entry !== undefined && entry.isSent !== true;
}

function parseEntry(text: string | null): DraftEntry | undefined {
  const entry: unknown = text === null ? undefined : JSON.parse(text);
  if (typeof entry !== "object" || entry === null || !("value" in entry) || !("changedAtMs" in entry)) return undefined;
  return typeof entry.changedAtMs === "number" ? { value: entry.value, changedAtMs: entry.changedAtMs } : undefined;
}
