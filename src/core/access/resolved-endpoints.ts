/** The cache of definitions: each key with its endpoint and project, prepared for the access decision in access.ts. */
import type { Definition, DefinitionStore, SignIn } from "@/src/core/access/ports";
import { RevisionedCache, UseLog } from "@/src/core/access/revisioned-cache";
import type { Clock } from "@/src/core/clock";
import type { Log } from "@/src/core/log";
import type { MaybePromise } from "@/src/core/maybe-promise";
import { type CompiledRules, type CompileStoredRules, createRulesCache } from "@/src/core/rules/rules-cache";
import { OPAQUE_ORIGINS, parseOrigin } from "@/src/shared/http/origins";
import { toHiddenFields } from "@/src/shared/rules/access-rules";
import { endpointNameProblem } from "@/src/shared/text/names";

/** A definition, prepared for the checks of a request. */
export interface ResolvedEndpoint {
  /** Null if a ticket was used. */
  key: Definition["key"] | null;
  /** The sign-in that requested the ticket. Absent without a ticket. */
  signIn?: SignIn;
  /** True while it is cached: then nothing of it has changed, as far as this node knows. Set by the cache. */
  isCached: boolean;
  endpoint: Omit<Definition["endpoint"], "rules"> & {
    /** The access rules (A1), compiled once for equal texts. Undefined: none. */
    rules: CompiledRules | undefined;
  };
  project: {
    id: string;
    ownerId: string;
    revision: number;
    rateLimit: number | null;
    /** Empty: every origin is allowed. If it contains `null`, pages with an opaque origin may read responses, but never receive cookies (S6). */
    allowedOrigins: ReadonlySet<string>;
    disallowNoOrigin: boolean;
    masterKeyHash: Uint8Array | null;
    /** The names of the authentication endpoints, by id. */
    userEndpoints: ReadonlyMap<string, string>;
  };
}

export interface Definitions {
  /**
   * The endpoint that the key and the name select, or undefined. Known at once if it is cached; concurrent misses share one query. Misses are not
   * cached, so a new endpoint works immediately. Can throw `database_unavailable`.
   */
  find(key: string, endpointName: string): MaybePromise<ResolvedEndpoint | undefined>;
  /** True if `find` needs no query. */
  has(key: string, endpointName: string): boolean;
  /** Reads the endpoint by its id, without the cache. Undefined if it was deleted. Concurrent calls share one query. */
  findEndpoint(endpointId: string): Promise<ResolvedEndpoint | undefined>;
  /** Redeems a single-use ticket. Undefined if it is unknown, used or expired, or if its sign-in has ended. Never cached. */
  redeemTicket(ticket: string): Promise<ResolvedEndpoint | undefined>;
  /** Drops a project from the cache and notifies the listeners. Call it after every change of a project, its keys or its endpoints. */
  invalidate(projectId: string): void;
  /** Calls `listener` after a project was dropped. Returns a function that stops this. */
  onInvalidate(listener: (projectId: string) => void): () => void;
  /**
   * Makes `checkRevisions` check a project for which something long-lived, such as an open socket, was granted at `revision`, cached or not. Returns
   * a function that stops this.
   */
  watch(project: { id: string; revision: number }): () => void;
  /** Compares the revisions of the known projects with the stored ones and invalidates the projects whose revision changed. */
  checkRevisions(): Promise<void>;
  /** Records that a key is used now. The time is kept in memory until `flushUse`. */
  noteUse(keyId: string): void;
  /** Stores the recorded uses. Throws if that fails, and keeps them for the next call. */
  flushUse(): Promise<void>;
}

/** The form of a key or ticket. Anything else is not looked up in the database. */
const TOKEN = /^[A-Za-z0-9_-]{1,128}$/;

/** No stored project has this revision. */
const REVISION_DELETED = -1;

