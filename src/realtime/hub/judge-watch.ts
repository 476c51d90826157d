/** Notices changes of the records that the judges of open streams depend on (W6): a log tailer follows each endpoint that has such records. */
import type { JudgeDependency, RecordJudge } from "@/src/core/access/record-judge";
import { createRoom } from "@/src/core/limits/room";
import type { ChangeLog, ChangeNotification, ReadPlace } from "@/src/core/streams/ports";
import type { LogTailer } from "../log/log-tailer";
import type { Channels } from "./channels";
import { ALL_RECENT_MAX, createRecentChanges, type RecentChanges } from "./recent-changes";
import type { Session } from "./session";

/** The records that a stream depends on. */
export interface StreamDependencies {
  /** The records that are part of the identity of its judge. */
  own: readonly JudgeDependency[];
  /** The records that its judge, and those that share its verdicts, have found. The list grows. Streams with the same function are watched together. Undefined: nothing. */
  found: (() => readonly JudgeDependency[]) | undefined;
}

/** `found`: see StreamDependencies. A judge that is immediate finds nothing. */
export function toStreamDependencies(judge: RecordJudge, found: StreamDependencies["found"]): StreamDependencies {
  const own = judge.dependencies?.().filter(({ isInIdentity }) => isInIdentity) ?? [];
  return { own, found: judge.isImmediate ? undefined : found };
}

export interface JudgeWatch {
  /** Watches what the session depends on, and has it checked once its own records are watched. */
  add(session: Session, dependencies: StreamDependencies): void;
  /** Call it with every session that has ended. */
  remove(session: Session): void;
  /** Has the streams checked for whom a new judge would read the record; without `recordId`, any record of the endpoint. It need not have changed. */
  recheck(endpointId: string, recordId?: string): void;
  /**
   * Ends the streams for whom records of their own endpoint have changed, and watches what judges have found since. Call it each second, with those of the watched
   * endpoints that were deleted.
   */
  refresh(deleted: ReadonlySet<string>): void;
}

/** Sessions that depend on the same records. */
interface Group {
  /** The endpoint of the sessions. */
  readonly endpointId: string;
  readonly sessions: Set<Session>;
  readonly list: () => readonly JudgeDependency[];
  /** The beginning of the list, which is watched. */
  readonly watched: JudgeDependency[];
  /** Whether records of its own endpoint can be found, so that it must be followed from the start. */
  readonly finds: boolean;
}

/** The groups that depend on something, and whether only a new judge tells if a change of it matters. */
type Dependents = Map<Group, boolean>;

const NOBODY: Dependents = new Map();

/** An endpoint with records that judges depend on. */
interface Watched {
  readonly tailer: LogTailer;
  /** By the id of a record. */
  readonly byRecord: Map<string, Dependents>;
  /** Those that depend on all records. */
  readonly byAny: Dependents;
  /** The groups whose own endpoint it is. */
  readonly finders: Set<Group>;
  /** The changes that judges may have missed that have found its records. Undefined: none has. */
  recent: RecentChanges | undefined;
  stop(): void;
}

/** A dependency of a group whose endpoint is watched. */
interface Begun {
  group: Group;
  dependency: JudgeDependency;
  watched: Watched;
}

interface Asked extends Begun {
  place: ReadPlace;
}

/** The number of places that the log is asked about in one statement. */
const ASKED_MAX = 500;

export interface JudgeWatchOptions {
  channels: Pick<Channels, "hold" | "release">;
  /** Reads where the log stands, and lets the tailer deliver what is missing. */
  locate: (endpointId: string, tailer: LogTailer) => Promise<unknown>;
  /** See ChangeLog. */
  findChanged: ChangeLog["findChanged"];
  /** Called with the changes of a watched endpoint, before `check` and `end`. */
  onChange: (notification: ChangeNotification) => void;
  /** A new judge of the session must be compared with its own. */
  check: (session: Session) => void;
  /** The answers of the session's judge may have changed. */
  end: (session: Session) => void;
}

export function createJudgeWatch(options: JudgeWatchOptions): JudgeWatch {
  return new DependencyWatch(options);
}

