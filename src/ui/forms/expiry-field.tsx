/** Selects an expiry: never, after a number of days, or at the end of a day. */
"use client";

import { useState } from "react";
import { TextField } from "../components/field";
import { Segments } from "../components/segments";

const DAY_MS = 86_400_000;
const CHOICES = [
  { value: "none", label: "Never" },
  { value: "30", label: "30 days" },
  { value: "90", label: "90 days" },
  { value: "365", label: "1 year" },
  { value: "date", label: "Date" },
] as const;

export const EXPIRIES: readonly ExpiryChoice[] = CHOICES.map(({ value }) => value);
export type ExpiryChoice = (typeof CHOICES)[number]["value"];

/** The expiry for the API; null for never. A date (`YYYY-MM-DD`) means the end of that day in local time. */
export function toExpiresAt({ choice, date, nowMs }: { choice: ExpiryChoice; date: string; nowMs: number }): string | null {
  switch (choice) {
    case "none":
      return null;
    case "date": {
      const end = new Date(`${date}T23:59:59`);
      // The schema reports an empty or invalid date.
      return Number.isNaN(end.getTime()) ? date : end.toISOString();
    }
    case "30":
    case "90":
    case "365":
      return new Date(nowMs + Number(choice) * DAY_MS).toISOString();
    default: {
      const unknown: never = choice;
      return unknown;
    }
  }
}

/** The state of the field. Call `expiresAt()` with the value of the date control, which is named `expiresAt`, when the form is submitted. */
export function useExpiry(): {
  choice: ExpiryChoice;
  onChange: (choice: ExpiryChoice) => void;
  expiresAt: (date: string | undefined) => string | null;
} {
  const [choice, onChange] = useState<ExpiryChoice>("none");
  return { choice, onChange, expiresAt: (date) => toExpiresAt({ choice, date: date ?? "", nowMs: Date.now() }) };
}

export function ExpiryField({
  expiry,
  problem,
}: {
  expiry: Pick<ReturnType<typeof useExpiry>, "choice" | "onChange">;
  problem: string | undefined;
}) {
  return (
    <>
      <Segments label="Expires" value={expiry.choice} options={CHOICES} onChange={expiry.onChange} />
      {expiry.choice === "date" ? (
        <TextField
          name="expiresAt"
          type="date"
          label="Expiry date"
          hint="Valid until the end of that day."
          problem={problem && "Choose a day in the future."}
        />
      ) : null}
    </>
  );
}
