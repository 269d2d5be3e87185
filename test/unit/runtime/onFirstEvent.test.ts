import { describe, expect, it, vi } from "vitest";
import { onFirstEvent } from "../../../shared/runtime/onFirstEvent.ts";

describe("onFirstEvent", () => {
  it("builds the handler once, on the first event, from the process environment", async () => {
    const build = vi.fn(() => async (event: number) => event + 1);
    const handler = onFirstEvent(build);
    expect(build).not.toHaveBeenCalled();
    expect([await handler(1), await handler(2)]).toEqual([2, 3]);
    expect(build).toHaveBeenCalledExactlyOnceWith(process.env);
  });

  it("builds again after a failure: a setting may have been repaired", async () => {
    const build = vi.fn(() => async () => "ready");
    build.mockImplementationOnce(() => {
      throw new Error("not set");
    });
    const handler = onFirstEvent(build);
    await expect(handler(0)).rejects.toThrow("not set");
    expect(await handler(0)).toBe("ready");
  });
});
