import { beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { Loops } from './loops.ts';

let clock: FakeClock;
let loops: Loops;
beforeEach(() => {
  clock = new FakeClock();
  loops = new Loops(clock);
});

describe('a loop runs', () => {
  it('while nothing was begun', () => expect(loops.problem()).toBeUndefined());

  it('while a turn takes no longer than it may', async () => {
    loops.begin('pods', 1000);
    await clock.advance(1000);
    expect(loops.problem()).toBeUndefined();
  });

  it('for as long as one turn follows the other', async () => {
    const turn = loops.begin('certificates', 1000);
    for (let i = 0; i < 5; i += 1) {
      await clock.advance(900);
      turn.again();
    }
    expect(loops.problem()).toBeUndefined();
  });

  it('when its turn has ended, however long it rests', async () => {
    loops.begin('pods', 1000).end();
    await clock.advance(1_000_000);
    expect(loops.problem()).toBeUndefined();
  });
});

describe('a loop does not run', () => {
  it('when a turn takes longer than it may, though others end', async () => {
    loops.begin('pods', 1000);
    await clock.advance(1001);
    loops.begin('pods', 1000).end();
    expect(loops.problem()).toBe('pods does not come to an end');
  });

  it('when it has died, for good', () => {
    loops.died('secretreferences');
    loops.begin('secretreferences', 1000).end();
    expect(loops.problem()).toBe('secretreferences has ended');
  });
});
