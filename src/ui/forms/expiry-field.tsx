/** When something stops working: never, after a usual time, or at the end of a day. It must not know of what. */
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

export type ExpiryChoice = (typeof CHOICES)[number]["value"];

/** The choice as the API takes it: null for never; a date (`YYYY-MM-DD`) means the end of that day here. */
export function toExpiresAt({ choice, date, nowMs }: { choice: ExpiryChoice; date: string; nowMs: number }): string | null {
  switch (choice) {
    case "none":
      return null;
    case "date": {
      const end = new Date(`${date}T23:59:59`);
      // The schema says what is wrong with an empty or impossible date.
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

/** The state of an expiry: `expiresAt()` reads it when the form is sent. The control of the date is named `expiresAt`. */
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
          hint="Works until the end of that day."
          problem={problem && "Choose a day in the future."}
        />
      ) : null}
    </>
  );
}