class DependencyWatch implements JudgeWatch {
  readonly #options: JudgeWatchOptions;
  readonly #endpoints = new Map<string, Watched>();
  readonly #groups = new Map<() => readonly JudgeDependency[], Group>();
  readonly #sessions = new Map<Session, Group[]>();
  /** Dependencies whose log could not be read yet. */
  #unread: Begun[] = [];
  /** Dependencies that the log is to be asked about in the next turn of the event loop. */
  #unknown: Asked[] = [];
  /** For the recent changes of all endpoints. */
  readonly #room = createRoom(ALL_RECENT_MAX);
  /** The groups for whom records of their own endpoint have changed. Many changes in a second end a stream once. */
  #due = new Set<Group>();

  constructor(options: JudgeWatchOptions) {
    this.#options = options;
  }

  add(session: Session, { own, found }: StreamDependencies): void {
    const groups: Group[] = [];
    if (own.length > 0) groups.push(this.#createGroup(session, () => own, false));
    if (found) {
      const group = this.#groups.get(found) ?? this.#createGroup(session, found, true);
      this.#groups.set(found, group);
      group.sessions.add(session);
      groups.push(group);
    }
    if (groups.length > 0) this.#sessions.set(session, groups);
    for (const group of groups) this.#watchNew(group);
  }

  #createGroup(session: Session, list: Group["list"], finds: boolean): Group {
    const endpointId = session.grant.endpoint.id;
    const group: Group = { endpointId, sessions: new Set([session]), list, watched: [], finds };
    if (finds) {
      const watched = this.#watched(endpointId);
      this.#remember(watched);
      watched.finders.add(group);
    }
    return group;
  }

  remove(session: Session): void {
    const groups = this.#sessions.get(session) ?? [];
    this.#sessions.delete(session);
    for (const group of groups) {
      group.sessions.delete(session);
      if (group.sessions.size === 0) this.#removeGroup(group);
    }
  }

