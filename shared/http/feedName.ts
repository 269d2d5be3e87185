import { FEED_NAME } from "../queue/sequence.ts";
import { HttpProblem } from "./problem.ts";

/** Returns the feed of a path. @throws HttpProblem 400 when the name is not a valid feed name */
export function checkFeedName(feed: string): string {
  if (FEED_NAME.test(feed)) return feed;
  throw new HttpProblem(400, "feed.name-invalid", "The feed's name is invalid.", {
    errors: [
      {
        at: "path.feed",
        error:
          "must have 1 to 64 letters, digits, dots, underscores or hyphens, and begin with a letter or digit",
      },
    ],
  });
}
