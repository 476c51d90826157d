/** Turns “there is no such thing, or it is another account's” into the page that says so. */
import { notFound } from "next/navigation";
import { AppError, isAppError } from "@/src/shared/errors";

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** What `read` answers for the ids of a page's address, which must be UUIDs. Other errors than `not_found` pass. */
export async function orNotFound<Value>(ids: readonly string[], read: () => Promise<Value>): Promise<Value> {
  try {
    if (!ids.every((id) => UUID.test(id))) throw new AppError("not_found");
    return await read();
  } catch (error) {
    if (isAppError(error) && error.code === "not_found") notFound();
    throw error;
  }
}
