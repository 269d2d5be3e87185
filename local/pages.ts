/** Pages for people that a relay may serve. */
const PAGES = ["/console", "/docs"] as const;

/** The paths of those that this relay serves. */
export async function servedPages(url: string): Promise<string[]> {
  const areServed = await Promise.all(
    PAGES.map((path) =>
      fetch(url + path, { redirect: "manual", headers: { accept: "text/html" } }).then(
        async ({ status, body }) => {
          await body?.cancel();
          return status < 400;
        },
        () => false,
      ),
    ),
  );
  return PAGES.filter((_, index) => areServed[index]);
}
