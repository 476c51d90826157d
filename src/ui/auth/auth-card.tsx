/** The frame of the pages for users who are not signed in: wordmark, title, one form. */
import type { ReactNode } from "react";
import { Wordmark } from "../components/wordmark";

export function AuthCard({ title, note, children, foot }: { title: string; note?: ReactNode; children?: ReactNode; foot?: ReactNode }) {
  return (
    <div className="flex w-full max-w-[24rem] flex-col gap-6">
      <p>
        <Wordmark />
      </p>
      <div>
        <h1 className="text-title font-semibold">{title}</h1>
        {note ? <div className="pt-1 text-prose text-muted">{note}</div> : null}
      </div>
      {children}
      {foot ? <div className="text-muted">{foot}</div> : null}
    </div>
  );
}
