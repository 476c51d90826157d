/** The rules of an application's users (L1–L4): register, log in, log out, change, delete. Access was already checked by access.ts. */
import type { CallerPath } from "@/src/core/access/caller-path";
import type { FieldPath, RecordJudge } from "@/src/core/access/record-judge";
import type { Clock } from "@/src/core/clock";
import { writeMembers } from "@/src/core/json/members";
import type { LoginLimiter } from "@/src/core/limits/ports";
import type { RegistrationLimit } from "@/src/core/limits/registration-limit";
import { requireAllowed } from "@/src/core/records/judged-reads";
import {
  hideHiddenMismatch,
  keepHidden,
  requireCreatable,
  requireHiddenLeft,
  type ShownRecord,
  showWritten,
} from "@/src/core/records/judged-writes";
import type { StoredRecord } from "@/src/core/records/ports";
import type { RecordBody } from "@/src/core/records/record-body";
import type { Records, WriteConditions } from "@/src/core/records/records";
import { requireSchemaMatch } from "@/src/core/records/schema-check";
import { createUniqueId } from "@/src/core/records/unique-id";
import type { Sandbox } from "@/src/core/sandbox";
import {
  applyUserPatch,
  parseLogin,
  parseRegistration,
  parseUserPatch,
  passwordProblem,
  type UserPatch,
  withMembers,
} from "@/src/core/users/credentials";
import type { EmailQueue } from "@/src/core/users/email-queue";
import { type AddressState, decideAddress, readAddress, setVerified } from "@/src/core/users/email-verified";
import type { PasswordHasher } from "@/src/core/users/password-hasher";
import type { StoredUser, UserStore, UserWriteResult } from "@/src/core/users/ports";
import type { AccessTokenIssuer, IssuedToken } from "@/src/core/users/token-issuer";
import { verifyPassword } from "@/src/core/users/verify-password";
import { AppError } from "@/src/shared/errors";
import type { UserEmailSettings } from "@/src/shared/management/user-emails";
import type { PutStrategy } from "@/src/shared/streams/protocol";

/** The authentication endpoint of a request. */
export interface UserEndpoint {
  endpointId: string;
  projectId: string;
  /** The JSON Schema of the endpoint (R10). Null: none. */
  schema: string | null;
  /** Which e-mails its users receive (L10). Absent: the defaults. */
  emails?: UserEmailSettings | undefined;
}

export interface UserUpdate extends WriteConditions {
  endpoint: UserEndpoint;
  id: string;
  strategy: PutStrategy;
  body: RecordBody;
  caller: CallerPath;
  /** The token of the requesting user. It stays valid when the password changes. */
  tokenId?: string | undefined;
  /** The client's address. Null: unknown. */
  address: string | null;
}

/** The effect of an update on the user's password. */
interface PasswordChange {
  /** Undefined: the password and the user's tokens stay. */
  newHash?: string | undefined;
  /** The hash of the password that the caller proved to know. */
  provenHash?: string;
}

export interface Users {
  /**
   * Stores a new user (L1). `isTrusted`: the application itself registers the user (master key), so the limits of registrations do not apply. Throws
   * `credentials_missing`, `credentials_invalid`, `username_taken`, `schema_mismatch`, `rate_limited`, `server_busy`; then nothing was written.
   */
  register(request: {
    endpoint: UserEndpoint;
    body: RecordBody;
    caller: CallerPath;
    address: string | null;
    isTrusted: boolean;
    /** Fails with `access_denied` unless the judge allows it (S7). */
    judge?: RecordJudge | undefined;
  }): Promise<StoredRecord>;
  /**
   * Issues an access token (L2). Throws `credentials_missing`, `credentials_invalid`, `rate_limited`, `login_failed`, which takes the same time for
   * every reason, and after the right password `email_not_verified` (L10).
   */
  login(request: {
    endpoint: UserEndpoint;
    body: RecordBody;
    caller: CallerPath;
    address: string | null;
    userAgent: string | null;
  }): Promise<IssuedToken & { record: StoredRecord }>;
  /** Ends a token immediately (L3). */
  logout(request: { projectId: string; tokenId: string }): Promise<void>;
  /**
   * Changes a user (L4). Sending the current password as `password` keeps it. With `onlyOwner`, a new password needs `currentPassword`; throws
   * `current_password_wrong`, `rate_limited`. Also throws what `register` and Records.update throw; then nothing was written.
   */
  update(request: UserUpdate): Promise<ShownRecord>;
  /**
   * Deletes a user with its credentials and tokens, and returns the record's last state. Throws `record_not_found`, `access_denied`,
   * `version_conflict`.
   */
  remove(request: WriteConditions & { endpoint: Omit<UserEndpoint, "schema">; id: string }): Promise<ShownRecord>;
  /** Sets a new password on behalf of the endpoint's owner, and ends all tokens of the user. Throws `credentials_invalid`, `record_not_found`. */
  setPassword(request: { endpoint: Omit<UserEndpoint, "schema">; id: string; password: string; caller: CallerPath }): Promise<void>;
  /** Deletes the tokens that expired more than a day ago, in batches. */
  sweepTokens(): Promise<void>;
}

