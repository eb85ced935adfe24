import { describe, expect, it } from 'vitest';
import { formsIn, leaks, plant } from '../support/planted.ts';

const planted = plant((core) => `a "${core}" b\\`);
const { value, core } = planted;

describe('the search for planted values', () => {
  it.each([
    ['plain', `x=${value}`],
    ['plain', JSON.stringify({ value })],
    ['plain', encodeURIComponent(value)],
    ['base64', Buffer.from(core).toString('base64')],
    ['base64', Buffer.from(value).toString('base64')],
    ['base64', Buffer.from(`{"k":"${value}"}`).toString('base64')],
    ['base64', Buffer.from(`12${core}3`).toString('base64')],
    ['hex', Buffer.from(value).toString('hex')],
    ['hex', Buffer.from(value).toString('hex').toUpperCase()],
    ['URL-encoded', [...Buffer.from(core)].map((byte) => `%${byte.toString(16)}`).join('')],
  ])('finds it %s', (form, text) => {
    expect(formsIn(`before ${text} after`, planted)).toEqual([form]);
  });

  it('finds no other value', () => {
    expect(formsIn(`${plant().value} ${Buffer.from(plant().value).toString('base64')}`, planted)).toEqual([]);
  });

  it('says where, and not what', () => {
    expect(leaks({ log: `x${value}`, spec: 'y' }, [plant(), planted])).toEqual(['log: value 1, plain']);
  });
});
