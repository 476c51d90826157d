/** Shown for projects that do not exist, inside the dashboard's frame. */
import { loadUser } from "@/app/lib/load-project";
import { NotFound } from "@/src/ui/components/page/not-found";
import { Shell } from "@/src/ui/shell/shell";

export default async function NotFoundPage() {
  const { id, name, email } = await loadUser();
  return (
    <Shell user={{ id, name, email }}>
      <NotFound />
    </Shell>
  );
}
