/** The dialog that lists the console's keyboard shortcuts. */
"use client";

import { Dialog } from "../components/overlay/dialog";
import { SHORTCUTS, toKeyNames } from "./shortcuts";

export function ShortcutSheet({
  open,
  onOpenChange,
  singleKeys,
}: {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  singleKeys: boolean;
}) {
  const groups = [...new Set(SHORTCUTS.map(({ group }) => group))];
  const isMac = typeof navigator !== "undefined" && /Mac|iPhone|iPad/.test(navigator.userAgent);
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title="Keyboard shortcuts"
      description={singleKeys ? undefined : "Single-key shortcuts work only in the list, because you turned them off in your account."}
      wide
    >
      <div className="grid gap-x-8 gap-y-5 sm:grid-cols-2">
        {groups.map((group) => (
          <section key={group}>
            <h3 className="pb-1.5 text-data font-medium text-muted">{group}</h3>
            <dl className="flex flex-col gap-1.5">
              {SHORTCUTS.filter((each) => each.group === group).map((shortcut) => (
                <div key={shortcut.id} className="flex items-center justify-between gap-4">
                  <dt>{shortcut.label}</dt>
                  <dd className="flex items-center gap-1 text-muted">
                    {toKeyNames(shortcut, isMac).map((names, index) => (
                      <span key={names.join(" ")} className="inline-flex items-center gap-1">
                        {index > 0 ? <span className="text-data">or</span> : null}
                        {names.map((name) => (
                          <Kbd key={name}>{name}</Kbd>
                        ))}
                      </span>
                    ))}
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}

function Kbd({ children }: { children: string }) {
  return (
    <kbd className="inline-flex h-5 min-w-5 items-center justify-center rounded-xs border border-line-firm bg-surface px-1 font-sans text-data text-muted">
      {children}
    </kbd>
  );
}
