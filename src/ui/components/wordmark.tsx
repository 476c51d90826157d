/** The name and the logo. */
export function Wordmark() {
  return (
    <span className="inline-flex items-center gap-2 text-prose font-semibold tracking-[-0.01em]">
      <svg viewBox="0 0 20 20" className="size-[18px]" fill="none" aria-hidden="true">
        <path d="M1.5 10h3.2M15.3 10h3.2M7 4.5v11M13 4.5v11" stroke="currentColor" strokeWidth="1.8" strokeLinecap="round" />
        <circle cx="10" cy="10" r="1.7" className="fill-live" />
      </svg>
      Rested
    </span>
  );
}