  #removeGroup(group: Group): void {
    this.#groups.delete(group.list);
    this.#due.delete(group);
    const endpointIds = new Set([group.endpointId]);
    for (const { endpointId, recordId } of group.watched) {
      endpointIds.add(endpointId);
      const watched = this.#endpoints.get(endpointId);
      if (recordId === undefined) watched?.byAny.delete(group);
      else {
        const dependents = watched?.byRecord.get(recordId);
        dependents?.delete(group);
        if (dependents?.size === 0) watched?.byRecord.delete(recordId);
      }
    }
    for (const endpointId of endpointIds) {
      const watched = this.#endpoints.get(endpointId);
      watched?.finders.delete(group);
      if (!watched || watched.byAny.size + watched.byRecord.size + watched.finders.size > 0) continue;
      this.#endpoints.delete(endpointId);
      watched.stop();
    }
  }

  recheck(endpointId: string, recordId?: string): void {
    const watched = this.#endpoints.get(endpointId);
    if (!watched) return;
    const concerned = recordId === undefined ? [...watched.byRecord.values()] : [watched.byRecord.get(recordId) ?? NOBODY];
    for (const dependents of [watched.byAny, ...concerned])
      for (const [{ sessions }, isInIdentity] of dependents) if (isInIdentity) for (const session of sessions) this.#options.check(session);
  }

  refresh(deleted: ReadonlySet<string>): void {
    for (const endpointId of deleted) {
      const watched = this.#endpoints.get(endpointId);
      if (watched) this.#notifyAll(watched, endpointId);
    }
    const unread = this.#unread;
    this.#unread = [];
    for (const begun of unread) this.#begin(begun);
    for (const group of [...this.#groups.values()]) this.#watchNew(group);
    const due = this.#due;
    this.#due = new Set();
    for (const group of due) this.#endAll(group);
    for (const { recent } of this.#endpoints.values()) recent?.age();
  }

  /** From now on, the changes of the endpoint are remembered, once its position is known. */
  #remember(watched: Watched): RecentChanges {
    watched.recent ??= createRecentChanges(this.#room);
    const position = watched.tailer.position();
    if (position && !watched.recent.isFollowing()) watched.recent.reset(position.seq);
    return watched.recent;
  }

  #watchNew(group: Group): void {
    const dependencies = group.list();
    while (group.watched.length < dependencies.length) {
      const dependency = dependencies[group.watched.length];
      if (!dependency) return;
      group.watched.push(dependency);
      void this.#watch(group, dependency);
    }
  }

  async #watch(group: Group, dependency: JudgeDependency): Promise<void> {
    const { endpointId, recordId, isInIdentity } = dependency;
    const watched = this.#watched(endpointId);
    const dependents = recordId === undefined ? watched.byAny : (watched.byRecord.get(recordId) ?? new Map<Group, boolean>());
    if (recordId !== undefined) watched.byRecord.set(recordId, dependents);
    dependents.set(group, isInIdentity);
    if (!isInIdentity) this.#remember(watched);
    if (watched.tailer.position() === undefined) await this.#options.locate(endpointId, watched.tailer).catch(() => undefined);
    this.#begin({ group, dependency, watched });
  }

  /** The record may have changed after it was read and before its log was followed. */
  #begin(begun: Begun): void {
    const { group, dependency, watched } = begun;
    if (group.sessions.size === 0) return;
    const { endpointId, recordId, isInIdentity, seq } = dependency;
    const position = watched.tailer.position();
    if (position === undefined) this.#unread.push(begun);
    else if (isInIdentity) for (const session of group.sessions) this.#options.check(session);
    else if (seq !== undefined && position.seq > seq) {
      // A new record can be one of all those of another endpoint.
      const isAny = recordId === undefined && endpointId !== group.endpointId;
      const hasChanged = isAny || this.#remember(watched).hasChangedSince(seq, recordId);
      if (hasChanged === undefined) this.#ask({ ...begun, place: { endpointId, recordId, seq } });
      else if (hasChanged) this.#endLate(begun);
    }
  }

  #ask(asked: Asked): void {
    if (this.#unknown.length === 0) setImmediate(() => void this.#askLog());
    this.#unknown.push(asked);
  }

  async #askLog(): Promise<void> {
    const asked = this.#unknown;
    this.#unknown = [];
    for (let start = 0; start < asked.length; start += ASKED_MAX) {
      const some = asked.slice(start, start + ASKED_MAX).filter(({ group }) => group.sessions.size > 0);
      if (some.length === 0) continue;
      try {
        const changed = await this.#options.findChanged(some.map(({ place }) => place));
        // Only a known `false` keeps a stream.
        for (const [index, each] of some.entries()) if (changed[index] !== false) this.#endLate(each);
      } catch {
        this.#unread.push(...some);
      }
    }
  }

  #endLate({ group, dependency }: Begun): void {
    // Many changes in a second end a stream of their own endpoint once.
    if (dependency.endpointId === group.endpointId) this.#due.add(group);
    else this.#endAll(group);
  }

  #watched(endpointId: string): Watched {
    return this.#endpoints.get(endpointId) ?? this.#create(endpointId);
  }

  #create(endpointId: string): Watched {
    const channel = this.#options.channels.hold(endpointId);
    const unwatch = channel.watch({
      onlyOwner: undefined,
      onChanges: ({ encoded, position }) => {
        this.#options.onChange({ kind: "changes", changes: encoded.map(({ change }) => change) });
        const { recent } = watched;
        if (recent?.isFollowing()) for (const { change } of encoded) recent.add(change);
        else recent?.reset(position.seq);
        const isNewOnly = encoded.every(({ change }) => change.type === "POST");
        this.#notify(watched.byAny, endpointId, isNewOnly);
        for (const { change } of encoded) this.#notify(watched.byRecord.get(change.record.id), endpointId, false);
      },
      onReset: ({ to }) => {
        this.#options.onChange({ kind: "endpoint", endpointId });
        watched.recent?.reset(to.seq);
        this.#notifyAll(watched, endpointId);
      },
    });
    const watched: Watched = {
      tailer: channel.tailer,
      byRecord: new Map(),
      byAny: new Map(),
      finders: new Set(),
      recent: undefined,
      stop: () => {
        unwatch();
        watched.recent?.close();
        this.#options.channels.release(endpointId);
      },
    };
    this.#endpoints.set(endpointId, watched);
    return watched;
  }

  #notifyAll({ byAny, byRecord }: Watched, endpointId: string): void {
    for (const dependents of [byAny, ...byRecord.values()]) this.#notify(dependents, endpointId, false);
  }

  /** `isNewOnly`: only records that are new, which nobody has found, have changed. */
  #notify(dependents: Dependents | undefined, endpointId: string, isNewOnly: boolean): void {
    if (dependents === undefined) return;
    for (const [group, isInIdentity] of [...dependents]) {
      if (isInIdentity) for (const session of group.sessions) this.#options.check(session);
      else if (group.endpointId !== endpointId) this.#endAll(group);
      // Each new record of the stream's own endpoint is judged itself.
      else if (!isNewOnly) this.#due.add(group);
    }
  }

  #endAll({ sessions }: Group): void {
    for (const session of [...sessions]) this.#options.end(session);
  }
}