export interface UsersOptions {
  store: UserStore;
  records: Pick<Records, "remove">;
  accessTokens: AccessTokenIssuer;
  emails: Pick<EmailQueue, "serveSoon">;
  limiter: LoginLimiter;
  registrations: RegistrationLimit;
  passwords: PasswordHasher;
  sandbox: Pick<Sandbox, "validate">;
  clock: Clock;
  /** Limits the size of a merged record. */
  recordBytesMax: number;
}

const NOT_CURRENT =
  "The password is not the current one. To change it, send the current one as currentPassword. To keep it, omit password.";
/** How often an update is tried again because the user changed between read and write. */
const CHANGE_ATTEMPTS_MAX = 20;
/** How long expired tokens are kept. */
const EXPIRED_KEPT_MS = 24 * 60 * 60 * 1000;
const SWEEP_BATCH = 1000;

export function createUsers(options: UsersOptions): Users {
  return new StoredUsers(options);
}

class StoredUsers implements Users {
  readonly #options: UsersOptions;

  constructor(options: UsersOptions) {
    this.#options = options;
  }

  async register({ endpoint, body, caller, address: client, isTrusted, judge }: Parameters<Users["register"]>[0]): Promise<StoredRecord> {
    const { store, passwords, registrations, emails, clock } = this.#options;
    const { name, password, data: sent, ...registration } = parseRegistration(body, { isTrusted });
    refuseUsername(endpoint, { isTrusted, nameField: registration.isEmail ? "email" : "username" });
    const address = decideAddress({ name, ...registration, verifies: endpoint.emails?.verifyEmails === true });
    const data = setVerified(sent, address.shown);
    const id = createUniqueId();
    // Before what takes time in the sandbox, so that it also limits the registrations that are refused.
    if (!isTrusted) await registrations.count({ endpointId: endpoint.endpointId, address: client });
    if (judge) await requireCreatable(judge, [{ uniqueId: id, owner: id, data }]);
    await this.#requireMatch(endpoint, data, caller);
    // Hashing is expensive, so a taken name is rejected before it.
    if (await store.findByName(endpoint.endpointId, name)) throw new AppError("username_taken");
    const passwordHash = await passwords.hash(password, { kind: "registration", caller });
    const { verifiedName, asks } = address;
    const user = { endpointId: endpoint.endpointId, id, data, name, passwordHash, verifiedName };
    const record = toRecord(await store.register({ ...user, asksForVerificationAt: asks ? clock.now() : undefined }));
    if (asks) emails.serveSoon();
    return record;
  }

  async login({
    endpoint,
    body,
    caller,
    address,
    userAgent,
  }: Parameters<Users["login"]>[0]): Promise<IssuedToken & { record: StoredRecord }> {
    const { store, clock, accessTokens } = this.#options;
    const { name, password } = parseLogin(body);
    const user = await store.findByName(endpoint.endpointId, name);
    const isCorrect = await this.#verifyPassword({ endpoint, name, caller, address, stored: user?.passwordHash ?? null, password });
    if (!isCorrect || !user) throw new AppError("login_failed");
    if (endpoint.emails?.requireVerified) refuseUnverified(user);
    const { token, stored } = accessTokens.create({ projectId: endpoint.projectId, address, userAgent });
    const { expiresAt } = stored;
    const result = await store.createToken({ ...stored, userId: user.record.id, provenHash: user.passwordHash, now: clock.now() });
    // The user was deleted or got another password during the check.
    if (!result) throw new AppError("login_failed");
    if (result.endedOthers) await accessTokens.ended(endpoint.projectId);
    return { record: user.record, token, expiresAt };
  }

  async logout({ projectId, tokenId }: { projectId: string; tokenId: string }): Promise<void> {
    const { store, accessTokens, clock } = this.#options;
    await store.revokeToken(tokenId, clock.now());
    await accessTokens.ended(projectId);
  }

