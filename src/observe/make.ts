import { Counter, Gauge, Histogram, type Registry } from '@prometheus-io/client';

const PREFIX = 'fairlead_';
export const REQUEST_SECONDS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
export const WORK_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** Makes the metrics of one registry, each with our prefix. What `collect` does is done when somebody asks. */
export function maker(registry: Registry) {
  const about = (name: string, help: string) => ({ name: PREFIX + name, help, registers: [registry] });
  return {
    counter: <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
      new Counter<L>({ ...about(name, help), labelNames: [...labelNames] }),
    gauge: <L extends string>(
      name: string,
      help: string,
      labelNames: readonly L[],
      collect?: (gauge: Gauge<L>) => void,
    ) =>
      new Gauge<L>({
        ...about(name, help),
        labelNames: [...labelNames],
        ...(collect && {
          collect(this: Gauge<L>) {
            collect(this);
          },
        }),
      }),
    histogram: <L extends string>(
      name: string,
      help: string,
      labelNames: readonly L[],
      buckets: number[],
      collect?: (histogram: Histogram<L>) => void,
    ) =>
      new Histogram<L>({
        ...about(name, help),
        labelNames: [...labelNames],
        buckets,
        ...(collect && {
          collect(this: Histogram<L>) {
            collect(this);
          },
        }),
      }),
  };
}
export type Make = ReturnType<typeof maker>;
