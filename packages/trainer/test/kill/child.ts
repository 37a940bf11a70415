// A run that expects to be killed: the tiny model on ids, some of which stand against the rule, so that it goes back.
import { tinyIds, tinyModel } from '../tiny-model';
import { runKillable } from './killable-run';

const watched = process.argv[5] === 'watched';

/** Ids with a rule, and in a watched run with a stretch that is against it. */
function ids(): Int32Array {
  const rule = tinyIds(600);
  return watched ? rule.map((id, i) => (i >= 200 && i < 240 ? (i * i * 7) % 12 : id)) : rule;
}

void runKillable(process.argv.slice(2), () => ({
  start: tinyModel() as never,
  options: { data: ids(), batchSize: 4, contextLength: 8, evaluateEvery: 7 },
  watched,
}));