  async update(request: UserUpdate): Promise<ShownRecord> {
    const { store, accessTokens, emails, clock } = this.#options;
    const { endpoint, id, strategy, caller, tokenId, expectedVersion, judge } = request;
    const isTrusted = request.onlyOwner === undefined;
    const patch = parseUserPatch(request.body, { isTrusted });
    refuseUsername(endpoint, { isTrusted, nameField: patch.nameField });
    let change: PasswordChange | undefined;
    for (let attempt = 1; attempt <= CHANGE_ATTEMPTS_MAX; attempt++) {
      const user = await store.find(endpoint.endpointId, id);
      refuseOthers(user, request);
      const judged = judge && (await judgePatch(judge, user, patch, strategy));
      if (expectedVersion !== undefined && expectedVersion !== user.record.version) throw new AppError("version_conflict");
      // Proven only once. When the change is tried again, the store rejects it if the password has changed since.
      if (patch.password !== undefined) change ??= await this.#decidePasswordChange(user, patch.password, patch.currentPassword, request);
      const merged = await applyUserPatch(user.record.data, judged?.patch ?? patch, strategy);
      const address = toAddressState(user, { name: patch.name, data: merged, sent: patch.verified, endpoint });
      const data = setVerified(merged, address.shown);
      this.#refuseLarge(data);
      await hideHiddenMismatch(judged?.hidden ?? [], () => this.#requireMatch(endpoint, data, caller));
      const result = await store.change({
        endpointId: endpoint.endpointId,
        id,
        data,
        expectedVersion: user.record.version,
        name: patch.name,
        password: change?.newHash === undefined ? undefined : { hash: change.newHash, keepTokenId: tokenId },
        provenHash: change?.provenHash,
        // Absent if it stays, so that a change of other fields takes no further statement.
        verifiedName: address.verifiedName === user.verifiedName ? undefined : address.verifiedName,
        asksForVerification: address.asks,
        now: clock.now(),
      });
      // The user was changed since it was read. The caller's own condition would fail now; without one, try again.
      if (result.outcome === "version_conflict" && expectedVersion === undefined) continue;
      const record = toRecord(result);
      if (change?.newHash !== undefined) await accessTokens.ended(endpoint.projectId);
      if (address.asks) emails.serveSoon();
      if (!judge) return record;
      const [shown] = await showWritten(judge, [{ ...record, owner: id }]);
      return shown ?? { ...record, data: "null", isHidden: true };
    }
    throw new AppError("server_busy", { detail: "Too many requests change this user at once. Try again shortly.", retryAfterSeconds: 1 });
  }

  async remove({ endpoint, id, ...conditions }: Parameters<Users["remove"]>[0]): Promise<ShownRecord> {
    const { records, accessTokens } = this.#options;
    const record = await records.remove({ endpointId: endpoint.endpointId, id, ...conditions });
    await accessTokens.ended(endpoint.projectId);
    return record;
  }

  async setPassword({ endpoint, id, password, caller }: Parameters<Users["setPassword"]>[0]): Promise<void> {
    const { store, accessTokens, clock, passwords } = this.#options;
    const problem = passwordProblem(password);
    if (problem) throw new AppError("credentials_invalid", { fields: { password: problem } });
    const hash = await passwords.hash(password, { kind: "login", caller });
    if (!(await store.setPassword({ endpointId: endpoint.endpointId, id, hash, now: clock.now() }))) throw new AppError("record_not_found");
    await accessTokens.ended(endpoint.projectId);
  }

  async sweepTokens(): Promise<void> {
    const { store, clock } = this.#options;
    const before = new Date(clock.now().getTime() - EXPIRED_KEPT_MS);
    while ((await store.deleteExpiredTokens(before, SWEEP_BATCH)) === SWEEP_BATCH);
  }

  /**
   * Decides the effect of a password in a PUT. Clients of the original service send the registered password with every change, so the current
   * password proves itself. Wrong passwords count like failed logins. The master key needs no proof, so its passwords are not counted.
   */
  async #decidePasswordChange(
    { name, passwordHash }: StoredUser,
    password: string,
    currentPassword: string | undefined,
    { endpoint, caller, address, onlyOwner }: UserUpdate,
  ): Promise<PasswordChange> {
    const { passwords } = this.#options;
    const context = { kind: "login", caller } as const;
    if (onlyOwner === undefined) {
      const isCurrent = await passwords.verify(passwordHash, password, context);
      return isCurrent ? {} : { newHash: await passwords.hash(password, context) };
    }
    const proof = currentPassword ?? password;
    const isCorrect = await this.#verifyPassword({ endpoint, name, caller, address, stored: passwordHash, password: proof });
    if (!isCorrect) throw new AppError("current_password_wrong", currentPassword === undefined ? { detail: NOT_CURRENT } : {});
    const isSame = proof.normalize("NFKC") === password.normalize("NFKC");
    return { provenHash: passwordHash, newHash: isSame ? undefined : await passwords.hash(password, context) };
  }

