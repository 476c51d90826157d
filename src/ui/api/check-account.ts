/** Asks which account this browser is signed in as. */
import { toAccountHeaders } from "./fetch-manage";
import { readProblem } from "./request-error";

/** `same`: the account that opened the page. `none`: nobody is signed in, or the server does not respond. */
export async function checkAccount(): Promise<"same" | "other" | "none"> {
  try {
    const response = await fetch("/api/manage/account", { credentials: "same-origin", cache: "no-store", headers: toAccountHeaders() });
    if (response.ok) return "same";
    return (await readProblem(response)).code === "account_mismatch" ? "other" : "none";
  } catch {
    return "none";
  }
}
