import { type Caller, coversAllFeeds, hasRole, MAY_MANAGE, MAY_READ } from "../../shared/access/caller.ts";

export type ViewName = "feeds" | "feed" | "sessions" | "session" | "subscribe" | "keys";

interface View {
  readonly name: ViewName;
  readonly path: string;
  readonly title: string;
  /** Its place in the navigation; absent when another view leads to it. */
  readonly inNavigation: boolean;
  isFor(caller: Caller): boolean;
}

const reads = (caller: Caller) => hasRole(caller, MAY_READ);
const manages = (caller: Caller) => hasRole(caller, MAY_MANAGE);

/** The pages. What a caller may do in them is decided by the interface, for each request. */
export const VIEWS: readonly View[] = [
  { name: "feeds", path: "/console", title: "Feeds", inNavigation: true, isFor: reads },
  { name: "feed", path: "/console/feeds/:id", title: "Feed", inNavigation: false, isFor: reads },
  { name: "sessions", path: "/console/sessions", title: "Sessions", inNavigation: true, isFor: reads },
  { name: "session", path: "/console/sessions/:id", title: "Session", inNavigation: false, isFor: reads },
  { name: "subscribe", path: "/console/subscribe", title: "Subscribe", inNavigation: true, isFor: manages },
  {
    name: "keys",
    path: "/console/keys",
    title: "Keys",
    inNavigation: true,
    isFor: (caller) => manages(caller) && coversAllFeeds(caller),
  },
];

/** Who is signed in, as a page shows it. */
export function describe(caller: Caller): {
  readonly name: string;
  readonly role: string;
  readonly feeds: string;
} {
  if (caller.kind === "management") return { name: "management key", role: "everything", feeds: "all feeds" };
  const { name, role, feeds } = caller.key;
  return { name, role, feeds: coversAllFeeds(caller) ? "all feeds" : feeds.join(", ") };
}
