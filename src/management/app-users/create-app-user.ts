/** Adds users to an authentication endpoint, and sends them e-mails with which they set a password (G44). */
import { randomBytes } from "node:crypto";
import { toOwnerPath } from "@/src/core/access/caller-path";
import type { Clock } from "@/src/core/clock";
import { editFields } from "@/src/core/json/edit-fields";
import type { Mailer } from "@/src/core/mail/ports";
import { parseRecordBody } from "@/src/core/records/record-body";
import { toUuid } from "@/src/core/records/unique-id";
import type { EmailQueue } from "@/src/core/users/email-queue";
import { readAddress } from "@/src/core/users/email-verified";
import type { Users } from "@/src/core/users/users";
import type { Db } from "@/src/db/client";
import { AppError, isAppError } from "@/src/shared/errors";
import type { AppUserCreate } from "@/src/shared/management/app-user-create";
import type { AppUserView } from "@/src/shared/management/schemas";
import { requireOwnTarget } from "../ownership";
import { readMemberText, refuse } from "../records/field-changes";
import { getAppUser } from "./list-app-users";
import { requireOwnUser, requireOwnUsers } from "./require-own-users";

/** An unguessable password that nobody knows, in a length that every rule of passwords allows. */
const UNKNOWN_PASSWORD_BYTES = 32;

interface Request {
  db: Pick<Db, "endpoint" | "appUser" | "record" | "$queryRaw">;
  ownerId: string;
  endpointId: string;
}

/**
 * Registers a user with a password or, with `invite`, one that receives an e-mail to set it. `text` is the text of the request, whose digits are kept.
 * Throws `not_found`, `fields_invalid`, `email_not_configured`, and what Users.register throws.
 */
export async function createAppUser({
  db,
  clock,
  users,
  mailer,
  emailQueue,
  ownerId,
  endpointId,
  input,
  text,
}: Request & {
  clock: Clock;
  users: Pick<Users, "register">;
  mailer: Pick<Mailer, "requireConfigured">;
  emailQueue: Pick<EmailQueue, "request">;
  input: AppUserCreate;
  text: string;
}): Promise<AppUserView> {
  await requireOwnUsers({ db, ownerId, endpointId });
  const target = await requireOwnTarget({ db, ownerId, endpointId });
  const { password, invite = false } = input;
  if (Object.hasOwn(input.data, "password")) throw refuse("data.password", "Send the password next to data, not in it.");
  if (invite === (password !== undefined)) throw refuse("password", "Send a password, or invite the user with true.");
  if (invite && typeof input.data.email !== "string")
    throw refuse("data.email", "Enter the e-mail address to which the invitation is sent.");
  if (invite) await mailer.requireConfigured(target.projectId);
  const secret = password ?? randomBytes(UNKNOWN_PASSWORD_BYTES).toString("base64url");
  const body = await parseData(readMemberText(text, "data"), secret);
  const endpoint = { ...target, endpointId };
  const caller = toOwnerPath(ownerId, target.projectId);
  const { id } = await users.register({ endpoint, body, caller, address: null, isTrusted: true });
  if (invite) await sendPasswordEmail({ db, emailQueue, ownerId, endpointId, userId: id });
  return getAppUser({ db, clock, ownerId, endpointId, userId: id });
}

/**
 * Sends a user an e-mail with which a new password can be set (L8). Throws `not_found`, `fields_invalid` if the user has no e-mail address,
 * `email_not_configured`, `rate_limited`.
 */
export async function sendPasswordEmail({
  db,
  emailQueue,
  ownerId,
  endpointId,
  userId,
}: Request & { emailQueue: Pick<EmailQueue, "request">; userId: string }): Promise<void> {
  const { projectId } = await requireOwnUser({ db, ownerId, endpointId, userId });
  const user = await db.appUser.findFirst({
    where: { id: toUuid(userId), endpointId },
    select: { name: true, record: { select: { data: true } } },
  });
  if (!user) throw new AppError("not_found");
  if (!readAddress(JSON.stringify(user.record.data)).isEmail)
    throw refuse("uniqueId", "This user has a username, not an e-mail address. Set a password instead.");
  await emailQueue.request({ scopeId: endpointId, kind: "reset", name: user.name }, { project: { id: projectId, ownerId }, address: null });
}

async function parseData(dataText: string, password: string): Promise<{ contentType: "json"; data: string }> {
  const edited = editFields(dataText, [{ path: ["password"], valueText: JSON.stringify(password) }]);
  if (!edited.ok) throw refuse("data", edited.problem);
  try {
    const { data } = await parseRecordBody({ kind: "json", bytes: Buffer.from(edited.text) });
    return { contentType: "json", data };
  } catch (error) {
    throw isAppError(error) && error.entry.status < 500 ? refuse("data", error.message) : error;
  }
}
