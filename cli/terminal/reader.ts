/**
 * Says what happens when nobody reads the output any more, as in `npm start | head`. Without this, Node ends the process
 * with an unhandled EPIPE and a stack trace.
 * @param whenGone called at most once
 */
export function onReaderGone(whenGone: () => void = () => process.exit()): void {
  let isGone = false;
  for (const stream of [process.stdout, process.stderr])
    stream.on("error", (error: NodeJS.ErrnoException) => {
      // EIO: the terminal itself was closed.
      if (error.code !== "EPIPE" && error.code !== "EIO") throw error;
      if (!isGone) whenGone();
      isGone = true;
    });
}
