/**
 * Loaded before Fairlead (`node --import`), so that a whole process of it can be broken from outside:
 *   SIGHUP   an hour passes in which nothing is heard
 *   SIGWINCH workers of the references end in the middle of their loop
 */
import { WorkQueue } from '../../src/runtime/queue.ts';

const now = performance.now.bind(performance);
let jumpMs = 0;
performance.now = () => now() + jumpMs;
process.on('SIGHUP', () => (jumpMs += 3_600_000));

const get = Reflect.get<WorkQueue, 'get'>(WorkQueue.prototype, 'get');
let isBroken = false;
process.on('SIGWINCH', () => (isBroken = true));
WorkQueue.prototype.get = async function (this: WorkQueue) {
  if (isBroken && this.name === 'secretreferences') throw new TypeError('hunter2');
  return get.call(this);
};
