/** The e-mails of an authentication endpoint to its users (G25): settings, templates and previews. */

import type { Definitions } from "@/src/core/access/resolved-endpoints";
import { renderEmail, toEmailValues, toListedBase } from "@/src/core/users/email-templates";
import type { Db } from "@/src/db/client";
import type { EndpointQueue } from "@/src/db/records/endpoint-queue";
import { AppError } from "@/src/shared/errors";
import { toDefaultTemplate } from "@/src/shared/management/default-emails";
import {
  DEFAULT_USER_EMAILS,
  type EmailContent,
  findTemplateProblems,
  toLinkOrigin,
  toUserEmailSettings,
  USER_EMAIL_KINDS,
  type UserEmailKind,
  type UserEmailPreview,
  type UserEmailSettings,
  type UserEmails,
  type UserEmailsPatch,
} from "@/src/shared/management/user-emails";
import { pickDefined } from "../support";

type ReadDb = Pick<Db, "endpoint">;
type CanSend = (projectId: string) => Promise<boolean>;

interface StoredEmails {
  projectId: string;
  projectName: string;
  allowedOrigins: string[];
  settings: UserEmailSettings;
  templates: Record<UserEmailKind, EmailContent | null>;
}

/** A token and a code of the form that real ones have. */
const EXAMPLE_TOKEN = "x".repeat(43);
const EXAMPLE_CODE = "123456";

/** Returns settings and templates. `canSend`: whether a project has an e-mail configuration. Throws `not_found` unless it is an authentication endpoint. */
export async function readUserEmails({
  db,
  canSend,
  ownerId,
  endpointId,
}: {
  db: ReadDb;
  canSend: CanSend;
  ownerId: string;
  endpointId: string;
}): Promise<UserEmails> {
  const { projectId, settings, templates } = await readStored({ db, ownerId, endpointId });
  return { ...settings, templates, defaults: toDefaults(settings.linkBase), canSend: await canSend(projectId) };
}

/**
 * Changes the given settings and templates. Throws `not_found`, and `fields_invalid` for a link base whose origin the project does not list, and for
 * settings that cannot work together.
 */
export async function updateUserEmails({
  db,
  writeDb,
  queue,
  definitions,
  canSend,
  ownerId,
  endpointId,
  patch,
}: {
  db: ReadDb;
  writeDb: Pick<Db, "$transaction">;
  queue: Pick<EndpointQueue, "run">;
  definitions: Pick<Definitions, "invalidate">;
  canSend: CanSend;
  ownerId: string;
  endpointId: string;
  patch: UserEmailsPatch;
}): Promise<UserEmails> {
  const { templates = {}, ...rest } = patch;
  const { projectId, allowedOrigins } = await readStored({ db, ownerId, endpointId });
  if (rest.linkBase) requireListed(rest.linkBase, allowedOrigins);
  await queue.run(endpointId, () =>
    writeDb.$transaction(async (tx) => {
      // The row is locked, so that of two changes at once both are kept.
      const [row] = await tx.$queryRaw<{ settings: unknown }[]>`
        SELECT "userEmails" AS "settings" FROM "Endpoint" WHERE "id" = ${endpointId}::uuid AND "projectId" IS NOT NULL FOR NO KEY UPDATE`;
      if (!row) throw new AppError("not_found");
      const settings = { ...DEFAULT_USER_EMAILS, ...toUserEmailSettings(row.settings), ...pickDefined(rest) };
      requireConsistent(settings);
      await tx.$executeRaw`UPDATE "Endpoint" SET "userEmails" = ${JSON.stringify(settings)}::json, "updatedAt" = now() WHERE "id" = ${endpointId}::uuid`;
      for (const kind of USER_EMAIL_KINDS) {
        const template = templates[kind];
        if (template === null) await tx.userEmailTemplate.deleteMany({ where: { endpointId, kind } });
        else if (template)
          await tx.userEmailTemplate.upsert({
            where: { endpointId_kind: { endpointId, kind } },
            create: { endpointId, kind, ...template },
            update: template,
          });
      }
    }),
  );
  definitions.invalidate(projectId);
  return readUserEmails({ db, canSend, ownerId, endpointId });
}

/** Returns an e-mail with example values. Sends nothing. Throws `not_found`, and `fields_invalid` as PATCH would. */
export async function previewUserEmail({
  db,
  ownerId,
  endpointId,
  input,
}: {
  db: ReadDb;
  ownerId: string;
  endpointId: string;
  input: UserEmailPreview;
}): Promise<EmailContent> {
  const { kind, template } = input;
  const { projectName, allowedOrigins, settings, templates } = await readStored({ db, ownerId, endpointId });
  if (input.linkBase) requireListed(input.linkBase, allowedOrigins);
  const linkBase = toListedBase(input.linkBase === undefined ? settings.linkBase : input.linkBase, allowedOrigins);
  if (template) refuse(findTemplateProblems(kind, template));
  const content = (template === undefined ? templates[kind] : template) ?? toDefaultTemplate(kind, linkBase !== null);
  const secret = kind === "code" ? EXAMPLE_CODE : EXAMPLE_TOKEN;
  return renderEmail(content, toEmailValues({ kind, secret, project: projectName, linkBase }));
}

async function readStored({ db, ownerId, endpointId }: { db: ReadDb; ownerId: string; endpointId: string }): Promise<StoredEmails> {
  const row = await db.endpoint.findFirst({
    where: { id: endpointId, project: { ownerId } },
    select: { kind: true, userEmails: true, emailTemplates: true, project: { select: { id: true, name: true, allowedOrigins: true } } },
  });
  if (!row?.project) throw new AppError("not_found");
  if (row.kind !== "authentication") throw new AppError("not_found", { detail: "Only authentication endpoints send e-mails to users." });
  const { project, emailTemplates } = row;
  const templates: StoredEmails["templates"] = { reset: null, verify: null, link: null, code: null };
  for (const { kind, subject, text, html } of emailTemplates) templates[kind] = { subject, text, html };
  const settings = toUserEmailSettings(row.userEmails) ?? DEFAULT_USER_EMAILS;
  return { projectId: project.id, projectName: project.name, allowedOrigins: project.allowedOrigins, settings, templates };
}

function toDefaults(linkBase: string | null): Record<UserEmailKind, EmailContent> {
  const of = (kind: UserEmailKind) => toDefaultTemplate(kind, linkBase !== null);
  return { reset: of("reset"), verify: of("verify"), link: of("link"), code: of("code") };
}

function requireListed(linkBase: string, allowedOrigins: readonly string[]): void {
  if (toListedBase(linkBase, allowedOrigins) !== null) return;
  refuse({ linkBase: `Add ${toLinkOrigin(linkBase)} to the project's allowed origins first. Links lead only to listed origins.` });
}

function requireConsistent({ verifyEmails, requireVerified }: UserEmailSettings): void {
  if (requireVerified && !verifyEmails)
    refuse({ requireVerified: "Set verifyEmails too. Otherwise new users receive nothing to verify their address with." });
}

function refuse(fields: Record<string, string>): void {
  const [first] = Object.entries(fields);
  if (first) throw new AppError("fields_invalid", { detail: `Some fields are not valid. ${first[0]}: ${first[1]}`, fields });
}
