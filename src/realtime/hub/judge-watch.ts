/** Notices changes of the records that the judges of open streams depend on (W6): a log tailer follows each endpoint that has such records. */
import type { JudgeDependency } from "@/src/core/access/record-judge";
import type { ChangeNotification } from "@/src/core/streams/ports";
import type { LogTailer } from "../log/log-tailer";
import type { Channels } from "./channels";
import type { Session } from "./session";

export interface JudgeWatch {
  /** Watches what the session's judge depends on, and has the session checked once that is watched. `dependencies` can return more later. */
  add(session: Session, dependencies: () => readonly JudgeDependency[]): void;
  /** Call it with every session that has ended. */
  remove(session: Session): void;
  /** Has the streams checked for whom a new judge would read the record; without `recordId`, any record of the endpoint. It need not have changed. */
  recheck(endpointId: string, recordId?: string): void;
  /** Watches what judges have found out since. Call it each second, with those of the watched endpoints that were deleted. */
  refresh(deleted: ReadonlySet<string>): void;
}

/** The sessions that depend on something, and whether only a new judge tells if a change of it matters. */
type Dependents = Map<Session, boolean>;

const NOBODY: Dependents = new Map();

/** An endpoint with records that judges depend on. */
interface Watched {
  readonly tailer: LogTailer;
  /** By the id of a record. */
  readonly byRecord: Map<string, Dependents>;
  /** Those that depend on all records. */
  readonly byAny: Dependents;
  stop(): void;
}

/** A session: what its judge depends on, and the beginning of that which is watched. */
interface Dependent {
  list: () => readonly JudgeDependency[];
  watched: JudgeDependency[];
}

export interface JudgeWatchOptions {
  channels: Pick<Channels, "hold" | "release">;
  /** Reads where the log stands, and lets the tailer deliver what is missing. */
  locate: (endpointId: string, tailer: LogTailer) => Promise<unknown>;
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
  readonly #sessions = new Map<Session, Dependent>();
  /** Dependencies whose log could not be read yet. */
  #unread: { session: Session; dependency: JudgeDependency; tailer: LogTailer }[] = [];

  constructor(options: JudgeWatchOptions) {
    this.#options = options;
  }

  add(session: Session, dependencies: () => readonly JudgeDependency[]): void {
    this.#sessions.set(session, { list: dependencies, watched: [] });
    this.#watchNew(session);
  }

  remove(session: Session): void {
    const dependent = this.#sessions.get(session);
    if (!dependent) return;
    this.#sessions.delete(session);
    for (const { endpointId, recordId } of dependent.watched) {
      const watched = this.#endpoints.get(endpointId);
      if (!watched) continue;
      if (recordId === undefined) watched.byAny.delete(session);
      else {
        const dependents = watched.byRecord.get(recordId);
        dependents?.delete(session);
        if (dependents?.size === 0) watched.byRecord.delete(recordId);
      }
      if (watched.byAny.size + watched.byRecord.size > 0) continue;
      this.#endpoints.delete(endpointId);
      watched.stop();
    }
  }

  recheck(endpointId: string, recordId?: string): void {
    const watched = this.#endpoints.get(endpointId);
    if (!watched) return;
    const concerned = recordId === undefined ? [...watched.byRecord.values()] : [watched.byRecord.get(recordId) ?? NOBODY];
    for (const dependents of [watched.byAny, ...concerned])
      for (const [session, isInIdentity] of dependents) if (isInIdentity) this.#options.check(session);
  }

  refresh(deleted: ReadonlySet<string>): void {
    for (const endpointId of deleted) {
      const watched = this.#endpoints.get(endpointId);
      if (watched) this.#notifyAll(watched);
    }
    const unread = this.#unread;
    this.#unread = [];
    for (const { session, dependency, tailer } of unread) this.#begin(session, dependency, tailer);
    for (const session of [...this.#sessions.keys()]) this.#watchNew(session);
  }

  #watchNew(session: Session): void {
    const dependent = this.#sessions.get(session);
    if (!dependent) return;
    const dependencies = dependent.list();
    while (dependent.watched.length < dependencies.length) {
      const dependency = dependencies[dependent.watched.length];
      if (!dependency) return;
      dependent.watched.push(dependency);
      // Each change of the stream's own endpoint is judged anyway, and would end the stream.
      if (dependency.isInIdentity || dependency.endpointId !== session.grant.endpoint.id) void this.#watch(session, dependency);
    }
  }

  async #watch(session: Session, dependency: JudgeDependency): Promise<void> {
    const { endpointId, recordId, isInIdentity } = dependency;
    const watched = this.#endpoints.get(endpointId) ?? this.#create(endpointId);
    const dependents = recordId === undefined ? watched.byAny : (watched.byRecord.get(recordId) ?? new Map<Session, boolean>());
    if (recordId !== undefined) watched.byRecord.set(recordId, dependents);
    dependents.set(session, isInIdentity);
    const { tailer } = watched;
    if (tailer.position() === undefined) await this.#options.locate(endpointId, tailer).catch(() => undefined);
    this.#begin(session, dependency, tailer);
  }

  /** The record may have changed after it was read and before its log was followed. */
  #begin(session: Session, dependency: JudgeDependency, tailer: LogTailer): void {
    if (!this.#sessions.has(session)) return;
    const position = tailer.position();
    if (position === undefined) this.#unread.push({ session, dependency, tailer });
    else if (dependency.isInIdentity) this.#options.check(session);
    else if (dependency.seq !== undefined && position.seq > dependency.seq) this.#options.end(session);
  }

  #create(endpointId: string): Watched {
    const channel = this.#options.channels.hold(endpointId);
    const unwatch = channel.watch({
      onlyOwner: undefined,
      onChanges: ({ encoded }) => {
        this.#options.onChange({ kind: "changes", changes: encoded.map(({ change }) => change) });
        this.#notify(watched.byAny);
        for (const { change } of encoded) this.#notify(watched.byRecord.get(change.record.id));
      },
      onReset: () => {
        this.#options.onChange({ kind: "endpoint", endpointId });
        this.#notifyAll(watched);
      },
    });
    const watched: Watched = {
      tailer: channel.tailer,
      byRecord: new Map(),
      byAny: new Map(),
      stop: () => {
        unwatch();
        this.#options.channels.release(endpointId);
      },
    };
    this.#endpoints.set(endpointId, watched);
    return watched;
  }

  #notifyAll({ byAny, byRecord }: Watched): void {
    this.#notify(byAny);
    for (const dependents of [...byRecord.values()]) this.#notify(dependents);
  }

  #notify(dependents: Dependents | undefined): void {
    if (dependents === undefined) return;
    for (const [session, isInIdentity] of [...dependents]) {
      if (isInIdentity) this.#options.check(session);
      else this.#options.end(session);
    }
  }
}
