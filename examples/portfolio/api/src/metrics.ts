/** Counts and durations as Prometheus text. Labels come from the route table, so their number is bounded. */
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Pool } from "pg";

const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;

type Series = { readonly labels: string; readonly buckets: number[]; sum: number; count: number };

export type Metrics = {
  readonly begin: () => void;
  /** `seconds` from the request's headers to the answer. */
  readonly end: (method: string, route: string, status: number, seconds: number) => void;
  readonly render: () => string;
};

export function makeMetrics(version: string, pool: Pick<Pool, "totalCount" | "idleCount" | "waitingCount">): Metrics {
  const requests = new Map<string, number>();
  const durations = new Map<string, Series>();
  const loop = monitorEventLoopDelay({ resolution: 20 });
  loop.enable();
  let active = 0;
  return {
    begin: () => void (active += 1),
    end: (method, route, status, seconds) => {
      active -= 1;
      const labels = `method="${method}",route="${route}"`;
      const key = `${labels},status="${status}"`;
      requests.set(key, (requests.get(key) ?? 0) + 1);
      observe(durations, labels, seconds);
    },
    render: () =>
      [
        ...gauge("app_info", "The release that runs.", 1, `{version="${version.replace(/[\\"\n]/g, "")}"}`),
        ...header("http_requests_total", "counter", "Requests answered."),
        ...[...requests].map(([labels, count]) => `http_requests_total{${labels}} ${count}`),
        ...header("http_request_duration_seconds", "histogram", "Time to answer."),
        ...[...durations.values()].flatMap(renderSeries),
        ...gauge("http_requests_active", "Requests being answered.", active),
        ...gauge("database_connections", "Connections to the database.", pool.totalCount),
        ...gauge("database_connections_idle", "Connections not in use.", pool.idleCount),
        ...gauge("database_waiting", "Requests that wait for a connection.", pool.waitingCount),
        ...gauge("nodejs_eventloop_delay_p99_seconds", "Delay of the event loop.", loop.percentile(99) / 1e9 || 0),
        ...gauge("process_resident_memory_bytes", "Memory in use.", process.memoryUsage.rss()),
        ...gauge("process_start_time_seconds", "Start of the process.", Math.round(performance.timeOrigin / 1000)),
        ...header("process_cpu_seconds_total", "counter", "Processor time used."),
        `process_cpu_seconds_total ${getCpuSeconds()}`,
        "",
      ].join("\n"),
  };
}

function observe(durations: Map<string, Series>, labels: string, seconds: number): void {
  const series = durations.get(labels) ?? { labels, buckets: BUCKETS.map(() => 0), sum: 0, count: 0 };
  durations.set(labels, series);
  for (const [index, bound] of BUCKETS.entries()) {
    if (seconds <= bound) series.buckets[index] = (series.buckets[index] ?? 0) + 1;
  }
  series.sum += seconds;
  series.count += 1;
}

function renderSeries({ labels, buckets, sum, count }: Series): string[] {
  const name = "http_request_duration_seconds";
  return [
    ...BUCKETS.map((bound, index) => `${name}_bucket{${labels},le="${bound}"} ${buckets[index]}`),
    `${name}_bucket{${labels},le="+Inf"} ${count}`,
    `${name}_sum{${labels}} ${sum.toFixed(6)}`,
    `${name}_count{${labels}} ${count}`,
  ];
}

function header(name: string, type: string, help: string): string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`];
}

function gauge(name: string, help: string, value: number, labels = ""): string[] {
  return [...header(name, "gauge", help), `${name}${labels} ${value}`];
}

function getCpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
