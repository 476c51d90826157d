/** The cache of users' own records, which access rules and functions refer to as `@user.data` (S7). */
import type { MaybePromise } from "@/src/core/maybe-promise";
import type { ChangeNotification, LogPosition } from "@/src/core/streams/ports";

export interface UserData {
  /**
   * The JSON text of a user's record at its authentication endpoint. Null: there is none, because the user was deleted. Known at once if it is cached;
   * concurrent misses share one query. Can throw `database_unavailable`.
   */
  find(endpointId: string, userId: string): MaybePromise<string | null>;
  /** True if `data` is cached as that of the user, so it has not changed, as far as this node knows. Null: that there is none. */
  isCurrent(endpointId: string, userId: string, data: string | null): boolean;
  /** Drops what a notification announces as changed. Call it for every notification, before streams are sent the changes. */
  notify(notification: ChangeNotification): void;
  /** Drops the records of endpoints whose log has grown unnoticed. Call it each second. Throws `database_unavailable`. */
  check(): Promise<void>;
  /** Calls `listener` after the record of a user, or of any user of an endpoint, was dropped. Returns a function that stops this. */
  onChange(listener: (change: { endpointId: string; userId: string | undefined }) => void): () => void;
}

export interface UserDataOptions {
  /** Reads the data of a record. Undefined: there is none. */
  read: (endpointId: string, userId: string) => Promise<{ data: string } | undefined>;
  /** The ends of the logs of those endpoints that exist. */
  readPositions: (endpointIds: readonly string[]) => Promise<ReadonlyMap<string, Pick<LogPosition, "epoch" | "seq">>>;
  /** Default: 20,000. */
  entriesMax?: number;
  /** The maximum number of characters of all cached records. Default: 32 Mi. */
  charactersMax?: number;
}

interface Endpoint {
  users: Set<string>;
  /** Loads that no change has overtaken, by user. */
  loading: Map<string, Load>;
  /** Every change up to here has been dropped. Undefined: unknown. */
  position: Pick<LogPosition, "epoch" | "seq"> | undefined;
}

interface Load {
  promise: Promise<string | null> | undefined;
}

interface Entry {
  endpointId: string;
  userId: string;
  data: string | null;
}

export function createUserData(options: UserDataOptions): UserData {
  return new CachedUserData(options);
}

class CachedUserData implements UserData {
  readonly #options: UserDataOptions;
  readonly #endpoints = new Map<string, Endpoint>();
  /** Least recently used first. */
  readonly #entries = new Map<string, Entry>();
  readonly #listeners = new Set<(change: { endpointId: string; userId: string | undefined }) => void>();
  #characters = 0;

  constructor(options: UserDataOptions) {
    this.#options = options;
  }

  find(endpointId: string, userId: string): MaybePromise<string | null> {
    const key = toKey(endpointId, userId);
    const entry = this.#entries.get(key);
    if (entry) {
      this.#entries.delete(key);
      this.#entries.set(key, entry);
      return entry.data;
    }
    const endpoint = this.#endpoints.get(endpointId) ?? { users: new Set(), loading: new Map(), position: undefined };
    this.#endpoints.set(endpointId, endpoint);
    const underWay = endpoint.loading.get(userId)?.promise;
    if (underWay) return underWay;
    const load: Load = { promise: undefined };
    endpoint.loading.set(userId, load);
    load.promise = this.#load(endpoint, load, { endpointId, userId });
    return load.promise;
  }

  isCurrent(endpointId: string, userId: string, data: string | null): boolean {
    return this.#entries.get(toKey(endpointId, userId))?.data === data;
  }

  async #load(endpoint: Endpoint, load: Load, user: { endpointId: string; userId: string }): Promise<string | null> {
    const { endpointId, userId } = user;
    // A change removes the load: what was read may be old.
    const isCurrent = () => endpoint.loading.get(userId) === load && this.#endpoints.get(endpointId) === endpoint;
    try {
      const data = (await this.#options.read(endpointId, userId))?.data ?? null;
      if (isCurrent()) this.#set(endpoint, { ...user, data });
      return data;
    } finally {
      if (endpoint.loading.get(userId) === load) endpoint.loading.delete(userId);
    }
  }

  #set(endpoint: Endpoint, entry: Entry): void {
    const { entriesMax = 20_000, charactersMax = 32 * 1024 * 1024 } = this.#options;
    const { endpointId, userId, data } = entry;
    this.#remove(endpointId, userId);
    endpoint.users.add(userId);
    this.#entries.set(toKey(endpointId, userId), entry);
    this.#characters += data?.length ?? 0;
    for (const { endpointId: oldEndpointId, userId: oldUserId } of this.#entries.values()) {
      if (this.#entries.size <= entriesMax && this.#characters <= charactersMax) return;
      this.#remove(oldEndpointId, oldUserId);
    }
  }

  #remove(endpointId: string, userId: string): void {
    const key = toKey(endpointId, userId);
    const entry = this.#entries.get(key);
    if (!entry) return;
    this.#entries.delete(key);
    this.#characters -= entry.data?.length ?? 0;
    this.#endpoints.get(endpointId)?.users.delete(userId);
  }

  notify(notification: ChangeNotification): void {
    if (this.#endpoints.size === 0) return;
    switch (notification.kind) {
      case "changes":
        for (const { endpointId, seq, record } of notification.changes) {
          const endpoint = this.#endpoints.get(endpointId);
          if (!endpoint) continue;
          // Changes of this process arrive one after the other, so the next check finds nothing new.
          if (endpoint.position?.seq === seq - 1) endpoint.position = { ...endpoint.position, seq };
          this.#dropUser(endpoint, endpointId, record.id);
        }
        return;
      case "endpoint": {
        const endpoint = this.#endpoints.get(notification.endpointId);
        if (endpoint) this.#dropAll(endpoint, notification.endpointId);
        return;
      }
      case "unknown":
        for (const [endpointId, endpoint] of this.#endpoints) this.#dropAll(endpoint, endpointId);
        return;
    }
  }

  async check(): Promise<void> {
    for (const [endpointId, { users, loading }] of this.#endpoints)
      if (users.size === 0 && loading.size === 0) this.#endpoints.delete(endpointId);
    if (this.#endpoints.size === 0) return;
    const checked = [...this.#endpoints];
    const positions = await this.#options.readPositions(checked.map(([endpointId]) => endpointId));
    for (const [endpointId, endpoint] of checked) {
      if (this.#endpoints.get(endpointId) !== endpoint) continue;
      const position = positions.get(endpointId);
      const { position: known } = endpoint;
      // A notification can be ahead of the positions that were read.
      const isKnown = position !== undefined && known?.epoch === position.epoch && known.seq >= position.seq;
      if (isKnown) continue;
      endpoint.position = position;
      this.#dropAll(endpoint, endpointId);
    }
  }

  onChange(listener: (change: { endpointId: string; userId: string | undefined }) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #dropUser(endpoint: Endpoint, endpointId: string, userId: string): void {
    const isUsed = endpoint.users.has(userId) || endpoint.loading.delete(userId);
    this.#remove(endpointId, userId);
    if (isUsed) for (const listener of this.#listeners) listener({ endpointId, userId });
  }

  #dropAll(endpoint: Endpoint, endpointId: string): void {
    endpoint.loading.clear();
    for (const userId of [...endpoint.users]) this.#remove(endpointId, userId);
    for (const listener of this.#listeners) listener({ endpointId, userId: undefined });
  }
}

function toKey(endpointId: string, userId: string): string {
  return `${endpointId} ${userId}`;
}