  #verifyPassword(request: {
    endpoint: UserEndpoint;
    name: string;
    caller: CallerPath;
    address: string | null;
    stored: string | null;
    password: string;
  }): Promise<boolean> {
    const { passwords, limiter } = this.#options;
    const { endpoint, name, caller, address, stored, password } = request;
    const attempt = { account: `${endpoint.endpointId} ${name}`, address, scope: endpoint.endpointId };
    return verifyPassword({ passwords, limiter, attempt, context: { kind: "login", caller }, stored, password });
  }

  #refuseLarge(data: string): void {
    const { recordBytesMax } = this.#options;
    if (Buffer.byteLength(data) <= recordBytesMax) return;
    throw new AppError("body_too_large", { detail: `The record would be larger than ${recordBytesMax} bytes.` });
  }

  #requireMatch({ schema }: UserEndpoint, data: string, caller: CallerPath): Promise<void> {
    return requireSchemaMatch({ sandbox: this.#options.sandbox, schema, texts: [data], caller });
  }
}

/** The state of the user's address after a change. `name`: undefined if none was sent. `data`: after the change. */
function toAddressState(
  user: StoredUser,
  { name, data, sent, endpoint }: { name: string | undefined; data: string; sent: boolean | undefined; endpoint: UserEndpoint },
): AddressState {
  const { name: oldName, verifiedName } = user;
  return decideAddress({
    name: name ?? oldName,
    isEmail: readAddress(data).isEmail,
    sent,
    verifies: endpoint.emails?.verifyEmails === true,
    before: { ...readAddress(user.record.data), name: oldName, verifiedName },
  });
}

/** L10: a user with a username could never log in. */
function refuseUsername({ emails }: UserEndpoint, { isTrusted, nameField }: { isTrusted: boolean; nameField: string | undefined }): void {
  if (!emails?.requireVerified || isTrusted || nameField !== "username") return;
  throw new AppError("credentials_invalid", { fields: { username: "Send email instead: this endpoint verifies e-mail addresses." } });
}

function refuseUnverified({ name, verifiedName, record }: StoredUser): void {
  if (verifiedName === name && readAddress(record.data).isEmail) return;
  throw new AppError("email_not_verified");
}

/** Checks in the same order as the record commit. */
function refuseOthers(user: StoredUser | undefined, { id, onlyOwner }: UserUpdate): asserts user is StoredUser {
  if (!user) throw new AppError("record_not_found");
  if (onlyOwner !== undefined && onlyOwner !== id) throw new AppError("access_denied");
}

/** The patch with the hidden fields that the user keeps (S7), and which fields are hidden. Judges see no passwords. Throws `access_denied`. */
async function judgePatch(
  judge: RecordJudge,
  { record: { id, data } }: StoredUser,
  patch: UserPatch,
  strategy: PutStrategy,
): Promise<{ patch: UserPatch; hidden: readonly FieldPath[] }> {
  const record = { uniqueId: id, owner: id, data };
  const body = writeMembers(patch.members);
  await requireAllowed(judge, "update", record, body);
  const hidden = judge.hidesFields ? judge.hiddenFields(record) : [];
  // A body with only passwords leaves the data unchanged (L5).
  if (hidden.length === 0 || patch.members.length === 0) return { patch, hidden };
  if (strategy !== "merge") return { patch: withMembers(patch, keepHidden(judge, record, body)), hidden };
  requireHiddenLeft(judge, record, body);
  return { patch, hidden };
}

function toRecord(result: UserWriteResult): StoredRecord {
  switch (result.outcome) {
    case "ok":
      return result.change.record;
    case "password_changed":
      // The password was changed after it had been proven.
      throw new AppError("current_password_wrong");
    case "endpoint_not_found":
      throw new AppError("endpoint_or_key_invalid", { internal: "the endpoint was deleted before the write" });
    default:
      throw new AppError(result.outcome);
  }
}
