const YEAR_SECONDS = 31_536_000;

/** The reader's choice is in a cookie, so that the next page has it before any script runs. */
export function watchTheme(): void {
  const select = document.querySelector<HTMLSelectElement>("#theme");
  select?.addEventListener("change", () => {
    document.documentElement.dataset.theme = select.value;
    // biome-ignore lint/suspicious/noDocumentCookie: Firefox and Safari have had no Cookie Store until lately
    document.cookie = `stasis-relay-theme=${select.value}; Path=/; Max-Age=${YEAR_SECONDS}; SameSite=Strict`;
  });
}
