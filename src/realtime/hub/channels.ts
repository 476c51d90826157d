/** The endpoints with open streams: each has a log tailer, and a feed for each filter. They exist while a stream needs them. */
import type { JudgeDependency } from "@/src/core/access/record-judge";
import { createRoom, type Room } from "@/src/core/limits/room";
import type { ChangeLog } from "@/src/core/streams/ports";
import { AppError } from "@/src/shared/errors";
import { createFeedTurns, type FeedTurns } from "../filters/feed-turns";
import { createFilteredFeed, type FeedListener, type FilteredFeed } from "../filters/filtered-feed";
import type { StreamReads } from "../filters/filtered-reads";
import type { RecordFilter } from "../filters/record-filter";
import { createSharedFilter, type SharedFilter } from "../filters/shared-filter";
import { ALL_DEPENDENCIES_MAX, createSharedJudge, type SharedJudge, type StreamCaller } from "../filters/shared-judge";
import { createStreamView } from "../filters/stream-view";
import type { TailerListener } from "../log/listener-index";
import { createLogTailer, type LogTailer } from "../log/log-tailer";
import { createSealedEncode, type Encode, encodeChange } from "../wire/encode";
import type { SealCursor } from "../wire/sealed-cursors";

/** A source that delivers changes to a stream: a log tailer, or the feed of a judge and a filter. Add the stream in the same turn of the event loop in which you get the source. */
export interface ChangeSource extends Pick<LogTailer, "position"> {
  /** How its streams read the log before they are live. Undefined: each stream reads on its own. */
  readonly reads?: StreamReads;
  /** The dependencies of the verdicts of its judge, as far as they are known. Undefined: it has no judge. */
  readonly dependencies?: (() => readonly JudgeDependency[]) | undefined;
  add(listener: FeedListener): void;
  remove(listener: FeedListener): void;
}

/** Which changes a stream sees: those of `onlyOwner`, that its judge allows, and that its filter matches. Undefined ones leave nothing out. */
export interface SourceView {
  onlyOwner: string | undefined;
  judge: StreamCaller | undefined;
  filter: RecordFilter | undefined;
}

/** The feed of all streams with the same view, with what they share. */
interface Shared {
  judge: SharedJudge | undefined;
  filter: SharedFilter | undefined;
  feed: FilteredFeed;
}

/** Every change is evaluated once for each filter. */
const FILTERS_MAX = 1_000;

/** The changes of one endpoint. */
export interface Channel {
  readonly tailer: LogTailer;
  /** Encodes changes as they are sent to streams with a judge. */
  readonly encodeSealed: Encode;
  /** Streams with the same owner, the same identity of their judges and the same filter share a source. `reads` sees the changes and records of `onlyOwner`. */
  source(view: SourceView & { reads: StreamReads }): ChangeSource;
  /** Whether a stream has this filter, which is then known to be valid. */
  hasFilter(expression: string): boolean;
  /**
   * Throws `too_many_streams` if the filter would exceed the limit of filters on all changes. Filters on one user's changes do not count, nor do filters that
   * another stream has.
   */
  requireRoom(view: { onlyOwner: string | undefined; expression: string }): void;
  /** Adds a listener that is not a stream. Returns a function that removes it. */
  watch(listener: TailerListener): () => void;
  /** The number of streams. */
  listenerCount(): number;
  /** Continues the feeds that had to wait. */
  resume(): void;
}

export interface Channels {
  get(endpointId: string): Channel | undefined;
  entries(): [endpointId: string, channel: Channel][];
  /** Returns the endpoint's channel, and keeps it until it is released and has no listeners. Match each call with one of `release`. */
  hold(endpointId: string): Channel;
  release(endpointId: string): void;
  /** Call this after a listener was removed. */
  dropIfUnused(endpointId: string): void;
}

/** `queueBytesMax` is the limit of one stream's queue. `onReadError` gets the errors that keep a feed waiting. */
export function createChannels(options: {
  changes: Pick<ChangeLog, "read">;
  queueBytesMax: number;
  seal: SealCursor;
  onReadError: (error: unknown) => void;
  /** The time in milliseconds, by which feeds take turns. */
  now?: (() => number) | undefined;
}): Channels {
  const turns = createFeedTurns(options.now);
  const room = createRoom(ALL_DEPENDENCIES_MAX);
  const channels = new Map<string, Channel>();
  /** The number of streams that are being opened, by endpoint. Their channels must stay. */
  const held = new Map<string, number>();

  function dropIfUnused(endpointId: string): void {
    const channel = channels.get(endpointId);
    if (!channel || channel.tailer.listenerCount() > 0 || held.has(endpointId)) return;
    channel.tailer.close();
    channels.delete(endpointId);
  }

  return {
    get: (endpointId) => channels.get(endpointId),
    entries: () => [...channels],
    hold: (endpointId) => {
      held.set(endpointId, (held.get(endpointId) ?? 0) + 1);
      const channel = channels.get(endpointId) ?? createChannel({ ...options, turns, room, endpointId });
      channels.set(endpointId, channel);
      return channel;
    },
    release: (endpointId) => {
      const count = (held.get(endpointId) ?? 0) - 1;
      if (count > 0) held.set(endpointId, count);
      else held.delete(endpointId);
      dropIfUnused(endpointId);
    },
    dropIfUnused,
  };
}

