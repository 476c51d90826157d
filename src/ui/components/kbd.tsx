/** A key to press, as it stands on the keyboard. */
export function Kbd({ children }: { children: string }) {
  return (
    <kbd className="inline-flex h-5 min-w-5 items-center justify-center rounded-xs border border-line-firm bg-surface px-1 font-sans text-data text-muted">
      {children}
    </kbd>
  );
}
