import { defineConfig } from 'vitest/config';

/**
 * unit:    pure code and single parts, next to the code they test; seconds.
 * cluster: against a real kube-apiserver, controllers and OpenBao (test/cluster).
 * node:    with a real kubelet and containerd: real containers (test/node).
 * spark:   real Spark and Jupyter in images of our own on that node (test/spark).
 *
 * The cluster and node projects share one cluster that test/support/global-setup.ts starts; its webhooks and
 * policies are cluster-wide, so their files run one after another.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts', 'hack/**/*.test.ts', 'test/unit/**/*.test.ts'],
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: 'cluster',
          include: ['test/cluster/**/*.test.ts'],
          globalSetup: ['test/support/global-setup.ts'],
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'node',
          include: ['test/node/**/*.test.ts'],
          globalSetup: ['test/support/global-setup.ts'],
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 180_000,
        },
      },
      {
        test: {
          name: 'spark',
          include: ['test/spark/**/*.test.ts'],
          globalSetup: ['test/spark/global-setup.ts'],
          fileParallelism: false,
          testTimeout: 600_000,
          hookTimeout: 600_000,
        },
      },
    ],
  },
});
