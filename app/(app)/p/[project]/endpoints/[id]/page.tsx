/** Redirects to the endpoint's console. */
import { redirect } from "next/navigation";

export default async function Page({ params }: { params: Promise<{ project: string; id: string }> }) {
  const { project, id } = await params;
  redirect(`/p/${project}/endpoints/${id}/live`);
}
