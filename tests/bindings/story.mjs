// The story of case.json, told to phones that are somewhere else. Whoever tells it brings `ask(phone, call,
// args)`, `restart()` and `reconnect()`; this knows names, expectations and nothing of phones.

import assert from 'node:assert/strict';

const at = (pointer, value) => pointer.split('/').slice(1).reduce((found, part) => found[part], value);

/** Puts what earlier steps kept in the place of its name, or of `$name/pointer` a part of it. */
function filled(value, names) {
  if (typeof value === 'string' && value.startsWith('$')) {
    const [name, ...pointer] = value.slice(1).split('/');
    assert.ok(name in names, `nothing is called ${name}`);
    return at(['', ...pointer].join('/'), names[name]);
  }
  if (Array.isArray(value)) return value.map((each) => filled(each, names));
  if (value && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, filled(each, names)]));
  }
  return value;
}

/** Every field that is expected is there and equal; lists have the same length. */
function fits(expected, found, where) {
  if (Array.isArray(expected)) {
    assert.equal(found?.length, expected.length, `${where}: ${JSON.stringify(found)}`);
    expected.forEach((each, i) => fits(each, found[i], `${where}/${i}`));
  } else if (expected && typeof expected === 'object') {
    for (const [name, each] of Object.entries(expected)) {
      assert.ok(found && name in found, `${where}: no ${name} in ${JSON.stringify(found)}`);
      fits(each, found[name], `${where}/${name}`);
    }
  } else {
    assert.equal(found, expected, where);
  }
}

function fitsSome(expected, found, where) {
  const fit = found.some((each) => {
    try {
      fits(expected, each, where);
      return true;
    } catch {
      return false;
    }
  });
  assert.ok(fit, `${where}: none fits ${JSON.stringify(expected)} in ${JSON.stringify(found)}`);
}

async function act(story, step, it, where) {
  const names = { ...story.names, it };
  let found;
  try {
    found = await story.teller.ask(step.phone, step.call, filled(step.args ?? [], names));
  } catch (failure) {
    if (!step.fails) throw new Error(`${where}: ${JSON.stringify(failure)} ${failure.stack ?? ''}`);
    // Its detail is for support and says who carried the request; the rest is the same on every shore.
    const { kind, faults } = failure;
    story.found.push(faults ? { kind, faults } : { kind });
    return fits(step.fails, failure, where);
  }
  story.found.push(found);
  assert.ok(!step.fails, `${where}: expected ${JSON.stringify(step.fails)}, found ${JSON.stringify(found)}`);
  if ('expect' in step) fits(filled(step.expect, names), found, where);
  if ('expect_some' in step) fitsSome(filled(step.expect_some, names), found, where);
  for (const [pointer, part] of Object.entries(step.at ?? {})) {
    fits(filled(part, names), at(pointer, found), `${where}${pointer}`);
  }
  for (const [pointer, count] of Object.entries(step.count ?? {})) {
    assert.equal(at(pointer, found).length, count, `${where}${pointer}: ${JSON.stringify(found)}`);
  }
  for (const [name, pointer] of Object.entries(step.keep ?? {})) story.names[name] = at(pointer, found);
}

/** Tells the whole story; what every call found, in order. */
export async function tell(story, teller) {
  const told = { names: {}, teller, found: [] };
  for (const [i, step] of story.steps.entries()) {
    const where = `step ${i} ${step.phone ?? ''} ${step.call}`;
    await teller.setClock(story.now_ms + i * story.step_ms);
    if (!step.phone) await teller[step.call]();
    else for (const it of filled(step.each ?? [null], told.names)) await act(told, step, it, where);
  }
  return told.found;
}
