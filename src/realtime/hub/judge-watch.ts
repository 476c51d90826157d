/** Notices changes of the records that the judges of open streams depend on (W6): a log tailer follows each endpoint that has such records. */
import type { JudgeDependency } from "@/src/core/access/record-judge";
import type { LogTailer } from "../log/log-tailer";
import type { Channels } from "./channels";
import type { Session } from "./session";

export interface JudgeWatch {
  /** Watches what the session's judge depends on, and has the session checked once that is watched. Does nothing if it depends on nothing. */
  add(session: Session): void;
  /** Call it with every session that has ended. */
  remove(session: Session): void;
  /** Watches what judges have found out since. Call it each second, with those of the watched endpoints that were deleted. */
  refresh(deleted: ReadonlySet<string>): void;
}

/** The sessions that depend on something, and whether only a new judge tells if a change of it matters. */
type Dependents = Map<Session, boolean>;

/** An endpoint with records that judges depend on. */
interface Watched {
  readonly tailer: LogTailer;
  /** By the id of a record. */
  readonly byRecord: Map<string, Dependents>;
  /** Those that depend on all records. */
  readonly byAny: Dependents;
  stop(): void;
}

export interface JudgeWatchOptions {
  channels: Pick<Channels, "hold" | "release">;
  /** Reads where the log stands, and lets the tailer deliver what is missing. */
  locate: (endpointId: string, tailer: LogTailer) => Promise<unknown>;
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
  /** The watched dependencies of each session, by their keys. */
  readonly #sessions = new Map<Session, Map<string, JudgeDependency>>();
  /** Dependencies whose log could not be read yet. */
  #unread: { session: Session; dependency: JudgeDependency; tailer: LogTailer }[] = [];

  constructor(options: JudgeWatchOptions) {
    this.#options = options;
  }

  add(session: Session): void {
    if (session.grant.judge?.dependencies === undefined) return;
    this.#sessions.set(session, new Map());
    this.#watchNew(session);
  }

  remove(session: Session): void {
    const dependencies = this.#sessions.get(session);
    if (!dependencies) return;
    this.#sessions.delete(session);
    for (const { endpointId, recordId } of dependencies.values()) {
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
    const known = this.#sessions.get(session);
    const dependencies = session.grant.judge?.dependencies?.() ?? [];
    if (known === undefined || dependencies.length === known.size) return;
    for (const dependency of dependencies) {
      const key = `${dependency.endpointId} ${dependency.recordId ?? ""}`;
      // Each change of the stream's own endpoint is judged anyway, and would end the stream.
      const isOwn = !dependency.isInIdentity && dependency.endpointId === session.grant.endpoint.id;
      if (known.has(key) || isOwn) continue;
      known.set(key, dependency);
      void this.#watch(session, dependency);
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
        this.#notify(watched.byAny);
        for (const { change } of encoded) this.#notify(watched.byRecord.get(change.record.id));
      },
      onReset: () => this.#notifyAll(watched),
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
