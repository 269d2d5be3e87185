import { useEffect, useRef } from "preact/hooks";
import type uPlot from "uplot";
import { clockTime } from "../format.ts";

export interface LagSample {
  readonly atEpochMillis: number;
  readonly lag: number;
}

const HEIGHT = 180;

/** Lag over time. It is drawn on a canvas, so the numbers are said beside it. */
export function LagChart({ samples }: { samples: readonly LagSample[] }) {
  const frame = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | undefined>(undefined);
  const latest = useRef(samples);
  latest.current = samples;

  useEffect(() => {
    const element = frame.current;
    if (element === null) return;
    let isOver = false;
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const draw = async () => {
      const { default: Chart } = await import("uplot");
      if (isOver) return;
      chart.current?.destroy();
      chart.current = new Chart(options(element), dataOf(latest.current), element);
    };
    const resized = new ResizeObserver(() => {
      if (chart.current && element.clientWidth > 0)
        chart.current.setSize({ width: element.clientWidth, height: HEIGHT });
    });
    resized.observe(element);
    // The canvas takes its colours once.
    const themed = new MutationObserver(draw);
    themed.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    dark.addEventListener("change", draw);
    void draw();
    return () => {
      isOver = true;
      resized.disconnect();
      themed.disconnect();
      dark.removeEventListener("change", draw);
      chart.current?.destroy();
    };
  }, []);

  useEffect(() => chart.current?.setData(dataOf(samples)), [samples]);

  const lags = samples.map(({ lag }) => lag);
  return (
    <div
      class="chart"
      ref={frame}
      role="img"
      aria-label={`Lag since this page was opened: ${lags.at(-1) ?? 0} messages now, ${Math.max(0, ...lags)} at most`}
    />
  );
}

function dataOf(samples: readonly LagSample[]): uPlot.AlignedData {
  return [samples.map(({ atEpochMillis }) => atEpochMillis / 1000), samples.map(({ lag }) => lag)];
}

/** Without a sample yet, the last minute. */
function minuteOf(least: number | null, most: number | null): [number, number] {
  const end = most ?? Date.now() / 1000;
  return [Math.min(least ?? end, end - 60), end];
}

function options(element: HTMLElement): uPlot.Options {
  const colour = (name: string) => {
    // A custom property holds light-dark(); only a real property resolves it.
    element.style.color = `var(${name})`;
    const { color } = getComputedStyle(element);
    element.style.color = "";
    return color;
  };
  const axis = {
    stroke: colour("--muted"),
    grid: { stroke: colour("--line"), width: 1 },
    ticks: { show: false },
  };
  const accent = colour("--accent");
  return {
    width: element.clientWidth,
    height: HEIGHT,
    cursor: { show: false },
    legend: { show: false },
    scales: {
      // A minute at least, so that the first seconds are not stretched over the whole width.
      x: { range: (_chart, least, most) => minuteOf(least, most) },
      y: { range: (_chart, _least, most) => [0, Math.max(10, most * 1.1)] },
    },
    axes: [
      { ...axis, space: 80, values: (_chart, values) => values.map((each) => clockTime(each * 1000)) },
      { ...axis, size: 56, values: (_chart, values) => values.map((each) => each.toLocaleString("en")) },
    ],
    series: [
      {},
      { label: "Lag", stroke: accent, width: 2, fill: colour("--accent-soft"), points: { show: false } },
    ],
  };
}
