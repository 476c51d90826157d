/** The frame of a page: title, actions, sections. */
import type { ReactNode } from "react";

export function Page({ title, note, actions, children }: { title: string; note?: ReactNode; actions?: ReactNode; children: ReactNode }) {
  return (
    <div className="mx-auto w-full max-w-[60rem] px-6 py-8 max-md:px-4 max-md:py-6">
      <header className="flex flex-wrap items-start justify-between gap-x-6 gap-y-3 pb-6">
        <div className="min-w-0">
          <h1 className="text-title font-semibold wrap-anywhere">{title}</h1>
          {note ? <div className="pt-0.5 text-muted">{note}</div> : null}
        </div>
        {actions ? <div className="flex shrink-0 gap-2">{actions}</div> : null}
      </header>
      <div className="flex flex-col gap-10">{children}</div>
    </div>
  );
}

/** A part of a page with its own heading. */
export function Section({ title, note, actions, children }: { title: string; note?: ReactNode; actions?: ReactNode; children: ReactNode }) {
  return (
    <section className="flex min-w-0 flex-col gap-3">
      <div className="flex min-h-control flex-wrap items-center justify-between gap-x-6 gap-y-2">
        <div className="min-w-0">
          <h2 className="text-prose font-semibold">{title}</h2>
          {note ? <p className="max-w-[44rem] text-muted">{note}</p> : null}
        </div>
        {actions ? <div className="flex shrink-0 gap-2">{actions}</div> : null}
      </div>
      {children}
    </section>
  );
}

/** A surface with a thin border. */
export function Panel({ children, padded = true }: { children: ReactNode; padded?: boolean }) {
  return <div className={`min-w-0 rounded-md border border-line bg-surface ${padded ? "px-5 py-4" : ""}`}>{children}</div>;
}

/** A part of a page for what can't be undone, in a frame that says so. */
export function DangerSection({ title, note, children }: { title: string; note: string; children: ReactNode }) {
  return (
    <section className="flex min-w-0 flex-wrap items-center justify-between gap-x-6 gap-y-3 rounded-md border border-delete/40 bg-surface px-5 py-4">
      <div className="min-w-0">
        <h2 className="text-prose font-semibold">{title}</h2>
        <p className="max-w-[36rem] text-muted">{note}</p>
      </div>
      {children}
    </section>
  );
}