export function createDefinitions(options: { store: DefinitionStore; clock: Clock; log: Log; entriesMax?: number }): Definitions {
  const { store, clock, log, entriesMax = 10_000 } = options;
  const rulesOf = createRulesCache({ log });
  const toResolved = (definition: Omit<Definition, "key">, key: Definition["key"] | null) => resolve(definition, key, rulesOf);
  const uses = new UseLog(clock, (lastUsed) => store.touchKeys(lastUsed));
  const cache = new RevisionedCache<ResolvedEndpoint>({
    name: "changed definitions",
    entriesMax,
    toProjectId: ({ project }) => project.id,
    readRevisions: (projectIds) => store.revisions(projectIds),
    missingRevision: REVISION_DELETED,
    keepsUnused: false,
    onCached: (resolved, isCached) => {
      resolved.isCached = isCached;
    },
    log,
  });

  return {
    find: (key, endpointName) => {
      // Unambiguous: cached names and keys are well-formed, so the id contains only one "?".
      const id = `${endpointName}?${key}`;
      const hit = cache.get(id);
      if (hit) return hit;
      if (!TOKEN.test(key) || endpointNameProblem(endpointName) !== undefined) return undefined;
      return cache.share(id, async () => {
        const { generation } = cache;
        const definition = await store.find(key, endpointName);
        if (!definition) return undefined;
        const resolved = toResolved(definition, definition.key);
        if (generation === cache.generation) cache.set(id, resolved, resolved.project.revision);
        return resolved;
      });
    },
    has: (key, endpointName) => cache.has(`${endpointName}?${key}`),
    findEndpoint: (endpointId) =>
      cache.share(`#${endpointId}`, async () => {
        const definition = await store.findEndpoint(endpointId);
        return definition && toResolved(definition, null);
      }),
    redeemTicket: async (ticket) => {
      if (!TOKEN.test(ticket)) return undefined;
      const redeemed = await store.redeemTicket(ticket);
      return redeemed && { ...toResolved(redeemed, null), signIn: redeemed.signIn };
    },
    invalidate: (projectId) => cache.invalidate(projectId),
    onInvalidate: (listener) => cache.onInvalidate(listener),
    watch: ({ id, revision }) => cache.watch(id, revision),
    checkRevisions: () => cache.checkRevisions(),
    noteUse: (keyId) => uses.note(keyId),
    flushUse: () => uses.flush(),
  };
}

function resolve(
  { endpoint, project }: Omit<Definition, "key">,
  key: Definition["key"] | null,
  rulesOf: CompileStoredRules,
): ResolvedEndpoint {
  return {
    key,
    isCached: false,
    endpoint: { ...endpoint, rules: toRules(endpoint, rulesOf) },
    project: {
      id: project.id,
      ownerId: project.ownerId,
      revision: project.revision,
      rateLimit: project.rateLimit,
      allowedOrigins: toAllowedOrigins(project),
      disallowNoOrigin: project.disallowNoOrigin,
      masterKeyHash: project.masterKeyHash,
      userEndpoints: project.userEndpoints,
    },
  };
}

/** Undefined: none. An e-mail endpoint whose mails only their senders read needs none for its hidden fields (M6), so it is as fast as without. */
function toRules(endpoint: Definition["endpoint"], rulesOf: CompileStoredRules): CompiledRules | undefined {
  const hidden = toHiddenFields(endpoint);
  return endpoint.rules === null && hidden.length === 0 ? undefined : rulesOf(endpoint.rules ?? "{}", hidden);
}

/** Opaque origins are added only to a non-empty list. An empty list allows every origin and must stay empty. */
function toAllowedOrigins({ allowedOrigins, allowNullOrigin }: Definition["project"]): ReadonlySet<string> {
  const listed = allowedOrigins.map(toComparable);
  return new Set(allowNullOrigin && listed.length > 0 ? [...listed, ...OPAQUE_ORIGINS] : listed);
}

/** The origin as browsers send it. A value that is not an origin is kept; it matches nothing. */
function toComparable(origin: string): string {
  const parsed = parseOrigin(origin);
  return parsed.ok ? parsed.origin : origin;
}