function createChannel(options: {
  endpointId: string;
  changes: Pick<ChangeLog, "read">;
  queueBytesMax: number;
  seal: SealCursor;
  turns: FeedTurns;
  room: Room;
  onReadError: (error: unknown) => void;
}): Channel {
  const { endpointId, changes, queueBytesMax, seal, turns, room, onReadError } = options;
  const sliceBytes = queueBytesMax / 4;
  const tailer = createLogTailer({ endpointId, changes, sliceBytes });
  const encodeSealed = createSealedEncode(seal);
  let watchers = 0;
  const feeds = new Map<string, Shared>();
  /** The number of feeds with the filter, whatever they may read. */
  const filters = new Map<string, number>();

  function sourceOf(key: string, { judge, filter }: SourceView, shared: Shared): ChangeSource {
    const { feed } = shared;
    return {
      reads: feed.reads,
      dependencies: shared.judge?.dependencies,
      position: () => feed.position(),
      add: (listener) => {
        if (feed.listenerCount() === 0) {
          feeds.set(key, shared);
          if (filter) filters.set(filter.expression, (filters.get(filter.expression) ?? 0) + 1);
          tailer.add(feed);
        }
        if (judge) shared.judge?.add(judge);
        if (filter) shared.filter?.add(filter);
        feed.add(listener);
      },
      remove: (listener) => {
        if (judge) shared.judge?.remove(judge);
        if (filter) shared.filter?.remove(filter);
        feed.remove(listener);
        if (feed.listenerCount() > 0 || feeds.get(key) !== shared) return;
        tailer.remove(feed);
        feed.close();
        feeds.delete(key);
        if (!filter) return;
        const left = (filters.get(filter.expression) ?? 0) - 1;
        if (left > 0) filters.set(filter.expression, left);
        else filters.delete(filter.expression);
      },
    };
  }

  function createShared(view: SourceView, reads: StreamReads): Shared {
    const { onlyOwner } = view;
    const judge = view.judge && createSharedJudge(view.judge.judge, room);
    const filter = view.filter && createSharedFilter(view.filter.expression);
    const feed = createFilteredFeed({
      ...{ endpointId, onlyOwner, tailer, reads, sliceBytes, turns, onReadError },
      view: createStreamView({ judge, filter }),
      encode: judge ? encodeSealed : encodeChange,
      pendingBytesMax: queueBytesMax,
    });
    return { judge, filter, feed };
  }

  /** The number of filters that are evaluated on the changes of all owners. */
  function countFilters(): number {
    const expressions = new Set<string>();
    for (const { feed, filter } of feeds.values()) if (filter && feed.onlyOwner === undefined) expressions.add(filter.expression);
    return expressions.size;
  }

  return {
    tailer,
    encodeSealed,
    source: ({ reads, ...view }) => {
      if (view.filter === undefined && view.judge === undefined) return tailer;
      const key = toKey(view);
      return sourceOf(key, view, feeds.get(key) ?? createShared(view, reads));
    },
    hasFilter: (expression) => filters.has(expression),
    requireRoom: ({ onlyOwner, expression }) => {
      if (onlyOwner !== undefined || filters.has(expression) || countFilters() < FILTERS_MAX) return;
      const detail = `${FILTERS_MAX.toLocaleString("en")} different filters are in use at this endpoint. Use one of them, or another endpoint.`;
      throw new AppError("too_many_streams", { detail });
    },
    watch: (listener) => {
      tailer.add(listener);
      watchers += 1;
      return () => {
        tailer.remove(listener);
        watchers -= 1;
      };
    },
    listenerCount: () => [...feeds.values()].reduce((sum, { feed }) => sum + feed.listenerCount() - 1, tailer.listenerCount() - watchers),
    resume: () => {
      for (const { feed } of feeds.values()) feed.resume();
    },
  };
}

function toKey({ onlyOwner, judge, filter }: SourceView): string {
  return JSON.stringify([onlyOwner, judge?.judge.identity, filter?.expression]);
}
