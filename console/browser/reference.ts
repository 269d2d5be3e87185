import { watchTheme } from "./theme.ts";

/** What Swagger UI's script defines. */
interface SwaggerWindow {
  SwaggerUIBundle?: (options: Readonly<Record<string, unknown>>) => unknown;
}

watchTheme();
const root = document.documentElement;
const dark = matchMedia("(prefers-color-scheme: dark)");
/** Swagger UI's own dark look. */
const followTheme = () => {
  const { theme = "system" } = root.dataset;
  root.classList.toggle("dark-mode", theme === "dark" || (theme === "system" && dark.matches));
};
dark.addEventListener("change", followTheme);
new MutationObserver(followTheme).observe(root, { attributeFilter: ["data-theme"] });
followTheme();

const script = document.createElement("script");
script.src = document.body.dataset.swagger ?? "";
script.addEventListener("load", () => {
  (window as SwaggerWindow).SwaggerUIBundle?.({
    url: "/v1/openapi.json",
    domNode: document.querySelector("#reference"),
    deepLinking: true,
    docExpansion: "list",
    defaultModelsExpandDepth: 0,
    defaultModelExpandDepth: 4,
    displayRequestDuration: true,
    // Nothing is asked of validator.swagger.io.
    validatorUrl: null,
    // A key that is entered here stays in this page.
    persistAuthorization: false,
  });
});
document.head.append(script);
