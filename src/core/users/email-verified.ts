/** `data.emailVerified` (L10): only the server and the application's own back end set it. */
import { type JsonMember, readMembers, writeMembers } from "@/src/core/json/members";
import { AppError } from "@/src/shared/errors";

const FIELD = "emailVerified";

export function withoutVerified(members: readonly JsonMember[]): JsonMember[] {
  return members.filter(({ key }) => key !== FIELD);
}

/** The value that the application's back end sent. Undefined: none. Throws `credentials_invalid` unless it is true or false. */
export function readSentVerified(members: readonly JsonMember[]): boolean | undefined {
  const text = members.findLast(({ key }) => key === FIELD)?.valueText;
  if (text === undefined) return undefined;
  if (text !== "true" && text !== "false") throw new AppError("credentials_invalid", { fields: { [FIELD]: "Use true or false." } });
  return text === "true";
}

export interface StoredAddress {
  /** The user has an e-mail address, not a username. */
  isEmail: boolean;
  /** The data shows whether it is verified. */
  isShown: boolean;
}

/** The part of a user's data that concerns its address. */
export function readAddress(data: string): StoredAddress {
  const members = readMembers(data);
  return { isEmail: members.some(({ key }) => key === "email"), isShown: members.some(({ key }) => key === FIELD) };
}

/** The data with this value; undefined: without the field. Data that has it already stays byte for byte. */
export function setVerified(data: string, value: boolean | undefined): string {
  const members = readMembers(data);
  const found = members.filter(({ key }) => key === FIELD);
  const [only] = found;
  if (found.length === 0 ? value === undefined : found.length === 1 && only?.valueText === String(value)) return data;
  const rest = withoutVerified(members);
  return writeMembers(value === undefined ? rest : [...rest, { text: `"${FIELD}":${value}` }]);
}

/** The state of a user's address after a write. */
export interface AddressState {
  /** `data.emailVerified`; undefined: the data has no such field. */
  shown: boolean | undefined;
  verifiedName: string | null;
  /** The address is new and not verified, so it receives an e-mail. */
  asks: boolean;
}

/**
 * `sent`: what the application's back end sent (undefined: nothing, or a user sent the request). `before`: the user before the change, absent for a
 * registration. Throws `credentials_invalid` if a value was sent for a user without an e-mail address.
 */
export function decideAddress({
  name,
  isEmail,
  sent,
  verifies,
  before,
}: {
  name: string;
  isEmail: boolean;
  sent: boolean | undefined;
  /** The endpoint verifies addresses. */
  verifies: boolean;
  before?: StoredAddress & { name: string; verifiedName: string | null };
}): AddressState {
  if (!isEmail) {
    if (sent !== undefined)
      throw new AppError("credentials_invalid", { fields: { [FIELD]: "This user has no e-mail address. Leave this field out." } });
    return { shown: undefined, verifiedName: null, asks: false };
  }
  const isSame = before?.isEmail === true && before.name === name;
  const isVerified = sent ?? (isSame && before.verifiedName === name);
  const isShown = verifies || sent !== undefined || before?.isShown === true;
  return { shown: isShown ? isVerified : undefined, verifiedName: isVerified ? name : null, asks: verifies && !isVerified && !isSame };
}
